"""Google's portpicker as its clients know it: they write a PID, and read the port that is theirs.

A Unix socket with an abstract name (unix(7)), `PORTSERVER_ADDRESS=@portbook`: one line with a PID
in, one line with a port out, and the connection ends. The port is claimed over TCP and UDP, for as
long as that process lives. Who asks is told by the kernel (SO_PEERCRED), not by the line: its PID
counts where it is a process of the same user, as with `portpicker.py $BASHPID` in a script.

Abstract names are of a network namespace, and have no owner: any user may connect, and any user
may have taken the name before us.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from portbook.claims.places import PORTSERVER
from portbook.host import lives
from portbook.model import LAST_PORT, PortbookError
from portbook.model.claim import Caller, Claim, ClaimRequest

Take = Callable[[ClaimRequest, Caller, Caller], Awaitable[tuple[Claim, ...]]]
"""Claims for (what, who asks, whose life keeps it); raises a PortbookError."""

LINE = 32
"""Bytes of a request; a PID has at most 7 digits."""
DEADLINE = 5.0
_MOST = 512
_CREDENTIALS = struct.Struct("3i")
_UNSEEN_TTL = 3_600_000
"""For a process whose life cannot be seen, as in a container of its own PID namespace."""


class Portserver:
    """Answers on one socket; `granted` and `refused` count answers."""

    def __init__(self, link: socket.socket, take: Take) -> None:
        self.granted = self.refused = 0
        self._link = link
        self._take = take
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._next: int | None = None

    async def start(self) -> None:
        """Answer from now on."""
        self._server = await asyncio.start_unix_server(self._visit, sock=self._link, limit=LINE)

    async def close(self) -> None:
        """Answer no more; who is being answered is let go of."""
        if self._server is not None:
            self._server.close()
        self._link.close()
        for each in self._open:
            each.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= _MOST:
            writer.transport.abort()
            return
        self._open.add(task)
        try:
            async with asyncio.timeout(DEADLINE):
                line = await _line(reader)
            if line is not None:
                port = await self._port(writer.get_extra_info("socket"), line)
                writer.write(b"%d\n" % port if port else b"\n")
                async with asyncio.timeout(DEADLINE):
                    await writer.drain()
        except (TimeoutError, OSError):
            # It has gone, or is too slow. A port that it was given ends with it.
            return
        finally:
            self._open.discard(task)
            writer.close()

    async def _port(self, link: socket.socket, line: bytes) -> int | None:
        asker = peer(link)
        owner = owner_of(asker, line)
        wanted = ClaimRequest(
            transports=("tcp", "udp"),
            name="portpicker",
            ttl_ms=_UNSEEN_TTL,
            watch_pid=owner.pid,
            label="portpicker",
            start=self._next,
        )
        try:
            claims = await self._take(wanted, asker, owner)
        except PortbookError:
            self.refused += 1
            return None
        self.granted += 1
        # Going on from there passes over nothing that was just given.
        self._next = min(claims[0].port + 1, LAST_PORT)
        return claims[0].port


async def _line(reader: asyncio.StreamReader) -> bytes | None:
    """The line; None where it is no PID. An empty one is the PID of who asks."""
    try:
        line = await reader.readuntil()
    except asyncio.IncompleteReadError as cut:
        line = cut.partial
    except asyncio.LimitOverrunError:
        return None
    line = line.strip(b" \r\n")
    return line if len(line) <= LINE and (not line or line.isdigit()) else None


def peer(link: socket.socket) -> Caller:
    """Who connected, as the kernel tells; without a PID where it lives in another PID namespace."""
    told = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(told)
    return lives.caller(uid, pid if pid > 0 else None, label="portpicker")


def owner_of(asker: Caller, line: bytes) -> Caller:
    """Whose life keeps the port: the process that is named, if it is the asker's own to name.

    It has to be of the same user, and the asker of our PID namespace: elsewhere the same number
    is another process.
    """
    named = int(line or b"0")
    if not 0 < named < 2**22 or asker.pid in (None, named):
        return asker
    if lives.uid_of(named) != asker.uid:
        return asker
    if lives.namespace_of(asker.pid or 0, "pid") != lives.namespace_of("self", "pid"):
        return asker
    found = lives.caller(asker.uid, named, label=asker.label)
    return found if found.start is not None else asker


def listen(name: str = PORTSERVER) -> socket.socket:
    """A listening socket with an abstract name, such as `@portbook`.

    Raises:
        OSError: the name is taken.
    """
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.bind("\0" + name.removeprefix("@"))
        link.listen(_MOST)
        link.setblocking(False)
    except BaseException:
        link.close()
        raise
    return link
