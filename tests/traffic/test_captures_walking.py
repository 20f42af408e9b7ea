import random
from collections.abc import Callable
from itertools import accumulate

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.traffic.captures.pcap import Pcap
from portbook.traffic.captures.pcapng import _looks
from portbook.traffic.captures.walking import (
    Bytes,
    Chain,
    Looks,
    _guesses,
    _lanes,
    _proven,
    plain,
    walk,
)
from portbook.traffic.captures.window import Window
from traffic import capture_forms as forms

BLOCKS = {order: Chain(order, 4, 8, 0, 12, 4 << 20, 4) for order in "<>"}
RECORDS = {order: Chain(order, 8, 16, 16, 0, 262_144, 1) for order in "<>"}


def whole_walk(data: Bytes, end: int, chain: Chain, looks: Looks | None) -> tuple[list[int], int]:
    """`walk`, again and again until it finds nothing more."""
    starts: list[int] = []
    reached = 0
    while True:
        more, at = walk(data, reached, end, chain, looks)
        if not len(more):
            assert at == reached
            return starts, reached
        assert at > reached
        starts += more.tolist()
        reached = at


def array(data: bytes) -> Bytes:
    """`data` as a window holds it: with room behind."""
    return np.frombuffer(data + bytes(64), np.uint8)


def sizes_of(menu: list[int], chance: random.Random, total: int) -> list[int]:
    """Sizes from `menu`, singly and in runs, until there are `total` bytes of records."""
    sizes: list[int] = []
    room = total
    while room > 0:
        size = chance.choice(menu)
        run = chance.choice([1, 1, 1, 1, 40, 400])
        sizes += [size] * run
        room -= run * (size + 16)
    return sizes


class Bytewise:
    """A source of bytes for a window."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def readinto(self, view: memoryview) -> int:
        """Gives as much as fits."""
        size = min(len(view), len(self.data))
        view[:size] = self.data[:size]
        self.data = self.data[size:]
        return size

    def ready(self, seconds: float) -> bool:  # noqa: ARG002 - the signature of a source
        """Always."""
        return True


def looks_of(data: bytes, order: str) -> Looks:
    """What pcap headers look like in `data`, which has no file header."""
    window = Window(Bytewise(forms.pcap_header(order) + data), [], len(data) + 24)  # type: ignore[arg-type]  # reads like one
    return Pcap(window, [])._looks()


@settings(max_examples=40, deadline=None)
@given(
    menu=st.lists(st.integers(0, 3000), min_size=1, max_size=8),
    seed=st.integers(0, 2**32),
    order=st.sampled_from("<>"),
    filler=st.sampled_from(["zeros", "noise"]),
    spoil=st.integers(0, 2),
)
def test_the_fast_walk_finds_what_the_plain_walk_finds_in_pcap(
    menu: list[int], seed: int, order: str, filler: str, spoil: int
) -> None:
    """Random sizes, in runs and mixed, over more than a megabyte; payload that looks like headers.

    Bytes are spoilt, too: then both stop at the same place.
    """
    chance = random.Random(seed)
    noise = bytes(4000) if filler == "zeros" else chance.randbytes(4000)
    bait = b"".join(forms.pcap_record(b"abc" * 9, order=order) for _ in range(70))
    made = [
        forms.pcap_record(chance.choice((noise, bait))[:size], forms.BASE + at, order=order)
        for at, size in enumerate(sizes_of(menu, chance, 1_100_000))
    ]
    data = bytearray(b"".join(made))
    for _ in range(spoil):
        data[chance.randrange(len(data))] ^= chance.randrange(256)
    end = len(data) - chance.randrange(20)
    buffer = array(bytes(data))
    starts, reached = plain(buffer, 0, end, RECORDS[order])
    looks = looks_of(bytes(data), order)
    assert whole_walk(buffer, end, RECORDS[order], looks) == (starts, reached)


@settings(max_examples=25, deadline=None)
@given(
    menu=st.lists(st.integers(0, 3000), min_size=1, max_size=8),
    seed=st.integers(0, 2**32),
    order=st.sampled_from("<>"),
    spoil=st.integers(0, 2),
)
def test_the_fast_walk_finds_what_the_plain_walk_finds_in_pcapng(
    menu: list[int], seed: int, order: str, spoil: int
) -> None:
    """The same for blocks, packets and others, some of which hold blocks."""
    chance = random.Random(seed)
    noise = chance.randbytes(4000)
    bait = forms.enhanced(b"abc" * 9, order=order) * 60
    makers: list[Callable[[bytes], bytes]] = [
        *[lambda data: forms.enhanced(data, order=order)] * 9,
        lambda data: forms.block(0x0BAD, data, order),
    ]
    made = [
        chance.choice(makers)(chance.choice((noise, bait))[:size])
        for size in sizes_of(menu, chance, 1_100_000)
    ]
    data = bytearray(b"".join(made))
    for _ in range(spoil):
        data[chance.randrange(len(data))] ^= chance.randrange(256)
    buffer = array(bytes(data))
    starts, reached = plain(buffer, 0, len(data), BLOCKS[order])
    assert whole_walk(buffer, len(data), BLOCKS[order], _looks(order)) == (starts, reached)


@settings(max_examples=150, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=120),
    wrong=st.sets(st.integers(1, 8000), max_size=30),
    right=st.sets(st.integers(1, 119), max_size=30),
    spoilt=st.none() | st.tuples(st.integers(0, 8000), st.integers(0, 255)),
    cut=st.integers(0, 40),
)
def test_lanes_from_any_guesses_find_the_one_chain(
    sizes: list[int],
    wrong: set[int],
    right: set[int],
    spoilt: tuple[int, int] | None,
    cut: int,
) -> None:
    """Right guesses, wrong ones, and bytes that were changed: the same as one step at a time."""
    data = bytearray(b"".join(forms.pcap_record(bytes(size)) for size in sizes))
    begins = list(accumulate((size + 16 for size in sizes), initial=0))
    if spoilt is not None and spoilt[0] < len(data):
        data[spoilt[0]] = spoilt[1]
    end = max(16, len(data) - cut)
    buffer = array(bytes(data))
    places = wrong | {begins[at] for at in right if at < len(begins)}
    guesses = np.array(sorted({0, *(place for place in places if place < end - 64)}), np.int64)
    found = _lanes(buffer, 0, end, RECORDS["<"], guesses)
    starts, reached = plain(buffer, 0, end, RECORDS["<"])
    if not starts:
        return
    proven, at = _proven(buffer, found, end, RECORDS["<"])
    assert (proven.tolist(), at) == (starts, reached)


def test_lanes_are_used_for_packets_of_mixed_sizes() -> None:
    """In an ordinary capture nearly every lane finds a header, and none of them is wrong."""
    chance = random.Random(7)
    made = [
        forms.pcap_record(chance.randbytes(chance.choice([54, 60, 66, 74, 590, 1514])), length=1514)
        for _ in range(8000)
    ]
    data = b"".join(made)
    guesses = _guesses(array(data), 0, len(data), looks_of(data, "<"))
    assert len(guesses) > 480
    assert set(guesses.tolist()) <= set(accumulate(map(len, made), initial=0))
