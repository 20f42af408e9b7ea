"""Which packets are to us, and which are from us."""

import ipaddress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.traffic import own_side
from portbook.traffic.own_side import (
    ELSEWHERE,
    INBOUND,
    OUTBOUND,
    OwnSide,
    address_text,
)
from traffic.packets_made import ACK, OURS, RST, SYN, UDP, Sent, columns

_ADDRESSES = st.sampled_from(
    ["10.0.0.1", "10.0.3.255", "10.0.4.0", "192.0.2.7", "2001:db8::1", "2001:db8:0:1::1", "fe80::1"]
) | st.ip_addresses().map(str)
_NETWORKS = (
    ipaddress.ip_network("10.0.0.0/22"),
    ipaddress.ip_network("192.0.2.7"),
    ipaddress.ip_network("2001:db8::/64"),
    ipaddress.ip_network("fe80::/10"),
    ipaddress.ip_network("2001:db8:5::ff00/120"),
)


@given(st.lists(st.tuples(_ADDRESSES, _ADDRESSES), min_size=1, max_size=20))
def test_networks_are_those_of_ipaddress(pairs: list[tuple[str, str]]) -> None:
    """Ranges over two halves agree with the standard library's networks."""
    side = OwnSide(_NETWORKS)
    packets = columns([Sent(0, one, 5, other, 6, SYN) for one, other in pairs])
    found = side.directions(packets, None).tolist()

    def ours(text: str) -> bool:
        address = ipaddress.ip_address(text)
        return any(address in network for network in _NETWORKS)

    for (one, other), way in zip(pairs, found, strict=True):
        if ours(one) and ours(other):
            assert way in (INBOUND, OUTBOUND)
        else:
            assert way == (INBOUND if ours(other) else OUTBOUND if ours(one) else ELSEWHERE)


def test_on_loopback_the_side_that_was_asked_is_ours() -> None:
    """SYN and SYN-ACK tell, then what was seen to serve, whatever the numbers are."""
    side = OwnSide((ipaddress.ip_network("127.0.0.0/8"),))
    both = ("127.0.0.1", "127.0.0.1")
    packets = columns(
        [
            Sent(0, both[0], 8000, both[1], 50000, SYN),
            Sent(0, both[1], 50000, both[0], 8000, SYN | ACK),
            Sent(0, both[0], 8000, both[1], 50000, ACK),
            Sent(0, both[1], 50000, both[0], 8000, RST),
            Sent(0, both[0], 41000, both[1], 90, ACK),
        ]
    )
    assert side.directions(packets, None).tolist() == [1, 2, 1, 2, 1]


def test_between_two_of_ours_the_watched_port_is_ours() -> None:
    """What is watched is the own side, also where the capture began late."""
    watched = np.zeros((4, 65536), np.bool_)
    watched[1, 50000] = True
    side = OwnSide((ipaddress.ip_network("192.0.2.0/24"),))
    packets = columns(
        [
            Sent(0, OURS, 8000, "192.0.2.8", 50000, ACK),
            Sent(0, "192.0.2.8", 50000, OURS, 8000, ACK),
        ]
    )
    assert side.directions(packets, watched).tolist() == [INBOUND, OUTBOUND]


@given(st.ip_addresses())
def test_an_address_is_written_as_people_write_it(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """Two halves back to the usual text."""
    mapped = getattr(address, "ipv4_mapped", None)
    number = int(address) | (0xFFFF << 32 if address.version == 4 else 0)
    assert address_text(number >> 64, number & (1 << 64) - 1) == str(mapped or address)


def _sides(*sent: Sent) -> list[int]:
    """Return the directions of packets in 192.0.2.0/24, one batch for each."""
    side = OwnSide((ipaddress.ip_network("192.0.2.0/24"),))
    found = []
    for each in sent:
        found += side.directions(columns([each]), None).tolist()
    return found


def test_a_scan_of_another_host_turns_no_connection_round() -> None:
    """What served elsewhere under the same number says nothing of a connection of ours."""
    scan = [Sent(n, "192.0.2.99", 33000, "192.0.2.50", 40000 + n, SYN) for n in range(50)]
    talk = [
        Sent(60, "192.0.2.8", 40007, OURS, 80, SYN),
        Sent(61, OURS, 80, "192.0.2.8", 40007, SYN | ACK),
        Sent(62, "192.0.2.8", 40007, OURS, 80, ACK),
        Sent(63, OURS, 80, "192.0.2.8", 40007, ACK),
    ]
    assert _sides(*scan, *talk)[-4:] == [INBOUND, OUTBOUND, INBOUND, OUTBOUND]


@pytest.mark.parametrize("code", [1, 3, 13])
def test_an_icmp_error_goes_back_whatever_its_code_is(code: int) -> None:
    """It belongs to the connection that it quotes, also from a router between them."""
    asked = Sent(0, "192.0.2.8", 40000, OURS, 80, SYN)
    error = Sent(1, OURS, 80, "192.0.2.8", 40000, code, kind=1, options=3, quoted=OURS)
    router = error._replace(source="192.0.2.1")
    assert _sides(asked, error, router) == [INBOUND, OUTBOUND, OUTBOUND]


def test_the_first_datagram_asks() -> None:
    """Equal ports, or a service above the client's port: who came first is the source."""
    for source_port, port in ((123, 123), (40000, 51820)):
        one = Sent(0, "192.0.2.8", source_port, OURS, port, protocol=UDP)
        other = Sent(1, OURS, port, "192.0.2.8", source_port, protocol=UDP)
        assert _sides(one, other, one._replace(at=2)) == [INBOUND, OUTBOUND, INBOUND]


def test_what_is_remembered_of_connections_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound everything is forgotten at once, and directions go on."""
    monkeypatch.setattr(own_side, "_MOST_PAIRS", 20)
    side = OwnSide((ipaddress.ip_network("192.0.2.0/24"),))
    for n in range(50):
        made = columns([Sent(n, "192.0.2.8", 40000 + n, OURS, 80, SYN)])
        assert side.directions(made, None).tolist() == [INBOUND]
    assert side._pairs.size <= 22
