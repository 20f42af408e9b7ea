import mmap
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.traffic.columns import packets_of
from portbook.traffic.columns_window import WIDEST, Window, field
from portbook.traffic.dissect import Row, dissect
from portbook.traffic.packets import COLUMNS, LINKS, SCTP, UDP, Frames, Packets
from traffic import frames_made as made

LINUX = bytes.fromhex("020405b40402080a9a4f1c23000000000103030a")
OPTIONS = [
    *(b"", b"\x02\x04\x05\xb4", LINUX, b"\x01\x01\x08\x0a" + bytes(8), b"\x01" * 40),
    *(bytes.fromhex(text) for text in ("020405b40103030801010402", "020405b401010402", "0204ffff")),
    bytes.fromhex("03030a01020405b4080affffffff000000000402"),
]

Captured = tuple[bytes, int]
"""What was kept of a frame, and its length on the wire."""


@st.composite
def transports(draw: st.DrawFn) -> tuple[int, bytes]:
    """A protocol number and what stands behind the IP header."""
    payload = draw(st.binary(max_size=20))
    which = draw(st.sampled_from(["tcp"] * 5 + ["udp"] * 3 + ["sctp", "other"]))
    if which == "tcp":
        flags = draw(st.sampled_from([0x02] * 4 + [0x12, 0x10, 0x18, 0x04, 0, 0x29, 0x03, 0xC2]))
        options = draw(st.sampled_from(OPTIONS))
        sequence = draw(st.integers(0, 2**32 - 1))
        return 6, made.tcp(flags, sequence=sequence, options=options, payload=payload)
    if which == "udp":
        return UDP, made.udp(payload, size=draw(st.sampled_from([None] * 5 + [0, 3, 8, 20])))
    if which == "sctp":
        return SCTP, made.sctp(draw(st.integers(0, 7)))
    return draw(st.sampled_from([1, 58, 47, 6, 59])), payload


@st.composite
def fours(draw: st.DrawFn, *, depth: int = 1) -> bytes:
    """An IPv4 packet, at times an ICMP error."""
    protocol, inside = draw(transports())
    if depth and draw(st.integers(0, 4)) == 0:
        quoted = draw(fours(depth=depth - 1))
        if draw(st.integers(0, 3)):
            quoted = quoted[:12] + made.address(made.OURS) + quoted[16:]
        kind = draw(st.sampled_from([3, 3, 3, 11, 12, 8, 5]))
        kept = draw(st.sampled_from([20, 27, 28, 48, 68, 200]))
        protocol, inside = 1, made.icmp(kind, draw(st.integers(0, 5)), quoted[:kept])
    return made.ipv4(
        inside,
        protocol,
        flags=draw(st.sampled_from([0x4000] * 6 + [0, 0, 0x8000, 0x2000, 0x2001, 0x0003])),
        options=draw(st.sampled_from([b""] * 4 + [b"\x01" * 4, bytes(40)])),
        total=draw(st.sampled_from([None] * 9 + [0, 19, 24, 1000, 65535])),
    )


@st.composite
def sixes(draw: st.DrawFn, *, depth: int = 1) -> bytes:
    """An IPv6 packet, at times with extension headers or an ICMPv6 error."""
    protocol, inside = draw(transports())
    if depth and draw(st.integers(0, 4)) == 0:
        quoted = draw(sixes(depth=depth - 1))
        if draw(st.integers(0, 3)):
            quoted = quoted[:8] + made.address(made.OURS6) + quoted[24:]
        kind = draw(st.sampled_from([1, 1, 1, 3, 4, 2, 128]))
        kept = draw(st.sampled_from([40, 47, 48, 60, 200]))
        protocol, inside = 58, made.icmp(kind, draw(st.integers(0, 5)), quoted[:kept])
    for kind in draw(st.one_of(st.just([]), st.lists(st.sampled_from([0, 43, 60, 44, 51, 135])))):
        if kind == 44:
            offset, more = draw(st.sampled_from([(0, 0), (0, 0), (0, 1), (3, 0)]))
            inside = made.fragment(protocol, offset, more) + inside
        elif kind == 51:
            inside = made.authentication(protocol) + inside
        else:
            inside = made.extension(protocol, draw(st.integers(0, 2))) + inside
        protocol = kind
    return made.ipv6(inside, protocol, total=draw(st.sampled_from([None] * 9 + [0, 3, 1000])))


