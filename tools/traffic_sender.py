"""Send ready frames on the wire, each at its time: python tools/traffic_sender.py < frames.

Runs inside the namespace of the visitors. What it reads is a run of (seconds from the beginning as
a double, length as 32 bits, frame), in the order of the times.
"""

import socket
import struct
import sys
import time

_HEAD = struct.Struct("<dI")


def main() -> None:
    """Send them all."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind(("wire", 0))
    begin = time.monotonic()
    while len(head := sys.stdin.buffer.read(_HEAD.size)) == _HEAD.size:
        at, length = _HEAD.unpack(head)
        frame = sys.stdin.buffer.read(length)
        pause = begin + at - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        wire.send(frame)


if __name__ == "__main__":
    main()
