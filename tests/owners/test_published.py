"""Ports that engines publish, with and without a socket on the host."""

from pathlib import Path

import pytest
from hypothesis import given

from portbook.model import Socket, Transport
from portbook.owners.contained import Contained, Engines, PublishedPort
from portbook.owners.engine_replies import containers_in
from portbook.owners.published import missing_listeners, overlaps, published_on
from strategies import IPV4, IPV6, WILDCARDS

REPLIES = Path(__file__).parent.parent / "replies" / "engines"
DOCKER = Engines(containers_in((REPLIES / "docker.json").read_bytes(), "docker").containers, ())


def listening(port: int, address: str = "0.0.0.0", transport: Transport = Transport.TCP) -> Socket:
    """A socket of the host."""
    return Socket(transport, address, port, "ipv4", False, "listen", 1, 2, 0, 128, 0, None, 3)


def test_a_published_port_names_its_container_once() -> None:
    """Although it is published for IPv4 and for IPv6."""
    (found,) = published_on(8080, "tcp", None, DOCKER)
    assert (found.name, found.container_port, found.how) == ("shop-web-1", 80, "published")
    assert published_on(8080, "udp", None, DOCKER) == []
    assert published_on(443, "tcp", None, DOCKER) == []


def test_the_address_counts() -> None:
    """A port published on loopback says nothing of a listener on another address."""
    assert published_on(15432, "tcp", "127.0.0.1", DOCKER)
    assert published_on(15432, "tcp", "0.0.0.0", DOCKER)
    assert not published_on(15432, "tcp", "192.0.2.7", DOCKER)


def test_a_port_without_a_socket_is_missing() -> None:
    """With userland-proxy off only the firewall knows of it."""
    sockets = [listening(8080), listening(5353), listening(15432, "192.0.2.1")]
    missing = missing_listeners(DOCKER, sockets)
    assert [
        (each.port.transport, each.port.host_port, each.container.name) for each in missing
    ] == [
        ("udp", 5353, "dns"),
        ("tcp", 15432, "shop-db-1"),
    ]
    sockets += [listening(15432, "127.0.0.1"), listening(5353, transport=Transport.UDP)]
    assert missing_listeners(DOCKER, sockets) == ()


def test_a_container_with_the_hosts_network_publishes_nothing() -> None:
    """Its sockets are the host's own, and are listed as such."""
    port = PublishedPort("0.0.0.0", 80, "tcp", 80)
    own = Contained("docker", "a" * 64, "web", ports=(port,), host_network=True)
    engines = Engines((own,), ())
    assert published_on(80, "tcp", None, engines) == []
    assert missing_listeners(engines, []) == ()


@pytest.mark.parametrize(
    ("published", "address", "together"),
    [
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("0.0.0.0", "::", True),
        ("0.0.0.0", "::ffff:127.0.0.1", True),
        ("0.0.0.0", "::1", False),
        ("::", "::1", True),
        ("::", "127.0.0.1", False),
        ("::1", "0.0.0.0", False),
        ("", "10.0.0.1", True),
    ],
)
def test_two_addresses_concern_each_other(published: str, address: str, *, together: bool) -> None:
    """The same one, or one that stands for every address of a family."""
    assert overlaps(published, address) is together


@given(IPV4 | IPV6)
def test_an_address_overlaps_itself_and_its_wildcard(address: str) -> None:
    """Whatever the address."""
    assert overlaps(address, address)
    assert overlaps(WILDCARDS[":" in address], address)
