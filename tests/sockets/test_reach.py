import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.sockets import reach_of
from strategies import IPV4, IPV6

PRIVATE = [
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
]


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("0.0.0.0", "any"),
        ("::", "any"),
        ("::ffff:0.0.0.0", "any"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("febf::1", "link-local"),
        ("fec0::1", "any"),
        ("10.1.2.3", "private"),
        ("172.15.0.1", "any"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.1", "any"),
        ("192.168.0.1", "private"),
        ("::ffff:192.168.0.1", "private"),
        ("100.64.0.1", "private"),
        ("100.128.0.1", "any"),
        ("fd12:3456::1", "private"),
        ("fc::1", "any"),
        ("fd::1", "any"),
        ("fe8::1", "any"),
        # glibc prints all of ::/96 with dots; any user may bind such an address (IPV6_FREEBIND).
        ("::1.2.3.4", "any"),
        ("::ffff:0:1.2.3.4", "any"),
        ("2001:db8::1", "any"),
        ("203.0.113.9", "any"),
    ],
)
def test_the_reach_of_an_address(address: str, reach: str) -> None:
    """Loopback, link-local, private or any, by the ranges of RFC 1918, 6598, 4193 and 4291."""
    assert reach_of(address) == reach


@given(st.one_of(IPV4, IPV6))
def test_reach_agrees_with_the_standard_library(address: str) -> None:
    """`ipaddress` draws the same lines."""
    parsed = ipaddress.ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None)
    known = mapped or parsed
    if known.is_loopback:
        expected = "loopback"
    elif known.is_link_local:
        expected = "link-local"
    elif any(known.version == net.version and known in net for net in PRIVATE):
        expected = "private"
    else:
        expected = "any"
    assert reach_of(address) == expected
