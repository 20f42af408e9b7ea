"""SOCKS, versions 4, 4a and 5: where a client wants to be taken. RFC 1928 (3), SOCKS 4 and 4a."""

from ipaddress import IPv4Address

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, text

_METHODS = frozenset((0, 1, 2, 3, 5, 6, 7, 8, 9))


def judge_socks5(data: bytes) -> Opener | None:
    """Version 5 and as many ways to log in as are announced, all of them assigned and different."""
    if len(data) < 3 or data[0] != 5:
        return None
    count = data[1]
    methods = data[2 : 2 + count]
    if not 1 <= count <= len(_METHODS) or len(methods) < count:
        return None
    if not _METHODS.issuperset(methods) or len(set(methods)) < count:
        return None
    # Some do not wait, and say at once where to.
    rest = data[2 + count :]
    if rest and (rest[0] not in (1, 5) or len(rest) < 3):
        return None
    return Opener("socks5", "certain", (("methods", methods.hex(",")),), shows=data[: 2 + count])


def judge_socks4(data: bytes) -> Opener | None:
    """Version 4, connect or bind, a port, an address, a user; with 4a a name instead of it."""
    if len(data) < 9 or data[0] != 4 or data[1] not in (1, 2):
        return None
    port, rest = data[2] << 8 | data[3], data[8:]
    user, ends, name = rest.partition(b"\0")
    if not ends or len(user) > 64 or not port:
        return None
    if data[4:7] == b"\0\0\0" and data[7]:
        if not 2 <= len(name) <= 256 or name[-1] != 0 or 0 in name[:-1]:
            return None
        place = text(name[:-1])
    elif name:
        return None
    else:
        place = str(IPv4Address(data[4:8]))
    details = (("to", text(f"{place}:{port}".encode("utf-8", "replace"))),)
    return Opener("socks4", "certain", details, shows=data[:9])


KINDS = (
    Kind("socks5", "tcp", judge_socks5, b"\5", (1080, 9050)),
    Kind("socks4", "tcp", judge_socks4, b"\4", (1080,)),
)
