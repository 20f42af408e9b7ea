import gzip
import os
import random
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portbook.model.unknown import Gap
from portbook.traffic.captures import CaptureFault
from portbook.traffic.captures.refusals import resembles
from traffic import capture_forms as forms
from traffic.capture_forms import Seen, read_bytes

CHANCE = random.Random(11)
PACKETS = [CHANCE.randbytes(CHANCE.choice([0, 14, 54, 60, 66, 300])) for _ in range(60)]
MIXED = (
    forms.pcapng(PACKETS[:20])
    + forms.interface(101, resolution=0x94, offset=5)
    + forms.enhanced(b"resolution", which=1)
    + forms.simple(b"simple")
    + forms.obsolete(b"obsolete", 77, drops=2)
    + forms.block(0x0BAD, b"unknown")
    + forms.statistics(0, 3)
    + forms.pcapng(PACKETS[20:30], ">")
)
FILES = {
    "pcap": forms.pcap(PACKETS),
    "pcap-big-endian": forms.pcap(PACKETS, ">", forms.NANO),
    "pcap-modified": forms.pcap(PACKETS, "<", forms.MODIFIED),
    "pcapng": MIXED,
    "pcap-gzip": gzip.compress(forms.pcap(PACKETS), 1),
    "pcapng-zstd": zstandard.compress(MIXED) + zstandard.compress(forms.pcapng(PACKETS)),
}
BOUND = 40_000_000
"""Bytes: three windows of 8 MB, and what is made of one."""

slow = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def attempt(data: bytes) -> tuple[list[Seen], list[Gap]] | None:
    """The frames and gaps of `data`, None where it is refused; memory stays bounded."""
    with tempfile.TemporaryDirectory() as folder:
        tracemalloc.start()
        try:
            return read_bytes(Path(folder), data)
        except CaptureFault:
            return None
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < BOUND


@slow
@given(data=st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    """Bytes of no form at all."""
    attempt(data)


@slow
@given(
    first=st.sampled_from(
        [
            *(forms.pcap_header(order, magic) for order in "<>" for magic in (forms.MICRO, 0)),
            *(forms.section(order) + forms.interface(order=order) for order in "<>"),
            *(b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"\x5a\x2a\x4d\x18"),
        ]
    ),
    data=st.binary(max_size=400),
)
def test_any_bytes_behind_a_good_begin_are_refused_or_read(first: bytes, data: bytes) -> None:
    """What follows is read as far as it makes sense."""
    attempt(first + data)


@slow
@given(
    blocks=st.lists(
        st.tuples(st.integers(0, 11) | st.just(0x0A0D0D0A), st.binary(max_size=60)), max_size=20
    ),
    order=st.sampled_from("<>"),
)
def test_blocks_of_any_content_are_refused_or_read(
    blocks: list[tuple[int, bytes]], order: str
) -> None:
    """The blocks are whole, what is in them is not."""
    data = forms.section(order) + forms.interface(order=order)
    attempt(data + b"".join(forms.block(kind, body, order) for kind, body in blocks))


@slow
@given(
    link=st.integers(0, 65_535),
    resolution=st.integers(0, 255),
    offset=st.integers(-100_000, 100_000) | st.integers(-(2**63), 2**63 - 1),
    ticks=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5),
)
def test_any_clock_gives_times_from_1970_to_2262(
    link: int, resolution: int, offset: int, ticks: list[int]
) -> None:
    """No resolution, offset or time stamp overflows; where it fits it is right."""
    data = forms.section() + forms.interface(link, resolution=resolution, offset=offset)
    answer = attempt(data + b"".join(forms.enhanced(b"x", one) for one in ticks))
    assert answer is not None and len(answer[0]) == len(ticks)
    for one, tick in zip(answer[0], ticks, strict=True):
        assert 0 <= one.at < 2**63
        parts = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        exact = tick * 10**9 // parts + offset * 10**9
        if 0 <= exact < 2**62 and abs(offset) < 2**32 and tick // parts < 2**32:
            assert abs(one.at - exact) <= 1


@pytest.mark.parametrize("name", FILES)
@slow
@given(share=st.floats(0, 1))
def test_a_file_cut_anywhere_gives_its_begin_and_a_gap(name: str, share: float) -> None:
    """What was whole is given as it was; a cut between two records cannot be seen."""
    whole = attempt(FILES[name])
    size = int(len(FILES[name]) * share)
    answer = attempt(FILES[name][:size])
    assert whole is not None
    if answer is None:
        assert size < 60 or "-" in name
        return
    for link in (1, 101):  # those of different links may change places
        begin = [one for one in answer[0] if one.link == link]
        assert begin == [one for one in whole[0] if one.link == link][: len(begin)]
    if name.startswith("pcap-") and name != "pcap-gzip" and size < len(FILES[name]):
        sizes = [len(one) + (24 if "modified" in name else 16) for one in PACKETS]
        edges = {24 + sum(sizes[:number]) for number in range(len(sizes) + 1)}
        assert bool(answer[1]) == (size not in edges)


@pytest.mark.parametrize("name", FILES)
@slow
@given(share=st.floats(0, 1, exclude_max=True), value=st.integers(1, 255))
def test_a_file_with_one_wrong_byte_is_refused_or_read(name: str, share: float, value: int) -> None:
    """What stands before the wrong byte is given as it was."""
    data = bytearray(FILES[name])
    place = int(len(data) * share)
    data[place] ^= value
    answer = attempt(bytes(data))
    if answer is not None and name == "pcap" and place >= 24:
        before = 0
        end = 24
        while before < len(PACKETS) and end + 16 + len(PACKETS[before]) <= place:
            end += 16 + len(PACKETS[before])
            before += 1
        assert [one.data for one in answer[0][:before]] == PACKETS[:before]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak of resident memory")
@pytest.mark.parametrize(
    "begin", [forms.pcap_header(), forms.section() + forms.interface()], ids=["pcap", "pcapng"]
)
def test_memory_is_flat_in_the_length_of_the_file(tmp_path: Path, begin: bytes) -> None:
    """A hole of 400 MB: empty packets in pcap, in pcapng one block that is left out.

    The peak of resident memory is asked for, so a mapped file would show. (Not of getrusage: that
    begins with the peak of the process that started this one.)
    """
    path = tmp_path / "long"
    if begin == forms.pcap_header():
        expected = 25 * 1024 * 1024
        path.write_bytes(begin)
        os.truncate(path, len(begin) + expected * 16)
    else:
        expected = 1
        body = 400 * 1024 * 1024
        length = (body + 12).to_bytes(4, "little")
        with path.open("wb") as file:
            file.write(begin + (0x0BAD).to_bytes(4, "little") + length)
            file.seek(body, os.SEEK_CUR)
            file.write(length + forms.enhanced(b"last"))
    code = (
        "import sys\n"
        "from portbook.traffic.captures import Capture\n"
        "with Capture(sys.argv[1]) as capture: print(sum(map(len, capture.frames())))\n"
        "lines = open('/proc/self/status').read().splitlines()\n"
        "print(*(line.split()[1] for line in lines if line.startswith('VmHWM')), capture.gaps)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=50)
    seen, kilobytes, gaps = ran.stdout.split()
    assert (int(seen), gaps) == (expected, "[]"), ran.stderr
    assert int(kilobytes) < 150_000


@given(first=st.binary(max_size=96))
def test_what_bytes_resemble_is_one_printable_line(first: bytes) -> None:
    """Whatever they are: their control characters are escaped."""
    name, _ = resembles(first)
    assert name and name.isprintable()
