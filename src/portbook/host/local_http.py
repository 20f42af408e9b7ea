"""One HTTP exchange with a server of this machine: over a Unix socket, or TCP on loopback.

Import it where it is used: http.client costs 19 ms of a start (measured). The server is not
trusted: every read is bounded by a point in time and by a number of bytes, also where headers
come one byte at a time or a chunk says that it is longer than memory.
"""

import errno
import http.client
import os
import socket

from portbook.host import clock
from portbook.model import Said
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 4 << 20
"""Bytes that one exchange may bring. An engine describes a container in 1 to 3 KB; parsing the
worst that fits takes 0.15 s (measured)."""

_RETRY = 0.005


class Reply(Record):
    """What the server answered; `server` is the header of that name, empty where absent."""

    status: int
    server: str
    body: bytes


class _BoundedSocket(socket.socket):
    """A socket that stops at a point in time, and after a number of received bytes."""

    until = 0.0
    left = 0

    def arm(self) -> None:
        """Let the next operation wait no longer than what is left of the time."""
        remaining = self.until - clock.monotonic()
        if remaining <= 0:
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        self.settimeout(remaining)

    def recv_into(self, buffer: "Any", nbytes: int = 0, flags: int = 0) -> int:
        """As in socket.socket; http.client reads through this method only."""
        self.arm()
        count = super().recv_into(buffer, nbytes, flags)
        self.left -= count
        if self.left < 0:
            raise OSError(errno.EMSGSIZE, Said("too long an answer"))
        return count

    def sendall(self, data: "Any", flags: int = 0) -> None:
        """As in socket.socket."""
        self.arm()
        super().sendall(data, flags)


class _Connection(http.client.HTTPConnection):
    def __init__(self, place: str | tuple[str, int], until: float, most: int) -> None:
        super().__init__("localhost")
        self._place = place
        self._until = until
        self._most = most

    def connect(self) -> None:
        """Connect where `place` says; a full backlog is waited for, as a Unix socket does not."""
        family = socket.AF_UNIX if isinstance(self._place, str) else socket.AF_INET
        if isinstance(self._place, tuple) and ":" in self._place[0]:
            family = socket.AF_INET6
        self.sock = made = _BoundedSocket(family, socket.SOCK_STREAM)
        made.until, made.left = self._until, self._most
        while True:
            made.arm()
            try:
                made.connect(self._place)
            except BlockingIOError:
                clock.sleep(_RETRY)
            else:
                return


def exchange(
    place: str | tuple[str, int], method: str, path: str, *, until: float, most: int = MOST
) -> Reply:
    """Ask the server at `place`, the path of a Unix socket or an address and a port.

    Args:
        place: where the server listens.
        method: GET or POST; a POST has no body.
        path: what is asked for; it has to be safe to put into a request line.
        until: when to give up, on `host.clock.monotonic()`.
        most: bytes that are read at most, headers and framing included.

    Raises:
        TimeoutError: no whole answer in time.
        OSError: there is no such server, it refuses us, it hangs up, or it sends too much.
        ValueError: what it sends is no HTTP, or is cut off.
    """
    connection = _Connection(place, until, most)
    try:
        connection.request(method, path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(most)
        if response.length:
            raise ValueError(Said("the answer is cut off"))
        # A chunked answer is over when a further read says so.
        if response.chunked and response.read(1):
            raise OSError(errno.EMSGSIZE, Said("too long an answer"))
        return Reply(response.status, response.headers.get("Server", ""), body)
    except http.client.HTTPException as error:
        raise ValueError(
            Said("the answer is no HTTP (%(fault)s)", fault=type(error).__name__)
        ) from None
    finally:
        connection.close()