@st.composite
def whole(draw: st.DrawFn, link: int) -> bytes:
    """A frame of a link type."""
    six = draw(st.integers(0, 2)) == 0
    packet = draw(sixes() if six else fours())
    kind = made.IP6 if six else made.IP4
    kind = draw(st.sampled_from([kind] * 12 + [0x0806, made.IP4, made.IP6, 4, 46]))
    tags = draw(st.one_of(st.just([]), st.lists(st.sampled_from([0x8100, 0x88A8]), max_size=5)))
    how = LINKS.get(link)
    if how == "ethernet":
        snap = draw(st.integers(0, 9)) == 0
        return made.snap(packet, kind) if snap else made.ethernet(packet, kind, tags)
    if how in {"linux-sll", "linux-sll2"}:
        behind = made.ethernet(packet, kind, tags)
        cooked = made.cooked if how == "linux-sll" else made.cooked2
        return cooked(behind[14:], int.from_bytes(behind[12:14]))
    if how in {"null", "loop"}:
        families = [10, 23, 24, 26, 28, 30, 0] if six else [2, 2, 2, 7]
        return made.loopback(packet, draw(st.sampled_from(families)), draw(st.sampled_from("<>")))
    return packet


@st.composite
def captured(draw: st.DrawFn, link: int) -> Captured:
    """A frame as a capture may hold it: whole, cut, padded, damaged, or with an odd length."""
    frame = draw(whole(link))
    length = len(frame)
    damage = draw(
        st.sampled_from(["none"] * 3 + ["cut", "cut", "bytes", "padding", "length", "any"])
    )
    if damage == "cut":
        frame = frame[: draw(st.integers(0, length))]
    elif damage == "bytes":
        changed = bytearray(frame)
        for _ in range(draw(st.integers(1, 3))):
            changed[draw(st.integers(0, min(len(frame), 90) - 1))] = draw(st.integers(0, 255))
        frame = bytes(changed)
    elif damage == "padding":
        frame += draw(st.binary(max_size=20))
        length = len(frame)
    elif damage == "length":
        length = draw(st.one_of(st.integers(0, 200), st.integers(0, 2**32 - 1)))
    elif damage == "any":
        frame = draw(st.binary(max_size=80))
    return frame, length


@st.composite
def batches(draw: st.DrawFn) -> tuple[int, list[Captured]]:
    """A link type, and frames of it."""
    link = draw(st.one_of(st.just(made.ETHERNET), st.sampled_from([*LINKS, 147])))
    return link, draw(st.lists(captured(link), max_size=8))


def batch(link: int, kept: list[Captured], gap: bytes = b"", behind: bytes = b"") -> Frames:
    """Return frames as they lie in a file, with bytes between and behind them."""
    datas, lengths = [frame for frame, _ in kept], [length for _, length in kept]
    return made.frames(link, datas, lengths=lengths, gap=gap, behind=behind)


def one_by_one(frames: Frames) -> tuple[list[Row], dict[str, int]]:
    """Return what `dissect` reads of each frame."""
    rows, passed = [], dict[str, int]()
    for number in range(len(frames)):
        start, kept = int(frames.start[number]), int(frames.kept[number])
        frame = bytes(frames.buffer[start : start + kept])
        read = dissect(frames.link, frame, int(frames.length[number]), int(frames.at[number]))
        if isinstance(read, str):
            passed[read] = passed.get(read, 0) + 1
        else:
            # An ICMP error has no payload, and so no place of it.
            rows.append(read._replace(payload_at=read.payload_at + (0 if read.kind else start)))
    return rows, passed


