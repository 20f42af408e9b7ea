"""Where the IP header of a captured frame begins, for every link type that is read.

Layouts: IEEE 802.3 and 802.1Q (Ethernet and tags), RFC 1042 (SNAP), and the pages of the pcap link
types (https://www.tcpdump.org/linktypes.html: LINUX_SLL, LINUX_SLL2, NULL, LOOP, RAW).
"""

from portbook.traffic.packets import LINKS

VERSIONS = {0x0800: 4, 0x86DD: 6}
"""IP versions by EtherType."""

TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
"""EtherTypes of a VLAN tag: 802.1Q, 802.1ad, and what switches used before 802.1ad."""

TAGS_DEEP = 4

SNAP = b"\xaa\xaa\x03\x00\x00\x00"
"""LLC with SNAP and the organisation under which EtherTypes follow (RFC 1042)."""

COOKED = {"linux-sll": (14, 16), "linux-sll2": (0, 20)}
"""Of the Linux cooked headers: where the protocol stands, and how long the header is."""

COOKED_LLC = 4
"""ETH_P_802_2: in a cooked header, the protocol of frames that go on with LLC."""

FAMILIES = {2: 4, 10: 6, 23: 6, 24: 6, 26: 6, 28: 6, 30: 6}
"""IP versions by address family in the header of BSD loopbacks. AF_INET6 is 10 on Linux, 23 on
Windows, 24 on NetBSD and OpenBSD, 26 on Solaris, 28 on FreeBSD and DragonFly, 30 on macOS."""

Place = tuple[int, int]
"""Offset of the IP header in the frame, and the version that the link header gives."""


def network(link: int, frame: bytes, length: int) -> Place | str:
    """Return where IP begins and its version, or why the frame (`length` on the wire) has none."""
    how = LINKS.get(link)
    if how is None:
        return "link"
    if how == "ethernet":
        if len(frame) < 14:
            return missing(frame, length)
        return _typed(frame, length, _number(frame, 12), 14)
    if how in COOKED:
        protocol_at, size = COOKED[how]
        if len(frame) < size:
            return missing(frame, length)
        protocol = _number(frame, protocol_at)
        if protocol < 0x600:
            return _llc(frame, length, size) if protocol == COOKED_LLC else "not-ip"
        return _typed(frame, length, protocol, size)
    if how == "raw":
        if not frame:
            return missing(frame, length)
        version = frame[0] >> 4
        return (0, version) if version in {4, 6} else "not-ip"
    if len(frame) < 4:
        return missing(frame, length)
    # The byte order is that of the machine that captured: a family is below 256 in one of them.
    family = min(int.from_bytes(frame[:4], "big"), int.from_bytes(frame[:4], "little"))
    return (4, FAMILIES[family]) if family in FAMILIES else "not-ip"


def missing(frame: bytes, length: int) -> str:
    """Return why a frame ends within its headers: not captured whole, or never whole."""
    return "cut" if length > len(frame) else "malformed"


def _typed(frame: bytes, length: int, kind: int, place: int) -> Place | str:
    """Return where IP begins behind the EtherType `kind`, whose contents are at `place`."""
    for _ in range(TAGS_DEEP + 1):
        if kind in VERSIONS:
            return place, VERSIONS[kind]
        if kind <= 1500:  # a length, not a type (IEEE 802.3, 3.2.6)
            return _llc(frame, length, place)
        if kind not in TAGS:
            return "not-ip"
        if len(frame) < place + 4:
            return missing(frame, length)
        kind = _number(frame, place + 2)
        place += 4
    return "not-ip"


def _llc(frame: bytes, length: int, place: int) -> Place | str:
    """Return where IP begins behind the LLC header at `place`."""
    head = frame[place : place + 6]
    if head != SNAP[: len(head)]:
        return "not-ip"
    if len(frame) < place + 8:
        return missing(frame, length)
    kind = _number(frame, place + 6)
    return (place + 8, VERSIONS[kind]) if kind in VERSIONS else "not-ip"


def _number(frame: bytes, place: int) -> int:
    """Return the 16-bit number at `place`."""
    return frame[place] << 8 | frame[place + 1]
