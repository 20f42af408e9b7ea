"""Packets of a live watch: how many a second the kernel hands over with none dropped, at what CPU.

    python bench/watch_live.py [--seconds 5] [--rate 60000] [--flat-out] [--short]

One process sends small datagrams from 200 loopback addresses to one watched port, in a network
namespace of the script's own (as root); sender and watch share the cores. There is no peer that
answers who calls, so the goal is absolute: 50,000 packets a second, none dropped. First the packets
are only taken from the kernel, then also dissected and counted by source.
"""

import argparse
import ctypes
import fcntl
import ipaddress
import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from measure import ROOT, Row, report

sys.path.insert(0, str(ROOT / "src"))

if TYPE_CHECKING:
    from portbook.traffic.packets import Frames

PACKETS_PER_SECOND = 50_000
_SOURCES = 200
_BURST = 0.001
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914


class Watched(NamedTuple):
    """One run: datagrams sent in how many seconds, packets seen, dropped, CPU seconds of ours."""

    sent: int
    seconds: float
    seen: int
    dropped: int
    cpu: float


def enter() -> None:
    """Go into a new network namespace with loopback up."""
    if ctypes.CDLL(None).unshare(_CLONE_NEWNET):
        sys.exit("a network namespace takes root")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", 1))


def send(port: int, rate: float, seconds: float) -> tuple[int, float]:
    """Send 64 bytes at a time at `rate` (0: flat out); how many, and in what time."""
    senders = []
    for number in range(_SOURCES):
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        link.bind((f"127.0.7.{number + 1}", 0))
        link.connect(("127.0.0.1", port))
        senders.append(link.send)
    data = bytes(64)
    sent = 0
    begin = now = time.perf_counter()
    while now - begin < seconds:
        due = int((now - begin + _BURST) * rate) if rate else sent + _SOURCES
        while sent < due:
            senders[sent % _SOURCES](data)
            sent += 1
        rest = _BURST - (time.perf_counter() - now)
        if rate and rest > 0:
            time.sleep(rest)
        now = time.perf_counter()
    return sent, now - begin


def watch(rate: float, seconds: float, take: Callable[["Frames"], object]) -> Watched:
    """Watch while a child sends."""
    from portbook.traffic.live import Live

    read_end, write_end = os.pipe()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as served:
        # Nobody reads it: what does not fit is dropped by the socket, after the watch saw it.
        served.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
        served.bind(("127.0.0.1", 0))
        port = served.getsockname()[1]
        with Live({port}) as live:
            child = os.fork()
            if child == 0:
                os.write(write_end, struct.pack("=qd", *send(port, rate, seconds)))
                os._exit(0)
            seen = 0
            ended = False
            cpu = time.process_time()
            while not ended:
                ended = os.waitpid(child, os.WNOHANG)[0] != 0
                # The last turn is longer than the kernel keeps a block.
                for frames in live.frames(0.2):
                    seen += len(frames)
                    take(frames)
            cpu = time.process_time() - cpu
            dropped = live.statistics().drops
    sent, took = struct.unpack("=qd", os.read(read_end, 16))
    os.close(read_end)
    os.close(write_end)
    return Watched(sent, took, seen, dropped, cpu)


def judged() -> Callable[["Frames"], object]:
    """What `portbook watch` does with each batch."""
    from portbook.traffic.columns import packets_of
    from portbook.traffic.engine import Engine

    engine = Engine((), (ipaddress.ip_network("127.0.0.1/32"),))
    passed: dict[str, int] = {}
    return lambda frames: engine.take(packets_of(frames, passed))


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rate", type=float, default=60_000)
    parser.add_argument("--flat-out", action="store_true", help="as fast as one process can send")
    parser.add_argument("--short", action="store_true", help="one second, for CI")
    options = parser.parse_args()
    enter()
    seconds = 1 if options.short else options.seconds
    rate = 0 if options.flat_out else options.rate
    rows = []
    goal = f"the goal, {PACKETS_PER_SECOND:,}/s"
    for name, take in (("taken", len), ("judged", judged())):
        found = watch(rate, seconds, take)
        missed = found.sent - found.seen
        per_second = found.seen / found.seconds
        share = found.cpu / found.seconds
        print(
            f"{name}: {found.sent:,} sent, {found.seen:,} seen, {found.dropped:,} dropped,"
            f" {per_second:,.0f}/s, {share:.1%} of a core",
            file=sys.stderr,
        )
        if missed != found.dropped:
            sys.exit(f"{missed} packets are missing, the kernel says {found.dropped}")
        what = f"live, {name}: {per_second:,.0f}/s, {found.dropped:,} dropped"
        # A packet that was dropped is a goal that was missed.
        ours = 1e6 / per_second if not found.dropped else float("inf")
        rows.append(Row(what, ours, goal, 1e6 / PACKETS_PER_SECOND, 1.0, "us"))
        what = f"live, {name}: CPU for a second of it"
        rows.append(Row(what, 1000 * share, "a whole core", 1000, None))
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
