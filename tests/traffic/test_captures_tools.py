import shutil
import subprocess
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import PcapNgWriter, PcapWriter

from portbook.traffic.captures import CaptureFault
from traffic import capture_forms as forms
from traffic.capture_forms import BASE, Seen, read

SIZES = [0, 1, 400, 13, 1400, 0, 0, 77]
PACKETS = [
    Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    / IP(src="192.0.2.1", dst="192.0.2.2")
    / TCP(sport=40_000 + at, dport=3255, flags="PA")
    / Raw(b"x" * size)
    for at, size in enumerate(SIZES)
]
EXPECTED = [
    Seen(BASE * 10**9 + 250_000_000 * at, len(bytes(packet)), bytes(packet), 1)
    for at, packet in enumerate(PACKETS)
]


def ran(*command: str) -> None:
    """Run a tool of others, or skip the test where it is not installed."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, timeout=50)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A pcap file of the packets, a quarter of a second apart."""
    path = tmp_path / "original.pcap"
    data = forms.pcap_header() + b"".join(
        forms.pcap_record(one.data, one.at // 10**9, one.at % 10**9 // 1000) for one in EXPECTED
    )
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("modern", ["pcap", "pcap-nano", "pcap-big-endian", "pcapng"])
def test_what_scapy_writes_is_read(tmp_path: Path, modern: str) -> None:
    """Its pcap in microseconds and nanoseconds, its pcapng."""
    path = str(tmp_path / "scapy")
    for at, packet in enumerate(PACKETS):
        packet.time = BASE + at * 0.25
    order = ">" if modern == "pcap-big-endian" else "<"
    with (
        PcapNgWriter(path)
        if modern == "pcapng"
        else PcapWriter(path, nano=modern == "pcap-nano", endianness=order, linktype=1)
    ) as writer:
        writer.write(PACKETS)
    assert read(path) == (EXPECTED, [])


@pytest.mark.parametrize("form", ["pcap", "nsecpcap", "pcapng", "modpcap"])
def test_what_editcap_writes_is_read(tmp_path: Path, original: Path, form: str) -> None:
    """The forms of pcap that have a magic number of their own."""
    path = tmp_path / form
    ran("editcap", "-F", form, str(original), str(path))
    assert read(path) == (EXPECTED, [])


@pytest.mark.parametrize("packer", ["gzip", "zstd"])
def test_what_tshark_writes_and_others_pack_is_read(
    tmp_path: Path, original: Path, packer: str
) -> None:
    """Packed or not, and whatever the file is called."""
    path = tmp_path / "written"
    ran("tshark", "-r", str(original), "-w", str(path))
    assert read(path) == (EXPECTED, [])
    ran(packer, "--quiet", str(path))
    (packed,) = tmp_path.glob("written.*")
    assert read(packed.rename(tmp_path / "without-a-suffix")) == (EXPECTED, [])


@pytest.mark.parametrize("snaplen", [0, 60])
def test_what_tcpdump_rewrites_is_read(tmp_path: Path, original: Path, snaplen: int) -> None:
    """Whole packets, and packets cut at the snap length."""
    path = tmp_path / "rewritten"
    ran("tcpdump", "-n", "-r", str(original), "-s", str(snaplen), "-w", str(path))
    seen, gaps = read(path)
    cut = [one._replace(data=one.data[: snaplen or None]) for one in EXPECTED]
    assert (seen, gaps) in ((cut, []), (EXPECTED, []))


def test_what_mergecap_joins_is_read(tmp_path: Path, original: Path) -> None:
    """Two files as one pcapng with two interfaces."""
    path = tmp_path / "merged"
    ran("mergecap", "-a", "-I", "none", "-w", str(path), str(original), str(original))
    assert read(path) == (EXPECTED * 2, [])


def test_what_editcap_calls_snoop_is_refused_by_name(tmp_path: Path, original: Path) -> None:
    """A form that is not read, told by what it is."""
    path = tmp_path / "snoop"
    ran("editcap", "-F", "snoop", str(original), str(path))
    with pytest.raises(CaptureFault, match=r"looks like a snoop capture"):
        read(path)
