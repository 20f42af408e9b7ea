"""Whether an opener is right at a listener: families, TLS, and what is not known."""

import os

import pytest

from portbook.identify.probes import all_probes
from portbook.traffic.openers import FAMILIES, KINDS, NAMES, fits
from portbook.traffic.openers.fitting import KNOWN, WEB

_RIGHT = [
    ("http", ["http"]),
    ("http", ["ipp"]),
    ("http", ["docker"]),
    ("http", ["ollama"]),
    ("http", ["http-proxy"]),
    ("http2", ["grpc"]),
    ("http2", ["http"]),
    ("tls", ["tls"]),
    ("tls", ["http", "tls"]),
    ("tls", ["postgresql"]),
    ("smtp", ["lmtp"]),
    ("lmtp", ["smtp"]),
    ("sunrpc", ["nfs"]),
    ("sunrpc", ["rpcbind"]),
    ("ftp", ["pop3"]),
    ("smb", ["netbios-ssn"]),
    ("mdns", ["mdns"]),
    ("dns", ["dns"]),
    ("socks4", ["socks5"]),
    ("dtls", ["dtls"]),
    ("redis", ["redis"]),
    ("ike", ["ike-nat-t"]),
]
_WRONG = [
    ("tls", ["http"]),
    ("tls", ["ssh"]),
    ("tls", ["smtp"]),
    ("http", ["ssh"]),
    ("http", ["redis"]),
    ("http", ["tls"]),
    ("http", ["grpc"]),
    ("http2", ["postgresql"]),
    ("ssh", ["http"]),
    ("rdp", ["http"]),
    ("smb", ["ssh", "http"]),
    ("jdwp", ["http"]),
    ("dcerpc", ["http"]),
    ("redis", ["memcached"]),
    ("dns", ["ntp"]),
    ("smtp", ["imap"]),
]


@pytest.mark.parametrize(("protocol", "spoken"), _RIGHT)
def test_right(protocol: str, spoken: list[str]) -> None:
    """A client of this listener, or of a near relative."""
    assert fits(protocol, spoken)


@pytest.mark.parametrize(("protocol", "spoken"), _WRONG)
def test_wrong(protocol: str, spoken: list[str]) -> None:
    """No server of the one takes the other."""
    assert not fits(protocol, spoken)


def test_never_wrong_by_ignorance() -> None:
    """An unknown listener, an unknown protocol or none at all takes anything."""
    for name in NAMES:
        assert fits(name, []) and fits(name, ["something new"]) and fits(name, ["ssh", "echo"])
    assert fits("something new", ["http"])


def test_each_fits_its_own() -> None:
    """Whatever identify calls a listener that an opener is made for, it fits."""
    for name in (*NAMES, *FAMILIES):
        assert fits(name, [name])
        assert fits(FAMILIES.get(name, name), [name])


def test_names_are_those_of_identify() -> None:
    """No listener is listed that identify does not name, and every opener is named likewise."""
    identified = {probe.name for probe in all_probes()}
    assert identified >= KNOWN
    assert {*NAMES, *FAMILIES} - identified == {"dcerpc"}


def test_what_answers_http_takes_http() -> None:
    """Every probe that reads answers to a web request is of the family."""
    web = {
        probe.name
        for probe in all_probes()
        if "http" in probe.reacts_to and not (probe.opener or probe.speaks_first or probe.tls)
    }
    assert len(web) > 20
    assert all(fits("http", [name]) for name in web), {n for n in web if n not in WEB}


def test_every_protocol_is_documented() -> None:
    """docs/openers.md has one row for each protocol, with its transports, and no other."""
    path = os.path.join(os.path.dirname(__file__), "../../docs/openers.md")
    with open(path) as file:
        rows = [[cell.strip() for cell in line.split("|")] for line in file if line[:3] == "| `"]
    told = {row[1].strip("`"): set(row[2].split(", ")) for row in rows if len(row) == 7}
    told.pop("certain", None)
    over: dict[str, set[str]] = {}
    for kind in KINDS:
        over.setdefault(kind.name, set()).add(kind.transport)
    over |= {name: {"tcp"} for name in ("lmtp", "netbios-ssn")}  # Judged by their relatives' judge.
    assert told == over
