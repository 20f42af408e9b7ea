import pytest

from portbook.traffic.dissect import Row, dissect
from portbook.traffic.packets import LINKS
from traffic import frames_made as made

FOUR, SIX = made.ipv4(made.tcp()), made.ipv6(made.tcp())


def read(link: int, frame: bytes) -> Row | str:
    """Return what is read of a frame that was captured whole."""
    return dissect(link, frame, len(frame), 0)


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("tag", [0x8100, 0x88A8, 0x9100, 0x9200])
def test_vlan_tags_up_to_four(depth: int, tag: int) -> None:
    """Four tags are walked in Ethernet and in both cooked headers."""
    for packet, kind in ((FOUR, made.IP4), (SIX, made.IP6)):
        frame = made.ethernet(packet, kind, [tag] * depth)
        whole = read(made.ETHERNET, frame)
        assert isinstance(whole, Row)
        assert whole.payload_at == len(frame)
        for cooked, link in ((made.cooked, made.SLL), (made.cooked2, made.SLL2)):
            kinds = int.from_bytes(frame[12:14])
            inner = read(link, cooked(frame[14:], kinds))
            assert isinstance(inner, Row) and inner.destination_port == 3255


def test_five_tags_are_too_many() -> None:
    """Nobody nests them so deep."""
    assert read(made.ETHERNET, made.ethernet(FOUR, made.IP4, [0x8100] * 5)) == "not-ip"


def test_snap_carries_ip() -> None:
    """802.3 frames with SNAP are read, bare, behind a tag, and cooked."""
    for kind, packet in ((made.IP4, FOUR), (made.IP6, SIX)):
        frame = made.snap(packet, kind)
        tagged = made.ethernet(frame[14:], len(frame) - 14, [0x8100])
        cooked = made.cooked(frame[14:], 4)
        for link, whole in ((1, frame), (1, tagged), (made.SLL, cooked)):
            assert isinstance(read(link, whole), Row)


@pytest.mark.parametrize(
    "frame",
    [
        made.ethernet(bytes(46), 0x0806),
        made.ethernet(FOUR, 0x8864),
        made.ethernet(FOUR, 1501),
        made.ethernet(b"\x42\x42\x03" + bytes(43), 38),  # spanning tree
        made.ethernet(b"\x42\x42\x03", 3),
        made.snap(bytes(30), 0x2000),
        made.snap(FOUR, 0x8100),
        made.ethernet(b"\xaa\xaa\x03\x00\x00\x0c" + FOUR, 60),
    ],
)
def test_ethernet_without_ip(frame: bytes) -> None:
    """Frames of other protocols have no packet."""
    assert read(made.ETHERNET, frame) == "not-ip"


@pytest.mark.parametrize(("link", "order"), [(0, "<"), (0, ">"), (108, "<"), (108, ">")])
def test_loopback_in_either_byte_order(link: int, order: str) -> None:
    """Every known value of AF_INET6 is IPv6, and no other family is IP."""
    assert isinstance(read(link, made.loopback(FOUR, 2, order)), Row)
    for family in (10, 23, 24, 26, 28, 30):
        found = read(link, made.loopback(SIX, family, order))
        assert isinstance(found, Row) and found.version == 6
    for family in (0, 1, 7, 11, 29, 255, 0x02020202):
        assert read(link, made.loopback(FOUR, family, order)) == "not-ip"


@pytest.mark.parametrize("link", [link for link, how in LINKS.items() if how == "raw"])
def test_raw_ip_tells_its_version(link: int) -> None:
    """All raw link types hold both versions."""
    for packet, version in ((FOUR, 4), (SIX, 6)):
        found = read(link, packet)
        assert isinstance(found, Row) and found.version == version


def test_the_link_header_and_ip_must_agree() -> None:
    """IPv6 under the EtherType of IPv4 is malformed, and the other way round."""
    assert read(made.ETHERNET, made.ethernet(SIX, made.IP4)) == "malformed"
    assert read(made.ETHERNET, made.ethernet(FOUR + bytes(40), made.IP6)) == "malformed"


@pytest.mark.parametrize("link", [2, 105, 127, 147, 65535, -1])
def test_other_link_types(link: int) -> None:
    """What cannot be read says that it is the link."""
    assert read(link, made.ethernet(FOUR)) == "link"


@pytest.mark.parametrize(
    ("link", "frame", "header"),
    [
        (1, made.ethernet(FOUR, made.IP4, [0x8100, 0x8100]), 22),
        (1, made.snap(FOUR), 22),
        (113, made.cooked(FOUR), 16),
        (276, made.cooked2(FOUR), 20),
        (0, made.loopback(FOUR), 4),
        (101, FOUR, 1),
    ],
)
def test_link_headers_cut_anywhere(link: int, frame: bytes, header: int) -> None:
    """A frame that ends in its link header was cut, or is malformed if it was no longer."""
    for kept in range(header):
        assert dissect(link, frame[:kept], len(frame), 0) == "cut"
        assert dissect(link, frame[:kept], kept, 0) == "malformed"
