"""A process that listens, under a name of its own: for a host of a fleet that is made up.

    python tools/fleet_listeners.py NAME tcp/0.0.0.0/3255 udp/127.0.0.1/5353 ...

Each line of standard input opens or closes one more, `open tcp/[::1]/8080`, `close tcp/[::1]/8080`
(port 0 takes a free one), and is answered with the place, or with `error` and why. It answers
nobody who connects, and ends with its parent.
"""

import contextlib
import ctypes
import signal
import socket
import sys

_PDEATHSIG, _NAME = 1, 15


def opened(place: str) -> tuple[str, socket.socket]:
    """A socket at a place, and the place with its number."""
    transport, address, port = place.split("/")
    bare = address.strip("[]")
    made = socket.socket(
        socket.AF_INET6 if ":" in bare else socket.AF_INET,
        socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM,
    )
    if ":" in bare:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if transport == "tcp":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((bare, int(port)))
    if transport == "tcp":
        made.listen(8)
    return f"{transport}/{address}/{made.getsockname()[1]}", made


def main() -> None:
    """Open what is named, then do what is said until nobody says anything."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_NAME, sys.argv[1].encode(), 0, 0, 0)
    here = dict(opened(place) for place in sys.argv[2:])
    print("listening", *here, flush=True)
    for line in sys.stdin:
        verb, _, place = line.strip().partition(" ")
        try:
            if verb == "open":
                place, made = opened(place)
                here[place] = made
            elif verb == "close":
                here.pop(place).close()
        except (OSError, KeyError, ValueError) as error:
            place = f"error {error!r}"
        print(place, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


if __name__ == "__main__":
    main()
