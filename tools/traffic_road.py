"""A bad road between two network namespaces: packets are lost, late and out of order on it.

    python tools/traffic_road.py PID PID LOSS DELAY JITTER

Each namespace gets a tunnel device `road`; what one sends there comes out of the other, but for a
share, after DELAY seconds give or take JITTER: so that later packets overtake earlier ones. The
share lost is LOSS times 1, 2, 3 or 4, by the last byte of the address in the first namespace.
(The kernel's netem does the same where it is there; many small kernels lack it.) Prints a line when
the road is open and lasts until its parent ends.
"""

import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import signal
import struct
import sys
import time

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 1, 0x1000
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def end_in(pid: str) -> int:
    """A tunnel device in the network namespace of a process: its file descriptor."""
    with open(f"/proc/{pid}/ns/net") as namespace:
        if _LIBC.setns(namespace.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"road", _IFF_TUN | _IFF_NO_PI))
    return device


def carry(ends: tuple[int, int], loss: float, delay: float, jitter: float) -> None:
    """Carry packets both ways, for ever."""
    chance = random.Random(3255)
    waiting: list[tuple[float, int, int, bytes]] = []
    number = 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, to, packet = heapq.heappop(waiting)
            with contextlib.suppress(OSError):  # not up yet, or full: lost on the road
                os.write(to, packet)
        pause = waiting[0][0] - now if waiting else None
        for come in select.select(ends, [], [], pause)[0]:
            to = ends[1] if come == ends[0] else ends[0]
            try:
                packet = os.read(come, 65536)  # IPv4, 20 bytes at least: see traffic_stage.py
            except BlockingIOError:
                continue
            far = packet[15] if come == ends[0] else packet[19]
            if chance.random() >= loss * (1 + far % 4):
                late = max(0.0, delay + chance.uniform(-jitter, jitter))
                number += 1
                heapq.heappush(waiting, (time.monotonic() + late, number, to, packet))


def main() -> None:
    """Open the road and carry."""
    _LIBC.prctl(1, signal.SIGKILL)
    ends = end_in(sys.argv[1]), end_in(sys.argv[2])
    print("open", flush=True)
    carry(ends, *(float(each) for each in sys.argv[3:6]))


if __name__ == "__main__":
    main()
