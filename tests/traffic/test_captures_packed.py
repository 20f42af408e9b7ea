import gzip
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from portbook.traffic.captures import Capture, CaptureFault
from traffic import capture_forms as forms
from traffic.capture_forms import read, read_bytes

PACKETS = [bytes([number % 251]) * (14 + number * 37 % 90) for number in range(3000)]
PLAIN = forms.pcap(PACKETS)
MODERN = forms.pcapng(PACKETS)
Pack = Callable[[bytes], bytes]
SKIPPED = b"\x5a\x2a\x4d\x18" + (300).to_bytes(4, "little") + bytes(300)


def squeezed(data: bytes, level: int = 9) -> bytes:
    """Return the data in gzip's form, the same at any time: names of tests are made of it."""
    return gzip.compress(data, level, mtime=0)


def in_parts(data: bytes, size: int = 50_000) -> list[bytes]:
    """`data` in parts of `size`."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def unknown_size(data: bytes) -> bytes:
    """A frame whose header says neither the size nor that it is a single segment, and a sum."""
    packer = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    "packed",
    [
        squeezed(PLAIN),
        squeezed(MODERN, 1),
        b"".join(map(squeezed, in_parts(PLAIN))),
        b"".join(map(squeezed, [b"", *in_parts(PLAIN, 7777), b""])) + bytes(512),
        zstandard.compress(PLAIN),
        zstandard.compress(MODERN, -5),
        SKIPPED + b"".join(map(zstandard.compress, in_parts(PLAIN))) + SKIPPED,
        b"".join(map(unknown_size, [b"", *in_parts(PLAIN, 70_001)])),
        zstandard.ZstdCompressor(write_content_size=False).compress(PLAIN),
    ],
)
def test_packed_captures_read_like_plain_ones(tmp_path: Path, packed: bytes) -> None:
    """One member or many, padded, with frames to skip, with and without a size and a sum."""
    seen, gaps = read_bytes(tmp_path, packed)
    assert [one.data for one in seen] == PACKETS
    assert gaps == []


@pytest.mark.parametrize("pack", [squeezed, zstandard.compress, unknown_size])
def test_a_packed_capture_that_is_cut_gives_what_is_whole_and_says_so(
    tmp_path: Path, pack: Pack
) -> None:
    """Wherever it is cut, also in the checksum behind the last byte."""
    packed = pack(PLAIN)
    for size in (len(packed) * 3 // 4, len(packed) - 20, len(packed) - 3, len(packed) - 1):
        seen, gaps = read_bytes(tmp_path, packed[:size])
        assert [one.data for one in seen] == PACKETS[: len(seen)]
        assert "data ends early, at byte" in gaps[0].why


@pytest.mark.parametrize("pack", [squeezed, unknown_size])
def test_a_packed_capture_that_is_damaged_ends_with_a_gap(tmp_path: Path, pack: Pack) -> None:
    """A wrong checksum is found at the end; the packets before were given."""
    packed = bytearray(pack(PLAIN))
    packed[-6 if pack is squeezed else -2] ^= 0x55
    seen, gaps = read_bytes(tmp_path, bytes(packed))
    assert seen
    assert "is damaged near byte" in gaps[0].why


@pytest.mark.parametrize("pack", [squeezed, zstandard.compress])
def test_what_follows_packed_data_and_is_none_is_a_gap(tmp_path: Path, pack: Pack) -> None:
    """The capture before it is read."""
    seen, (gap,) = read_bytes(tmp_path, pack(PLAIN) + b"something else")
    assert len(seen) == len(PACKETS)
    assert "something that is not" in gap.why


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        (squeezed(squeezed(PLAIN)), "what it unpacks to looks like gzip data"),
        (zstandard.compress(squeezed(PLAIN)), "what it unpacks to looks like gzip data"),
        (squeezed(zstandard.compress(PLAIN)), "looks like Zstandard data"),
        (squeezed(b"plain words"), "what it unpacks to looks like text: 'plain words'"),
        (squeezed(PLAIN)[:9], "no capture: the gzip data ends early"),
        (b"\x1f\x8b\xff" + bytes(40), "no capture: the gzip data is damaged"),
        (zstandard.compress(PLAIN)[:7], "no capture: the Zstandard data ends early"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "no capture: the Zstandard data is damaged"),
        (squeezed(b""), "no capture: it is empty"),
        (SKIPPED, "no capture: it is empty"),
    ],
)
def test_packed_data_that_holds_no_capture_is_refused(
    tmp_path: Path, packed: bytes, says: str
) -> None:
    """Packed twice is not unpacked twice."""
    with pytest.raises(CaptureFault) as refused:
        read_bytes(tmp_path, packed)
    assert says in str(refused.value)


def test_a_missing_package_is_a_fault_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without zstandard (and before Python 3.14) such a capture cannot be read."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    with pytest.raises(CaptureFault, match="zstandard is not installed") as refused:
        read_bytes(tmp_path, zstandard.compress(PLAIN))
    assert refused.value.hint is not None and "zstd -d" in refused.value.hint


@pytest.mark.skipif(sys.version_info < (3, 14), reason="compression.zstd comes with Python 3.14")
def test_the_standard_library_unpacks_where_the_package_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.14 and later have Zstandard themselves."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert len(read_bytes(tmp_path, SKIPPED + unknown_size(PLAIN))[0]) == len(PACKETS)


@pytest.mark.parametrize("pack", [squeezed, zstandard.compress, unknown_size])
def test_a_capture_made_to_blow_up_takes_no_memory(tmp_path: Path, pack: Pack) -> None:
    """100 MB of packets of zeros, packed a thousandfold, stay below three windows."""
    record = forms.pcap_record(bytes(200_000))
    path = tmp_path / "bomb"
    path.write_bytes(pack(forms.pcap_header() + record * 500))
    assert path.stat().st_size < 500_000
    tracemalloc.start()
    try:
        with Capture(str(path)) as capture:
            assert sum(len(frames) for frames in capture.frames()) == 500
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30_000_000


@pytest.mark.parametrize("data", [PLAIN, MODERN, squeezed(PLAIN), zstandard.compress(MODERN)])
def test_a_named_pipe_is_read_as_it_comes(tmp_path: Path, data: bytes) -> None:
    """Nothing seeks; the writer pauses, and the rest comes later."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            for part in (data[:3], data[3:1000], data[1000:]):
                pipe.write(part)
                time.sleep(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    seen, gaps = read(path)
    writer.join()
    assert [one.data for one in seen] == PACKETS
    assert gaps == []


def test_packets_come_out_of_a_pipe_before_it_ends(tmp_path: Path) -> None:
    """A capture that still grows is shown as it comes: a batch does not wait to be full."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    seen = threading.Event()
    missed = []

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            pipe.write(forms.pcap(PACKETS[:2]))
            if not seen.wait(20):
                missed.append(True)

    writer = threading.Thread(target=write)
    writer.start()
    with Capture(str(path)) as capture:
        assert capture.size is None
        assert len(next(capture.frames())) == 2
        seen.set()
        assert list(capture.frames()) == []
    writer.join()
    assert not missed


@pytest.mark.parametrize("data", [PLAIN, squeezed(MODERN)])
@pytest.mark.parametrize("piped", ["piped", "file"])
def test_a_dash_is_standard_input(tmp_path: Path, data: bytes, piped: str) -> None:
    """From a pipe and from a file."""
    code = (
        "from portbook.traffic.captures import Capture\n"
        "with Capture('-') as capture: print(sum(map(len, capture.frames())), capture.gaps)"
    )
    command = [sys.executable, "-c", code]
    path = tmp_path / "capture"
    path.write_bytes(data)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with path.open("rb") as file:
        given: dict[str, Any] = {"input": data} if piped == "piped" else {"stdin": file}
        ran = subprocess.run(command, capture_output=True, env=environment, timeout=50, **given)
    assert bytes(ran.stdout) == f"{len(PACKETS)} []\n".encode(), ran.stderr
