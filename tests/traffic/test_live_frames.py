"""A block of the ring as a batch of frames, for blocks as the kernel writes them and any others."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from portbook.host.packet_ring import BadBlock
from portbook.traffic.live import LINKTYPE_RAW, frames_of

PACKETS = st.lists(
    st.tuples(
        st.binary(max_size=90),
        st.integers(0, 70000),
        st.integers(0, 2**32 - 1),
        st.integers(0, 999_999_999),
        st.integers(1, 2**31 - 1),
    ),
    max_size=12,
)


def block(packets: list[tuple[bytes, int, int, int, int]]) -> bytes:
    """(data, bytes cut off, seconds, nanoseconds, interface) as tpacket_rcv() lays them out."""
    rows = b""
    for number, (data, cut, seconds, nanoseconds, interface) in enumerate(packets):
        size = (48 + 32 + len(data) + 15) & ~15
        step = size if number + 1 < len(packets) else 0
        length = len(data) + cut
        head = struct.pack("=6IHH20x", step, seconds, nanoseconds, len(data), length, 1, 80, 80)
        address = struct.pack("=HHiHBB8x12x", 17, 8, interface, 1, 0, 6)
        rows += (head + address + data).ljust(size, b"\0")
    return struct.pack("=2I4I24x", 1, 0, 1, len(packets), 48, 48 + len(rows)) + rows


@given(PACKETS)
def test_each_field_arrives(packets: list[tuple[bytes, int, int, int, int]]) -> None:
    """Bytes, length on the wire, time and interface of each packet, in order."""
    frames, interface = frames_of(block(packets))
    assert frames.link == LINKTYPE_RAW
    found = [
        (
            bytes(frames.buffer[start : start + kept]),
            length - kept,
            at // 1_000_000_000,
            at % 1_000_000_000,
            device,
        )
        for start, kept, length, at, device in zip(
            frames.start.tolist(),
            frames.kept.tolist(),
            frames.length.tolist(),
            frames.at.tolist(),
            interface.tolist(),
            strict=True,
        )
    ]
    assert found == packets


@given(PACKETS, st.data())
def test_no_frame_reaches_outside_its_buffer(
    packets: list[tuple[bytes, int, int, int, int]], data: st.DataObject
) -> None:
    """For a block with bytes changed, or cut, or any bytes: frames inside it, or BadBlock."""
    whole = bytearray(data.draw(st.one_of(st.just(block(packets)), st.binary(max_size=300))))
    for _ in range(data.draw(st.integers(0, 6))):
        if whole:
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        frames, interface = frames_of(cut)
    except BadBlock:
        return
    assert len(interface) == len(frames)
    assert all(0 <= start <= len(cut) for start in frames.start.tolist())
    assert all(kept >= 0 for kept in frames.kept.tolist())
    assert all(end <= len(cut) for end in (frames.start + frames.kept).tolist())
