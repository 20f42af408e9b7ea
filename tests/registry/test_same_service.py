"""Telling the registered service from another use of its number, by names alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model import Assignment
from portbook.registry.same_service import SAME_NAME, match


def service(name: str | None, description: str | None = None) -> Assignment:
    """An assignment of which only the name and the description matter."""
    return Assignment(name, 1, 1, "tcp", description)


@pytest.mark.parametrize(
    ("name", "description", "product"),
    [
        ("ftp-data", None, "ftp_data"),
        ("mysql-cluster", "MySQL Cluster Manager", "mysqld"),
        ("ldaps", None, "ldap"),
        ("hsrpv6", "Hot Standby Router Protocol IPv6", "hsrp"),
        ("memcache", None, "memcached"),
        ("postgresql", None, "postgres"),
        ("nicname", "Who Is", "whois"),
        ("ms-sql-s", "Microsoft-SQL-Server", "mssql"),
        ("ws-discovery", None, "ws-discovery-udp"),
        ("mbap", "Modbus Application Protocol", "modbus"),
        ("prsvp", "RSVP Port", "rsvp"),
        ("ldss", "Local Download Sharing Service", "ldss"),
        ("ff-sm", "FF System Management", "ff"),
    ],
)
def test_the_same_name_in_another_spelling(name: str, description: str, product: str) -> None:
    """Separators, daemon's d, plural, versions and runs of words do not hide a name."""
    assert match(service(name, description), product)


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("domain", "dns"),
        ("domain", "pihole/pihole"),
        ("ssh", "OpenSSH"),
        ("microsoft-ds", "smbd"),
        ("netbios-ns", "nmbd"),
        ("mysql", "mariadb"),
        ("rfb", "vnc-server"),
        ("ms-wbt-server", "xrdp"),
        ("ipp", "CUPS"),
        ("afs3-volser", "afs_fs"),
        ("xmpp-client", "jabberd"),
        ("imaps", "ghcr.io/stalwartlabs/stalwart"),
        ("gds_db", "firebird"),
        ("EtherNet/IP-1", "cipio"),
        ("krb524", "kerberos-master"),
        ("mqtt", "eclipse-mosquitto"),
        ("amqps", "rabbitmq"),
        ("http", "nginx"),
    ],
)
def test_another_name_or_a_server_of_the_service(name: str, product: str) -> None:
    """The table of other names knows successors, servers and nicknames, in any spelling."""
    assert match(service(name), product)


@pytest.mark.parametrize(
    ("name", "description", "product"),
    [
        ("d-s-n", "Distributed SCADA Networking Rendezvous Port", "influxdb"),
        ("sun-sr-https", "Service Registry Default HTTPS Domain", "https-proxy"),
        ("lm-x", "LM-X License Manager by X-Formation", "floating-license-server"),
        ("nv-video", "NV Video default", "video-server"),
        ("hbci", "HBCI", "Create React App"),
        ("mevent", "Multicast Event", "dds-multicast"),
        ("compaq-https", "Compaq HTTPS", "http"),
        ("apani1", "apani1", "1"),
        ("ica", "ica", "icq"),
        ("time", "Time", "timescaledb"),
    ],
)
def test_a_generic_word_in_common_says_nothing(name: str, description: str, product: str) -> None:
    """Words that many services share, digits and short beginnings make no match."""
    assert match(service(name, description), product) is None


def test_a_web_application_on_a_number_of_http_speaks_http() -> None:
    """What is known as a web application names HTTP by being there, and nothing else."""
    assert match(service("http-alt"), "jellyfin", "self-hosted")
    assert match(service("https"), "vaultwarden/server", "container-image")
    assert match(service("http-alt"), "jellyfin", "firewall-profile") is None
    assert match(service("pcsync-https", "PCsync HTTPS"), "openhab", "self-hosted") is None


def test_an_exporter_is_not_what_it_exports() -> None:
    """The exporter of a service's figures is another program on another number."""
    assert match(service("redis"), "Redis exporter") is None
    assert match(service("git"), "git", "exporter") is None


def test_tls_names_only_the_protected_form_of_a_service() -> None:
    """A TLS decoder was set on the number because the service runs over TLS."""
    assert match(service("dnp-sec", "Distributed Network Protocol - Secure"), "tls")
    assert match(service("dnp", "DNP"), "tls") is None


def test_the_host_of_a_container_image_is_no_part_of_its_name() -> None:
    """`docker.elastic.co/...` does not name a service called elastic or docker."""
    assert match(service("elastic"), "docker.elastic.co/kibana/kibana") is None


def test_ianas_remark_on_respelled_names_is_no_description() -> None:
    """The old name that the remark repeats would match everything that has one."""
    remark = 'Broker Service IANA assigned this well-formed service name as a replacement for "x"'
    assert match(service("broker-service", remark), "replacement") is None


def test_a_nameless_row_matches_nothing() -> None:
    """A reserved number is nobody's."""
    assert match(service(None, "Reserved"), "Reserved") is None


def test_the_reason_is_told() -> None:
    """A person can see what made a trace count."""
    assert match(service("ssh"), "SSH") == SAME_NAME
    assert match(service("rfb"), "vnc") == "vnc is a name, a successor or a server of it"
    assert match(service("mbap", "Modbus Application Protocol"), "modbus") == (
        "the description says modbus"
    )


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_judged(name: str, description: str, product: str) -> None:
    """No name, description or product makes the judgement fail, and equal names match."""
    match(service(name, description), product)
    if any(letter.isascii() and letter.isalnum() for letter in name):
        assert match(service(name, description), name) or "exporter" in name.casefold()
