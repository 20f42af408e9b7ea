"""Blocks of TPACKET_V3: what the kernel lays out is found, and other bytes are refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.host.packet_ring import ADDRESS_BYTES, HEADER_BYTES, BadBlock, offsets


def block(packets: list[bytes]) -> bytes:
    """A block as prb_fill_curr_block() of the kernel makes it."""
    rows = b""
    for number, packet in enumerate(packets):
        size = (HEADER_BYTES + 32 + len(packet) + 15) & ~15
        step = size if number + 1 < len(packets) else 0
        header = struct.pack("=6IHH20x", step, 1, 2, len(packet), len(packet), 1, 80, 80)
        rows += (header + bytes(32) + packet).ljust(size, b"\0")
    return struct.pack("=2I4I24x", 1, 0, 1, len(packets), 48, 48 + len(rows)) + rows


@given(st.lists(st.binary(max_size=70), max_size=20))
def test_each_packet_is_found_where_it_lies(packets: list[bytes]) -> None:
    """The offsets lead to headers, and from there to the bytes, in order."""
    made = block(packets)
    found = []
    for place in offsets(made):
        kept, mac = struct.unpack_from("=I8xH", made, place + 12)
        found.append(made[place + mac : place + mac + kept])
    assert found == packets


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_places_inside_or_refused(data: bytes) -> None:
    """Whatever stands in the ring, no offset leads outside."""
    try:
        found = offsets(data)
    except BadBlock:
        return
    assert all(0 <= place <= len(data) - HEADER_BYTES - ADDRESS_BYTES for place in found)


@given(st.data())
def test_a_damaged_block_is_places_inside_or_refused(data: st.DataObject) -> None:
    """A block with bytes changed, or cut: at most as many places as fit, all inside."""
    whole = bytearray(block([b"x" * 40] * 5))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        found = list(offsets(cut))
    except BadBlock:
        return
    assert found == sorted(set(found))
    assert all(0 <= place <= len(cut) - HEADER_BYTES - ADDRESS_BYTES for place in found)


def test_a_count_that_cannot_fit_takes_no_memory() -> None:
    """Four billion packets in 68 bytes are refused before anything is made for them."""
    with pytest.raises(BadBlock, match="4294967295 packets"):
        offsets(struct.pack("=2I4I24x", 1, 0, 1, 0xFFFFFFFF, 48, 48) + bytes(20))
