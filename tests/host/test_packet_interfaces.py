"""Interfaces and addresses by rtnetlink, against `ip`, and against bytes that are none."""

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.host.interfaces import (
    BadAnswer,
    Interface,
    addresses,
    interfaces,
    links,
    own_networks,
    seen_twice,
)
from traffic.own_network import OwnNetwork, own_network

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="rtnetlink is Linux")


def in_a_namespace(test: Callable[[], None]) -> Callable[[], None]:
    """A test that makes a namespace and devices in it."""
    missing = "root" if os.geteuid() else "ip" if shutil.which("ip") is None else ""
    for mark in (
        pytest.mark.live,
        pytest.mark.root,
        pytest.mark.skipif(bool(missing), reason=f"needs {missing}"),
    ):
        test = mark(test)
    return test


def compare(net: OwnNetwork) -> None:
    """What `ip` shows is what we read."""
    shown = json.loads(net.ip("-j", "addr"))
    assert {(each.number, each.name) for each in net(interfaces)} == {
        (each["ifindex"], each["ifname"]) for each in shown
    }
    ours = set(net(own_networks))
    expected: set[IPv4Network | IPv6Network] = set()
    for device in shown:
        up = "UP" in device["flags"]
        assert up in {each.up for each in net(interfaces) if each.number == device["ifindex"]}
        for row in device["addr_info"]:
            wide = row["family"] == "inet" and "LOOPBACK" in device["flags"]
            text = f"{row['local']}/{row['prefixlen']}" if wide else row["local"]
            expected.add(ip_network(text, strict=False))
    assert ours == expected


@in_a_namespace
def test_loopback_is_ours_as_a_whole() -> None:
    """127.0.0.0/8 and ::1, as the kernel answers to them."""
    with own_network() as net:
        assert set(net(own_networks)) == {ip_network("127.0.0.0/8"), ip_network("::1")}
        compare(net)


@in_a_namespace
def test_addresses_of_every_kind_are_those_that_ip_shows() -> None:
    """IPv4, IPv6, several on one device, a point-to-point one, a device that is down."""
    with own_network() as net:
        net.ip("link", "add", "left", "type", "veth", "peer", "name", "right")
        net.ip("link", "set", "left", "up")
        net.ip("addr", "add", "10.9.0.1/24", "dev", "left")
        net.ip("addr", "add", "10.9.0.2/24", "dev", "left")
        net.ip("addr", "add", "10.8.0.1", "peer", "10.8.0.2", "dev", "left")
        net.ip("addr", "add", "fd00::1/64", "dev", "left", "nodad")
        net.ip("addr", "add", "10.7.0.1/8", "dev", "right")
        compare(net)
        ours = net(own_networks)
        for text in ("10.9.0.2", "10.8.0.1", "10.7.0.1", "fd00::1", "127.9.9.9"):
            assert any(ip_address(text) in network for network in ours), text
        for text in ("10.9.0.3", "10.8.0.2", "fd00::2"):
            assert not any(ip_address(text) in network for network in ours), text


@in_a_namespace
def test_an_address_that_comes_and_goes_is_seen_to_come_and_go() -> None:
    """Nothing is kept from one call to the next."""
    with own_network() as net:
        before = net(own_networks)
        net.ip("addr", "add", "192.0.2.7/32", "dev", "lo")
        assert set(net(own_networks)) - set(before) == {ip_network("192.0.2.7")}
        net.ip("addr", "del", "192.0.2.7/32", "dev", "lo")
        assert net(own_networks) == before


@in_a_namespace
def test_the_port_of_a_bridge_is_known_by_its_master() -> None:
    """Where the kernel has bridges, their ports are told from other devices."""
    with own_network() as net:
        net.ip("link", "add", "one", "type", "veth", "peer", "name", "other")
        try:
            net.ip("link", "add", "name", "br", "type", "bridge")
        except subprocess.CalledProcessError:
            pytest.skip("this kernel has no bridges")
        net.ip("link", "set", "one", "master", "br")
        known = {each.name: each for each in net(interfaces)}
        assert (known["br"].kind, known["one"].kind) == ("bridge", "veth")
        assert known["one"].master == known["br"].number
        assert seen_twice(known.values()) == {known["one"].number}


def test_ports_of_a_bridge_are_seen_twice_and_those_of_a_vrf_once() -> None:
    """A frame of a bridge's port comes again from the bridge; a VRF hands nothing on."""

    def attribute(kind: int, value: bytes) -> bytes:
        return (struct.pack("=HH", 4 + len(value), kind) + value).ljust((len(value) + 7) & ~3)

    def link(number: int, name: str, kind: str, master: int = 0) -> bytes:
        body = struct.pack("=BxHiII", 0, 1, number, 1, 0) + attribute(3, name.encode() + b"\0")
        body += attribute(10, struct.pack("=I", master)) if master else b""
        body += attribute(18 | 0x8000, attribute(1, kind.encode() + b"\0"))
        return struct.pack("=IHHII", 16 + len(body), 16, 2, 1, 0) + body

    datagrams = [
        link(2, "br0", "bridge") + link(3, "eth0", "", 2) + link(4, "vrf7", "vrf"),
        link(5, "eth1", "dummy", 4) + link(6, "eth2", "veth"),
    ]
    known = list(links(datagrams))
    assert known[1] == Interface(3, "eth0", up=True, loopback=False, master=2, kind="")
    assert [each.kind for each in known] == ["bridge", "", "vrf", "dummy", "veth"]
    assert seen_twice(known) == {3}


@given(st.lists(st.binary(max_size=200), max_size=3))
def test_arbitrary_bytes_are_read_or_refused(datagrams: list[bytes]) -> None:
    """Nothing but BadAnswer is raised."""
    with suppress(BadAnswer):
        list(links(datagrams))
    with suppress(BadAnswer):
        list(addresses(datagrams))


@given(st.sampled_from((16, 20)), st.binary(max_size=80), st.binary(max_size=60))
def test_a_message_with_any_body_is_read_or_refused(kind: int, body: bytes, more: bytes) -> None:
    """The header fits, so the attributes are walked."""
    attribute = struct.pack("=HH", 4 + len(more), 18) + more
    whole = struct.pack("=IHHII", 16 + len(body) + len(attribute), kind, 2, 1, 0)
    with suppress(BadAnswer):
        list(links([whole + body + attribute]))
    with suppress(BadAnswer):
        list(addresses([whole + body + attribute]))
