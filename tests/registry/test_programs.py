"""Which services a process is known for by its name."""

import pytest

from portbook.registry.lookup import lookup
from portbook.registry.programs import _SERVERS, known_for, names_product, serves
from portbook.registry.tables import read_assignments, shipped


def services(port: int, program: str) -> set[str]:
    """The services registered on `port` that `program` is known to serve."""
    return {row.service for row in lookup(port).assignments if row.service and serves(row, program)}


@pytest.mark.parametrize(
    ("port", "program", "service"),
    [
        (22, "sshd", "ssh"),
        (25, "exim4", "smtp"),
        (25, "master", "smtp"),
        (53, "dnsmasq", "domain"),
        (80, "nginx", "http"),
        (123, "chronyd", "ntp"),
        (389, "slapd", "ldap"),
        (443, "apache2", "https"),
        (445, "smbd", "microsoft-ds"),
        (631, "cupsd", "ipp"),
        (3306, "mariadbd", "mysql"),
        (5060, "kamailio", "sip"),
        (5353, "avahi-daemon", "mdns"),
        (5432, "postgres", "postgresql"),
        (5672, "beam.smp", "amqp"),
        (5900, "Xvnc", "rfb"),
        (6379, "redis-server", "redis"),
        (6379, "valkey-server", "redis"),
        (11211, "memcached", "memcache"),
        (27017, "mongod", "mongodb"),
    ],
)
def test_well_known_servers_serve_what_is_registered(port: int, program: str, service: str) -> None:
    """The daemons of common distributions are known by their process names."""
    assert service in services(port, program)


@pytest.mark.parametrize(
    ("port", "program"),
    [
        (8301, "app"),  # the initials of "Amberon PPC/PPS"
        (8080, "java"),
        (22, "nginx"),
        (3255, "python3"),
        (5432, "sshd"),
        (9000, "php-fpm"),
        (53, "node"),
    ],
)
def test_a_name_that_says_nothing_proves_nothing(port: int, program: str) -> None:
    """Initials and words of a description are no reason to expect a process."""
    assert services(port, program) == set()


def test_every_service_of_the_table_is_registered() -> None:
    """The table cannot name a service that the registry does not have."""
    for service in _SERVERS:
        assert lookup(service), service


def test_a_program_may_be_known_for_several_services() -> None:
    """One server often serves several protocols."""
    assert {"imap", "pop3", "sieve"} <= set(known_for("dovecot"))
    assert known_for("something-of-my-own") == ()


GENERIC = """
app api code server main web node java python3 python php ruby bash sh start run service worker
daemon proxy agent client manager monitor director storage operator test backend frontend gateway
core data engine control admin console
"""


def test_a_generic_name_is_expected_of_no_service() -> None:
    """Over the whole registry, such a process is never taken for what is registered."""
    rows = {
        (row.service, row.description): row for row in read_assignments(shipped("assignments.tsv"))
    }
    hits = {
        (program, row.service)
        for program in GENERIC.split()
        for row in rows.values()
        if row.service and row.service.casefold() != program and serves(row, program)
    }
    assert hits == set()


@pytest.mark.parametrize(
    ("product", "program", "same"),
    [
        ("influxdb", "influxd", True),
        ("Prometheus", "prometheus", True),
        ("node-exporter", "node_exporter", True),
        ("Tor", "monitor", False),
        ("fox", "firefox", False),
        ("mail", "sendmail", False),
        ("Rune", "prune", False),
        ("x", "", False),
    ],
)
def test_a_product_is_told_by_its_whole_name(product: str, program: str, same: object) -> None:
    """A name inside another one is no match."""
    assert names_product(product, program) is same
