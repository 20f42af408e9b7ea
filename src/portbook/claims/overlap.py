"""Whether two addresses of one port are in each other's way, as Linux decides it at bind().

An IPv6 socket bound to `::` takes IPv4 as well unless IPV6_V6ONLY is set; `::ffff:1.2.3.4` is the
IPv4 address (ipv6(7); inet_rcv_saddr_equal in net/ipv4/inet_connection_sock.c, Linux 6.x).
tests/claims/test_overlap.py asks the kernel itself.
"""

from functools import lru_cache

from portbook.model.claim import EVERY_ADDRESS
from portbook.model.record import Record

_ANY4 = "0.0.0.0"
_ANY6 = "::"


class Endpoint(Record):
    """One end of a bind(): an address, and the options that matter.

    `reuse` is SO_REUSEADDR; `listening` is whether listen() was called, which takes the effect of
    SO_REUSEADDR away.
    """

    address: str
    v6only: bool = False
    reuse: bool = False
    listening: bool = False


def overlap(first: str, second: str) -> bool:
    """Whether claims of one port on these two addresses exclude each other; `*` is every address.

    `::` is taken with IPv4, since what binds it does not say whether it sets IPV6_V6ONLY.
    """
    if first == second or EVERY_ADDRESS in (first, second):
        return True
    return _shared(parts(first), parts(second))


def conflicts(bound: Endpoint, wanted: Endpoint) -> bool:
    """Whether bind() of `wanted` fails with EADDRINUSE while `bound` has the port (TCP)."""
    if bound.reuse and wanted.reuse and not bound.listening:
        return False
    return _shared(
        parts(bound.address, only6=bound.v6only), parts(wanted.address, only6=wanted.v6only)
    )


def _shared(first: tuple[str, str], second: tuple[str, str]) -> bool:
    return any(
        mine and theirs and (mine == theirs or every in (mine, theirs))
        for mine, theirs, every in zip(first, second, (_ANY4, _ANY6), strict=True)
    )


@lru_cache(1024)
def parts(address: str, *, only6: bool = False) -> tuple[str, str]:
    """The IPv4 address and the IPv6 address that a socket bound there answers on, "" for none."""
    if address == EVERY_ADDRESS:
        return _ANY4, _ANY6
    if ":" not in address:
        return address, ""
    from ipaddress import IPv6Address

    found = IPv6Address(address)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped), ""
    text = str(found)
    return (_ANY4 if text == _ANY6 and not only6 else ""), text
