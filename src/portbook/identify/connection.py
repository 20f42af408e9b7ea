"""One connection to a listener: deadlines, the byte budget, and TLS on top where it is wanted."""

import asyncio
import contextlib
import socket
import ssl
import sys

from portbook.host import clock
from portbook.identify import tls
from portbook.identify.limits import (
    CONNECT_SECONDS,
    CONNECTIONS_IN_ALL,
    HANDSHAKE_BYTES,
    LEAN_HANDSHAKE_BYTES,
    PARTING_SECONDS,
    SENT_BYTES,
)
from portbook.model.speaks import Target, Tls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_CHUNK = 16384
_MOST_CHUNKS = 16
# IP_RECVERR (linux/in.h) and IPV6_RECVERR (linux/in6.h), which the module socket does not name.
_RECEIVE_ERRORS = {
    socket.AF_INET: (socket.IPPROTO_IP, 11),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
}


class BudgetSpent(Exception):
    """The next message would exceed what a listener is spared."""


class Budget:
    """What was sent, and how many connections were made, to so many sockets of one address."""

    def __init__(self, sockets: int = 1) -> None:
        self._sockets = sockets
        self.sent = 0
        self.connections = 0

    def spend(self, size: int) -> None:
        """Count bytes before they are sent.

        Raises:
            BudgetSpent: they would be too many; nothing may be sent.
        """
        if self.sent + size > SENT_BYTES * self._sockets:
            raise BudgetSpent
        self.sent += size

    def connect(self) -> None:
        """Count a connection before it is made.

        Raises:
            BudgetSpent: it would be one too many.
        """
        if self.connections >= CONNECTIONS_IN_ALL * self._sockets:
            raise BudgetSpent
        self.connections += 1

    def allows_tls(self, *, lean: bool) -> bool:
        """Whether a whole handshake with a short message inside fits in what is left."""
        size = LEAN_HANDSHAKE_BYTES if lean else HANDSHAKE_BYTES
        return self.sent + size <= SENT_BYTES * self._sockets


