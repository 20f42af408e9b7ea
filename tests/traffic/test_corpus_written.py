"""The captures that are written, not made by programs: the large one and the hour of port 3255."""

import json
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tools.traffic_bulk import KINDS, write_bulk
from tools.traffic_hour import OURS, write_hour

from live.stage import environment


def _records(path: Path) -> list[tuple[int, bytes]]:
    """Every packet of a pcap file with nanoseconds, with its time."""
    data = path.read_bytes()
    assert data[:4] == b"\x4d\x3c\xb2\xa1"
    found, at = [], 24
    while at < len(data):
        seconds, nanoseconds, kept, length = struct.unpack_from("<4I", data, at)
        assert kept == length
        found.append((seconds * 1_000_000_000 + nanoseconds, data[at + 16 : at + 16 + kept]))
        at += 16 + kept
    assert at == len(data)
    return found


def _watched(path: Path, ours: str, *arguments: str) -> Any:
    argv = [sys.executable, "-m", "portbook", "watch", "--pcap", str(path), "--host", ours]
    done = subprocess.run(
        [*argv, "--json", "--top", "0", *arguments], capture_output=True, env=environment()
    )
    assert done.returncode in (0, 3), done.stderr.decode()
    return json.loads(done.stdout)


def _sum(data: bytes) -> int:
    """The Internet checksum of data that has its own in it: 0xffff where that is right."""
    total: int = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_bulk_is_as_asked(tmp_path: Path) -> None:
    """As many sources as asked for, as many packets but for a few, in order, checksums right."""
    path = tmp_path / "bulk.pcap"
    write_bulk(str(path), 30_000, 3_000, seed=7)
    records = _records(path)
    assert abs(len(records) - 30_000) <= 12 * len(KINDS)
    assert [at for at, _ in records] == sorted(at for at, _ in records)
    sources = {frame[26:30] for _, frame in records} - {bytes([198, 51, 100, 10])}
    assert len(sources) == 3_000
    for _, frame in records[::7]:
        assert _sum(frame[14:34]) == 0xFFFF
        pseudo = frame[26:34] + bytes([0, frame[23]]) + struct.pack(">H", len(frame) - 34)
        assert _sum((b"" if frame[23] == 1 else pseudo) + frame[34:]) == 0xFFFF


def test_bulk_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    """The seed decides, and nothing else."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_bulk(str(tmp_path / name), 5_000, 500, seed=seed)
    made = [(tmp_path / name).read_bytes() for name in "abc"]
    assert made[0] == made[1] != made[2]


def test_bulk_has_as_many_sources_as_fit(tmp_path: Path) -> None:
    """Half as many sources as packets are possible, more are not."""
    path = tmp_path / "bulk.pcap"
    write_bulk(str(path), 4_000, 2_000)
    sources = {frame[26:30] for _, frame in _records(path)} - {bytes([198, 51, 100, 10])}
    assert len(sources) > 1_990
    with pytest.raises(ValueError, match="do not fit"):
        write_bulk(str(path), 4_000, 2_001)


def test_bulk_is_judged_for_what_it_is(tmp_path: Path) -> None:
    """No client of it is a scan, and every tool of it is named."""
    path = tmp_path / "bulk.pcap"
    write_bulk(str(path), 60_000, 600)
    found = _watched(path, "198.51.100.10")
    verdicts = Counter(each["verdict"] for each in found["sources"])
    assert len(found["sources"]) == 600
    tools = {each["tool"] for each in found["sources"] if each["verdict"] == "scan"}
    assert {"zmap", "masscan", "mirai", "nmap"} <= tools
    clients = [each for each in found["sources"] if each["bytes"] > 12 * each["packets"]]
    assert clients
    assert {each["verdict"] for each in clients} == {"client"}
    assert verdicts["client"] >= len(clients)


def test_the_hour_of_3255(tmp_path: Path) -> None:
    """Fourteen visitors of a port without a service: nobody is a client, one is unknown."""
    path = tmp_path / "hour.pcap"
    assert write_hour(str(path)) == 14
    found = _watched(path, OURS, "3255")
    verdicts = Counter(each["verdict"] for each in found["sources"])
    assert verdicts == {"scan": 13, "unknown": 1}
    tools = Counter(each["tool"] for each in found["sources"])
    assert tools == {"zmap": 9, "masscan": 3, "mirai": 1, None: 1}
    (port,) = found["ports"]
    assert port["listening"] is False
    assert port["sentence"].endswith("13 scans (9 ZMap-like, 3 masscan, 1 Mirai), 1 unknown")