def rows_of(packets: Packets) -> list[Row]:
    """Return columns as rows, after a look at their types."""
    columns = [getattr(packets, name) for name in COLUMNS]
    assert [column.dtype for column in columns] == [np.dtype(kind) for kind in COLUMNS.values()]
    return [Row(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


@settings(max_examples=600, deadline=None)
@given(
    batches(),
    st.sampled_from([b"", b"\x45\x00", b"\x08\x00" * 8]),
    st.sampled_from([b"", bytes(99)]),
)
def test_columns_are_what_is_read_one_by_one(
    drawn: tuple[int, list[Captured]], gap: bytes, behind: bytes
) -> None:
    """Every row, its order, and every reason: the batch agrees with `dissect`."""
    frames = batch(*drawn, gap, behind)
    passed = {"cut": 7}
    read = rows_of(packets_of(frames, passed))
    rows, reasons = one_by_one(frames)
    assert read == rows
    assert passed == reasons | {"cut": reasons.get("cut", 0) + 7}


@settings(max_examples=300, deadline=None)
@given(batches(), st.binary(min_size=60, max_size=60))
def test_what_lies_beside_a_frame_is_not_read(
    drawn: tuple[int, list[Captured]], between: bytes
) -> None:
    """Other bytes between the frames change nothing."""
    results = []
    for gap, behind in ((between, b""), (made.ethernet(made.ipv4(b""))[:30] * 2, between)):
        passed: dict[str, int] = {}
        results.append((rows_of(packets_of(batch(*drawn, gap, behind), passed)), passed))
    assert results[0] == results[1]


def linked(link: int, packet: bytes, kind: int) -> bytes:
    """Return a packet of EtherType `kind` behind the plain header of a link type."""
    how = LINKS[link]
    if how in {"null", "loop"}:
        return made.loopback(packet, 2 if kind == made.IP4 else 28)
    wrap = {"ethernet": made.ethernet, "linux-sll": made.cooked, "linux-sll2": made.cooked2}
    return wrap[how](packet, kind) if how in wrap else packet


@pytest.mark.parametrize("link", LINKS)
def test_a_large_batch_of_everything(link: int) -> None:
    """Thousands of frames, with the rare among the frequent, in the order of the capture."""
    generator = np.random.default_rng(link)
    four = [made.ipv4(made.tcp(options=options, payload=b"abc")) for options in OPTIONS]
    four += [made.ipv4(made.udp(b"q"), UDP), made.ipv4(made.sctp(), SCTP), made.ipv4(b"", 47)]
    four += [made.ipv4(made.icmp(3, 3, made.ipv4(made.tcp(), source=made.OURS)), 1)]
    six = [made.ipv6(made.tcp(options=LINUX)), made.ipv6(made.extension(17) + made.udp(), 60)]
    six += [made.ipv6(made.icmp(1, 4, made.ipv6(made.tcp(), source=made.OURS6)), 58)]
    forms = [linked(link, packet, made.IP4) for packet in four]
    forms += [linked(link, packet, made.IP6) for packet in six]
    datas = [forms[int(which)] for which in generator.integers(0, len(forms), 5000)]
    kept = [data if generator.random() < 0.9 else data[:30] for data in datas]
    frames = made.frames(link, kept, lengths=[len(data) for data in datas])
    passed: dict[str, int] = {}
    read = rows_of(packets_of(frames, passed))
    rows, reasons = one_by_one(frames)
    assert (read, passed) == (rows, reasons)
    assert len({row.payload_at for row in read}) > 3000


VALUES = (*range(12), 15, 17, 44, 58, 60, 64, 69, 80, 95, 96, 111, 127, 128, 132, 134, 136, 255)
WHOLE = [
    (made.ETHERNET, made.ethernet(made.ipv4(made.tcp(options=LINUX, payload=b"ab")))),
    (made.ETHERNET, made.ethernet(made.ipv4(made.udp(b"ab"), UDP), made.IP4, [0x8100, 0x88A8])),
    (made.ETHERNET, made.ethernet(made.ipv6(made.tcp(options=OPTIONS[5])), made.IP6)),
    (made.ETHERNET, made.ethernet(b"\x05" + made.ipv4(made.tcp())[1:], 46)),  # LLC, much like IP
    (made.SLL, made.cooked(made.ipv6(made.udp(b"ab"), UDP), made.IP6)),
    (made.SLL2, made.cooked2(made.ipv4(made.tcp(), options=b"\x01" * 4))),
    (made.NULL, made.loopback(made.ipv4(made.sctp(), SCTP))),
    (made.RAW, made.ipv4(made.icmp(3, 3, made.ipv4(made.tcp(), source=made.OURS)), 1)),
    (made.RAW, made.ipv4(made.icmp(11, 0, made.ipv4(made.udp(), UDP, source=made.OURS)[:28]), 1)),
    (made.RAW, made.ipv6(made.icmp(1, 4, made.ipv6(made.tcp(), source=made.OURS6)), 58)),
]


@pytest.mark.parametrize(("link", "frame"), WHOLE, ids=range(len(WHOLE)))
def test_every_byte_damaged_and_every_cut(link: int, frame: bytes) -> None:
    """Each byte of each form with the values that mean something anywhere, and cut at each byte."""
    kept = [
        (frame[:size], len(frame) + extra) for size in range(len(frame)) for extra in (0, -size)
    ]
    for place in range(len(frame)):
        for value in VALUES:
            changed = frame[:place] + bytes([value]) + frame[place + 1 :]
            kept += [(changed, len(frame)), (changed[: max(place + 1, 56)], len(frame))]
    frames = batch(link, kept, b"\x45\x00")
    passed: dict[str, int] = {}
    read = rows_of(packets_of(frames, passed))
    rows, reasons = one_by_one(frames)
    assert passed == reasons
    assert read == rows


def test_no_frames_and_empty_frames() -> None:
    """Nothing at all, and frames without a byte, are no special case."""
    for link in (*LINKS, 147):
        assert rows_of(packets_of(made.frames(link, []), {})) == []
        passed: dict[str, int] = {}
        frames = made.frames(link, [b"", b""], lengths=[60, 0], gap=b"")
        assert rows_of(packets_of(frames, passed)) == []
        assert passed == ({"cut": 1, "malformed": 1} if link in LINKS else {"link": 2})


def test_places_past_the_end_of_the_buffer() -> None:
    """A batch whose places do not fit its buffer reads what there is, and nothing else."""
    data = made.ethernet(made.ipv4(made.tcp()))
    starts = np.array([0, 40, len(data), 10**6], np.int64)
    kept = np.full(4, len(data), np.int64)
    passed: dict[str, int] = {}
    frames = Frames(data, starts, kept, kept, np.zeros(4, np.int64), made.ETHERNET)
    read = rows_of(packets_of(frames, passed))
    assert [row.destination_port for row in read] == [3255]
    assert passed == {"cut": 3}


def test_mapped_and_ring_buffers(tmp_path: Path) -> None:
    """Mapped files, bytearrays and memoryviews are read where they are."""
    frames = made.frames(made.ETHERNET, [made.ethernet(made.ipv4(made.tcp(payload=b"hello")))] * 3)
    expected = rows_of(packets_of(frames, {}))
    path = tmp_path / "frames"
    path.write_bytes(bytes(frames.buffer))
    with path.open("rb") as file:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    for buffer in (mapped, bytearray(frames.buffer), memoryview(frames.buffer)):
        frames.buffer = buffer
        packets = packets_of(frames, {})
        assert rows_of(packets) == expected
        assert packets.buffer is buffer
        place = int(packets.payload_at[1])
        assert bytes(buffer[place : place + 5]) == b"hello"


def test_the_buffer_is_not_copied() -> None:
    """Memory grows with the number of frames, not with the size of the buffer that holds them."""
    data = made.ethernet(made.ipv4(made.tcp(payload=b"x" * 1000)))
    frames = made.frames(made.ETHERNET, [data] * 100 + [data[:60]], gap=bytes(100_000))
    tracemalloc.start()
    packets = packets_of(frames, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(packets) == 101
    assert peak < len(frames.buffer) / 20


@given(st.binary(max_size=300), st.lists(st.integers(0, 500), max_size=20), st.integers(1, WIDEST))
def test_window_gathers_bytes_and_zeros(data: bytes, places: list[int], width: int) -> None:
    """What is gathered is the buffer's, and zeros behind its end."""
    gathered = Window(data).gather(np.array(places, np.int64), width)
    padded = data + bytes(1000)
    assert gathered.tobytes() == b"".join(padded[place : place + width] for place in places)
    first = field(gathered, width - 1, "u1").tolist()
    assert first == [padded[place + width - 1] for place in places]
