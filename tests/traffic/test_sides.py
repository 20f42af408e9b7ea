"""Which side of a capture is ours, where nobody said so."""

from ipaddress import ip_address, ip_network

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.traffic.packets import Packets
from portbook.traffic.sides import ENOUGH, infer
from traffic.packets_made import ACK, OURS, SYN, UDP, Sent, columns

CLIENTS = [f"203.0.113.{last}" for last in range(1, 21)]
SERVERS = [f"198.51.100.{last}" for last in range(1, 51)]
SCANNER = "203.0.113.200"


def asked(client: str, port: int, *, ours: str = OURS, ttl: int = 64) -> list[Sent]:
    """A SYN to us and our answer."""
    return [
        Sent(0, client, 40000, ours, port, SYN, ttl=ttl),
        Sent(0, ours, port, client, 40000, SYN | ACK),
    ]


def surfing(ttl: int = 64) -> list[Sent]:
    """Our own connections to many servers, with bytes both ways."""
    found = []
    for at, server in enumerate(SERVERS):
        found += [
            Sent(0, OURS, 50000 + at, server, 443, SYN),
            Sent(0, server, 443, OURS, 50000 + at, SYN | ACK, ttl=ttl),
            Sent(0, OURS, 50000 + at, server, 443, ACK, b"hello"),
            Sent(0, server, 443, OURS, 50000 + at, ACK, b"hello", ttl=ttl),
        ]
    return found


def test_a_server_is_ours_by_its_clients() -> None:
    """One address at one end of every packet, named ports or not."""
    packets = columns([each for client in CLIENTS for each in asked(client, 3255)])
    for ports in ((), ((3255, None),), ((3255, "tcp"),)):
        sides = infer([packets], ports)
        assert sides.networks == (ip_network(OURS),)
        assert sides.clear


def test_a_client_is_ours_by_its_servers() -> None:
    """A laptop that surfs is not the many servers; only times to live make that certain."""
    for ttl, clear in ((64, False), (63, True), (51, True)):
        sides = infer([columns(surfing(ttl))])
        assert sides.networks == (ip_network(OURS),)
        assert sides.clear is clear


def test_one_knock_among_our_own_connections_is_enough() -> None:
    """Port 443 is named, and we are asked there once, while we ask fifty others."""
    packets = columns([*surfing(), *asked(SCANNER, 443)])
    assert infer([packets], ((443, "tcp"),)).networks == (ip_network(OURS),)


def test_times_to_live_tell_who_is_near() -> None:
    """Servers behind routers cannot be ours, whatever the ports say."""
    sides = infer([columns(surfing(ttl=51))], ((443, None),))
    assert sides.networks == (ip_network(OURS),)
    assert "router" in sides.how


def test_a_sweep_of_our_network_makes_its_targets_ours() -> None:
    """One scanner and many silent addresses: the scanner is not ours, and that is not certain."""
    targets = [f"10.0.0.{last}" for last in range(1, 101)]
    packets = columns([Sent(0, SCANNER, 4000, target, 3255, SYN) for target in targets])
    for ports in ((), ((3255, None),)):
        sides = infer([packets], ports)
        assert any(ip_address(targets[0]) in network for network in sides.networks)
        assert not any(ip_address(SCANNER) in network for network in sides.networks)
        assert not sides.clear


def swept_and_visited(*, ours: int, theirs: int) -> list[Sent]:
    """Three scanners of a hundred hosts of ours, and five clients of one; with times to live."""
    sent = [
        Sent(0, f"198.51.100.{scanner}", 40000, f"10.0.0.{host}", 80, SYN, ttl=theirs)
        for scanner in (1, 2, 3)
        for host in range(1, 101)
    ]
    for client in CLIENTS[:5]:
        for port in range(30000, 30020):
            ends = (client, port, "10.0.0.80", 80)
            sent += [
                Sent(1, *ends, SYN, ttl=theirs),
                Sent(1, *ends[2:], *ends[:2], SYN | ACK, ttl=ours),
                Sent(1, *ends, ACK, b"GET", ttl=theirs),
                Sent(1, *ends[2:], *ends[:2], ACK, b"200", ttl=ours),
            ]
    return sent


