"""Which packets are to us, and which are from us."""

import ipaddress

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from portbook.traffic.own_side import (
    ELSEWHERE,
    INBOUND,
    OUTBOUND,
    OwnSide,
    address_text,
)
from traffic.packets_made import ACK, OURS, RST, SYN, Sent, columns

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
