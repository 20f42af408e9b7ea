from pathlib import Path

import pytest

from traffic import capture_forms as forms
from traffic.capture_forms import BASE, Seen, read_bytes

PACKETS = [bytes([number]) * (14 + number * 37 % 90) for number in range(40)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_enhanced_packet_blocks_are_read_in_both_byte_orders(tmp_path: Path, order: str) -> None:
    """Without options a tick is a microsecond."""
    seen, gaps = read_bytes(tmp_path, forms.pcapng(PACKETS, order))
    assert seen == [
        Seen(BASE * 10**9 + 7000 * number, len(data), data, 1)
        for number, data in enumerate(PACKETS)
    ]
    assert gaps == []


@pytest.mark.parametrize(
    ("resolution", "ticks", "nanoseconds"),
    [
        (0, BASE, BASE * 10**9),
        (3, BASE * 1000 + 5, BASE * 10**9 + 5_000_000),
        (9, BASE * 10**9 + 5, BASE * 10**9 + 5),
        (12, 5_000_999, 5000),
        (127, 2**64 - 1, 0),
        (0x80, BASE, BASE * 10**9),
        (0x80 | 20, (BASE << 20) + (1 << 19), BASE * 10**9 + 500_000_000),
        (0x80 | 34, (5 << 34) + (1 << 33), 5_500_000_000),
        (0x80 | 40, 7 << 39, 3_500_000_000),
        (0x80 | 62, 3 << 61, 1_500_000_000),
        (0x80 | 64, 1 << 63, 500_000_000),
        (0x80 | 127, 2**64 - 1, 0),
        (0, 2**64 - 1, 9_223_372_036 * 10**9),
        (6, 2**64 - 1, 2**63 - 1),
        (0x80, 2**64 - 1, 9_223_372_035 * 10**9),
    ],
)
def test_ticks_of_every_resolution_become_nanoseconds(
    tmp_path: Path, resolution: int, ticks: int, nanoseconds: int
) -> None:
    """Powers of ten and of two; what does not fit ends at the last time that does."""
    data = forms.section() + forms.interface(resolution=resolution) + forms.enhanced(b"x", ticks)
    at = read_bytes(tmp_path, data)[0][0].at
    assert abs(at - nanoseconds) <= (1000 if nanoseconds > 2**62 else 0)


@pytest.mark.parametrize(("offset", "seconds"), [(3600, 3605), (-2, 3), (-100, 0), (2**62, None)])
def test_the_time_stamp_offset_is_added(tmp_path: Path, offset: int, seconds: int | None) -> None:
    """In seconds, signed; times before 1970 and after 2262 end there."""
    data = forms.section() + forms.interface(offset=offset) + forms.enhanced(b"x", 5_000_000)
    at = read_bytes(tmp_path, data)[0][0].at
    assert at == (2**63 - 1 if seconds is None else seconds * 10**9)


def test_sections_of_either_byte_order_follow_each_other(tmp_path: Path) -> None:
    """Each section has interfaces of its own."""
    parts = [
        forms.section("<", comment=b"first") + forms.interface(1) + forms.enhanced(b"one"),
        forms.section(">", 4096) + forms.interface(101, ">") + forms.enhanced(b"two", order=">"),
        forms.section(">") + forms.interface(113, ">") + forms.enhanced(b"three", order=">"),
        forms.section("<") + forms.interface(276) + forms.enhanced(b"four"),
    ]
    seen, gaps = read_bytes(tmp_path, b"".join(parts))
    assert [(one.data, one.link) for one in seen] == [
        *((b"one", 1), (b"two", 101), (b"three", 113), (b"four", 276))
    ]
    assert gaps == []


def test_interfaces_of_different_link_types_and_clocks_are_kept_apart(tmp_path: Path) -> None:
    """A batch has one link type, and each packet the clock of its interface."""
    data = forms.section() + forms.interface(1) + forms.interface(113, resolution=9)
    for number in range(10_000):
        which = number % 2
        ticks = BASE * (10**9 if which else 10**6) + number
        data += forms.enhanced(number.to_bytes(4, "big"), ticks, which)
    seen, gaps = read_bytes(tmp_path, data)
    numbers = [int.from_bytes(one.data, "big") for one in seen]
    assert sorted(numbers) == list(range(10_000))
    assert max(abs(at - number) for at, number in enumerate(numbers)) < 4096
    for number, one in zip(numbers, seen, strict=True):
        odd = number % 2
        assert one.link == (113 if odd else 1)
        assert one.at == BASE * 10**9 + number * (1 if odd else 1000)
    assert gaps == []


def test_simple_packet_blocks_have_no_time_and_the_gap_says_so(tmp_path: Path) -> None:
    """They take the time of the packet before, and the snap length of the first interface."""
    data = forms.section() + forms.interface(snaplen=6)
    data += forms.simple(b"first") + forms.enhanced(b"second") + forms.simple(b"third!", 1500)
    seen, (gap,) = read_bytes(tmp_path, data)
    assert seen == [
        Seen(0, 5, b"first", 1),
        Seen(BASE * 10**9, 6, b"second", 1),
        Seen(BASE * 10**9, 1500, b"third!", 1),
    ]
    assert gap.what == "the time of some packets" and gap.why.startswith("2 packets ")


@pytest.mark.parametrize("order", ["<", ">"])
def test_obsolete_packet_blocks_are_read_with_their_drops(tmp_path: Path, order: str) -> None:
    """All ones means that the drops are not known."""
    data = forms.section(order) + forms.interface(1, order) + forms.interface(12, order)
    data += forms.obsolete(b"one", BASE * 10**6, order=order)
    data += forms.obsolete(b"two!", BASE * 10**6, which=1, drops=3, order=order)
    seen, (gap,) = read_bytes(tmp_path, data)
    assert [(one.data, one.link, one.at) for one in seen] == [
        *((b"one", 1, BASE * 10**9), (b"two!", 12, BASE * 10**9))
    ]
    assert gap.why == "the capturing program dropped 3 packets"


def test_drops_of_statistics_blocks_are_the_latest_of_each_interface(tmp_path: Path) -> None:
    """Counters run from the beginning of the capture, so the last one counts, in each section."""
    data = forms.section() + forms.interface() + forms.interface()
    data += forms.statistics(0, 5) + forms.statistics(0, 7, 2) + forms.statistics(1, 100)
    data += forms.statistics(9, 1000)
    data += forms.section() + forms.interface() + forms.enhanced(b"x") + forms.statistics(0, 1)
    _, (gap,) = read_bytes(tmp_path, data)
    assert gap.why == "the capturing program dropped 110 packets"


def test_no_drops_are_no_gap(tmp_path: Path) -> None:
    """A counter of zero says that nothing is missing; all ones say nothing."""
    data = forms.pcapng(PACKETS) + forms.statistics(0, 0, 2**64 - 1)
    assert read_bytes(tmp_path, data)[1] == []


def test_unknown_blocks_are_left_out_whatever_their_length(tmp_path: Path) -> None:
    """Name resolution, secrets and blocks of other makers, one of them longer than a window."""
    data = forms.pcapng(PACKETS[:1]) + forms.block(4, b"names") + forms.block(0xA, b"secret" * 9)
    data += forms.block(0x4000_0BAD, bytes(20_000_000)) + forms.block(0x0BAD, b"")
    seen, gaps = read_bytes(tmp_path, data + forms.enhanced(b"last"))
    assert [one.data for one in seen] == [PACKETS[0], b"last"]
    assert gaps == []


def test_packets_of_no_interface_or_longer_than_their_block_are_counted(tmp_path: Path) -> None:
    """The blocks around them are whole, so the rest of the capture is read."""
    data = forms.section() + forms.simple(b"early") + forms.section() + forms.interface()
    data += forms.enhanced(b"x", which=1) + forms.enhanced(b"y", kept=400) + forms.block(6, b"z")
    data += forms.enhanced(b"good", options=forms.option(1, b"comment"))
    seen, (gap,) = read_bytes(tmp_path, data)
    assert [one.data for one in seen] == [b"good"]
    assert gap.why.startswith("4 packets of an interface that is nowhere described")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (forms.enhanced(b"x")[:-4] + b"\x10\x00\x00\x00", "the lengths before and behind a block"),
        (b"\x06\x00\x00\x00\x0b\x00\x00\x00" + bytes(60), "a block of 11 bytes"),
        (b"\x06\x00\x00\x00\x0d\x00\x00\x00" + bytes(60), "a block of 13 bytes"),
        (b"\x06\x00\x00\x00\x00\x00\x00\x70" + bytes(60), "a block of 1,879,048,192 bytes"),
        (forms.section(major=2), "the version of a section is 2"),
        (forms.block(0x0A0D0D0A, bytes(20)), "the byte order of a section is 00 00 00 00"),
    ],
)
def test_a_block_that_cannot_be_ends_the_capture_with_its_place(
    tmp_path: Path, bad: bytes, says: str
) -> None:
    """Everything before is kept."""
    good = forms.pcapng(PACKETS)
    seen, (gap,) = read_bytes(tmp_path, good + bad + forms.enhanced(b"after"))
    assert [one.data for one in seen] == PACKETS
    assert f"damaged at byte {len(good):,}: {says}" in gap.why


@pytest.mark.parametrize("kind", [6, 0x0BAD])
def test_a_cut_block_is_told_with_its_place(tmp_path: Path, kind: int) -> None:
    """Also where it is one that would have been left out."""
    good = forms.pcapng(PACKETS)
    cut = forms.block(kind, bytes(9_000_000 if kind == 0x0BAD else 3000))[:-5]
    seen, (gap,) = read_bytes(tmp_path, good + cut)
    assert [one.data for one in seen] == PACKETS
    assert gap.why.startswith("the capture ends in the middle of a block at byte ")