def test_who_opens_nearly_all_connections_is_the_other_side() -> None:
    """A few strangers that ask a hundred hosts of ours take part in every packet, too."""
    sides = infer([columns(swept_and_visited(ours=64, theirs=64))])
    assert sides.networks == (ip_network("10.0.0.0/25"),)
    assert not sides.clear


def test_our_own_routers_may_stand_before_the_capture() -> None:
    """Two hops are nearer than many; that the far side opens all connections agrees with it."""
    for ours in (64, 63, 62, 127, 254):
        sides = infer([columns(swept_and_visited(ours=ours, theirs=50))])
        assert sides.networks == (ip_network("10.0.0.0/25"),)
        assert sides.clear
    assert not infer([columns(swept_and_visited(ours=58, theirs=50))]).clear


def test_nearness_does_not_outweigh_who_opens_all_connections() -> None:
    """Strangers a router away that ask a hundred hosts of ours, which are further away."""
    assert not infer([columns(swept_and_visited(ours=50, theirs=63))]).clear


def test_two_hosts_that_the_same_strangers_ask_are_both_ours() -> None:
    """A capture of a whole segment."""
    other = "192.0.2.8"
    packets = columns(
        [
            each
            for client in CLIENTS
            for ours in (OURS, other)
            for each in asked(client, 80, ours=ours)
        ]
    )
    assert set(infer([packets], ((80, None),)).networks) == {ip_network(OURS), ip_network(other)}


def test_groups_and_one_address_alone() -> None:
    """Multicast is nobody's address; loopback talks to itself; nothing is no answer."""
    sent = [Sent(0, OURS, 5353, "224.0.0.251", 5353, protocol=UDP)] * 30
    packets = columns([*sent, *asked(CLIENTS[0], 3255)])
    assert infer([packets], ((3255, None),)).networks == (ip_network(OURS),)
    alone = columns([Sent(0, "::1", 40000, "::1", 3255, SYN)])
    assert infer([alone]).networks == (ip_network("::1"),)
    assert infer([]).networks == ()
    assert not infer([columns(sent)]).clear


def chained(length: int) -> Packets:
    """A packet from each address to the next one, 10.0.0.0 first."""
    packets = columns([Sent(0, "10.0.0.0", 1, "10.0.0.1", 2, ACK)]).taken(np.zeros(length, np.intp))
    step = np.arange(length, dtype=np.uint64)
    packets.source_low = packets.source_low + step
    packets.destination_low = packets.destination_low + step
    return packets


def test_each_address_of_a_chain_is_on_the_other_side_than_the_next() -> None:
    """However long it is: one of as many packets as are looked at takes no longer than others."""
    found = {str(each.network_address) for each in infer([chained(20)]).networks}
    chain = [f"10.0.0.{last}" for last in range(21)]
    assert found in ({*chain[::2]}, {*chain[1::2]})
    assert not infer([chained(ENOUGH)]).clear


_ADDRESSES = st.sampled_from([OURS, SCANNER, "::1", "2001:db8::1", *CLIENTS, *SERVERS])
_PACKETS = st.tuples(
    _ADDRESSES,
    st.integers(0, 65535),
    _ADDRESSES,
    st.sampled_from([0, 80, 3255]),
    st.integers(0, 255),
    st.sampled_from([6, 17, 132]),
    st.integers(0, 255),
).map(lambda row: Sent(0, row[0], row[1], row[2], row[3], row[4], protocol=row[5], ttl=row[6]))


@settings(max_examples=150, deadline=None)
@given(st.lists(_PACKETS, max_size=60), st.sampled_from([(), ((80, None),), ((80, "udp"),)]))
def test_any_packets_have_an_answer_from_among_them(
    sent: list[Sent], ports: tuple[tuple[int, str | None], ...]
) -> None:
    """Never an exception, and never an address that is in no packet."""
    sides = infer([columns(sent)], ports)
    known = {ip_network(end) for each in sent for end in (each.source, each.destination)}
    assert set(sides.networks) <= known
    assert bool(sides.networks) == bool(sent)
    assert sides.how