class Connection:
    """A TCP connection or a UDP socket. Close it; `async with` does.

    A UDP socket takes answers from any port of the address: TFTP's come from another one (RFC 1350
    section 4). That no one listens is an error all the same, because IP_RECVERR is set (ip(7)).

    `heard` is what a TLS handshake was answered with, as it came. `reset` and `alert` (OpenSSL's
    reason) tell how the other side ended it, `connect_seconds` how long a SYN took to be answered.
    """

    def __init__(self, target: Target, budget: Budget) -> None:
        self._target = target
        self._budget = budget
        self._loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
        kind = socket.SOCK_STREAM if target.transport == "tcp" else socket.SOCK_DGRAM
        self._socket = socket.socket(family, kind)
        self._socket.setblocking(False)
        self._inside: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._fed = 0
        self.heard = b""
        self._place: tuple[object, ...] | None = None
        self.connect_seconds = 0.0
        self.reset = False
        self.alert: str | None = None

    async def __aenter__(self) -> "Self":
        try:
            await self._open()
        except BaseException:
            self._socket.close()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if self._inside is not None and kind is None:
                await self._part(self._inside)
        except (OSError, ssl.SSLError, BudgetSpent):
            pass  # Whoever hangs up first needs no farewell.
        finally:
            self._socket.close()

    async def _part(self, inside: ssl.SSLObject) -> None:
        """Say goodbye in TLS, and read until the other side has closed.

        Tickets that nobody read would turn our close into a reset, which servers log as a fault.
        """
        with contextlib.suppress(ssl.SSLWantReadError):
            inside.unwrap()
        await self._flush()
        self._socket.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(PARTING_SECONDS):
            for _ in range(_MOST_CHUNKS):
                # With data ready a read does not yield, and no deadline would ever be met.
                await asyncio.sleep(0)
                if not await self._loop.sock_recv(self._socket, _CHUNK):
                    return

    async def _open(self) -> None:
        """Connect.

        Raises:
            OSError: refused, unreachable, or no answer to the SYN in time (TimeoutError).
            BudgetSpent: too many connections already.
        """
        self._budget.connect()
        if self._target.transport == "tcp":
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address, _, scope = self._target.address.partition("%")
        place: tuple[object, ...] = (address, self._target.port)
        if ":" in address:
            place = (address, self._target.port, 0, _scope_number(scope))
        if self._target.transport == "udp":
            self._place = place
            if sys.platform == "linux":
                self._socket.setsockopt(*_RECEIVE_ERRORS[self._socket.family], 1)
            return
        before = clock.monotonic()
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._loop.sock_connect(self._socket, place)
        self.connect_seconds = clock.monotonic() - before

    @property
    def secure(self) -> bool:
        """Whether what is sent now goes through TLS."""
        return self._inside is not None

    async def send(self, data: bytes) -> None:
        """Send everything.

        Raises:
            BudgetSpent: nothing of it was sent.
            OSError: the other side is gone.
        """
        if self._inside is None:
            self._budget.spend(len(data))
            if self._place is None:
                await self._loop.sock_sendall(self._socket, data)
            else:
                await self._loop.sock_sendto(self._socket, data, self._place)
            return
        self._inside.write(data)
        await self._flush()

    async def receive(self, seconds: float) -> bytes | None:
        """What comes next: empty where the other side closed, None where nothing came in time.

        Raises:
            ConnectionRefusedError: nobody is there, as an answer to a datagram tells.
        """
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                if self._inside is not None:
                    return await self._receive_inside(self._inside)
                return await self._receive()
        except TimeoutError:
            return None
        except ConnectionRefusedError:
            raise
        except ConnectionError:
            self.reset = True
            return b""
        except ssl.SSLError as error:
            self.alert = error.reason
            return b""

    async def _receive(self) -> bytes:
        await asyncio.sleep(0)
        if self._place is None:
            return await self._loop.sock_recv(self._socket, _CHUNK)
        while True:
            await asyncio.sleep(0)
            data, sender = await self._loop.sock_recvfrom(self._socket, 65535)
            if sender[0] == self._place[0]:
                return data

    async def _receive_inside(self, inside: ssl.SSLObject) -> bytes:
        while True:
            try:
                return inside.read(_CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._feed()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    async def start_tls(
        self,
        seconds: float,
        *,
        upgraded: bool,
        name: str | None = None,
        alpn: tuple[str, ...] = (),
        lean: bool = False,
    ) -> Tls:
        """Hand the connection over to TLS, and what the handshake told.

        Args:
            seconds: for the whole handshake.
            upgraded: whether something was said in the clear before.
            name: the server name to ask for (RFC 6066), none by default.
            alpn: the protocols to offer (RFC 7301).
            lean: with a short first message, as tls.context has it.

        Raises:
            BudgetSpent: a handshake does not fit any more.
            ssl.SSLError: the other side speaks no TLS that we can, or ended it with an alert.
            OSError: it closed, or took too long (TimeoutError).
        """
        if not self._budget.allows_tls(lean=lean):
            raise BudgetSpent
        inside = tls.context(alpn, lean=lean).wrap_bio(
            self._incoming, self._outgoing, server_hostname=name
        )
        async with asyncio.timeout(seconds):
            while True:
                try:
                    inside.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await self._flush()
                    await self._feed()
                except ssl.SSLError:
                    await self._flush()
                    raise
            await self._flush()
        self._inside = inside
        return tls.facts(inside, upgraded=upgraded)

    async def _feed(self) -> None:
        await asyncio.sleep(0)
        self._fed += 1
        if self._fed > _MOST_CHUNKS and self._inside is None:
            raise ConnectionAbortedError("a handshake without end")
        data = await self._loop.sock_recv(self._socket, _CHUNK)
        if data:
            if self._inside is None and len(self.heard) < _CHUNK:
                self.heard += data
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._budget.spend(len(data))
            await self._loop.sock_sendall(self._socket, data)


def _scope_number(scope: str) -> int:
    """The number of a link-local address's interface (RFC 4007), 0 for none."""
    if not scope:
        return 0
    return int(scope) if scope.isdecimal() else socket.if_nametoindex(scope)
