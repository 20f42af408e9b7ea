"""3255/udp: answers the datagrams of claims.datagram, in the event loop of the service.

Nothing that is malformed, signed wrongly, too much, or comes from where an answer would only come
back to us, is answered at all. Answers are as long as requests, so nobody can be flooded by us.

asyncio's datagram transport reads one datagram for each wake-up of its selector; here a wake-up
reads all there are, which more than doubles what one core answers (measured: docs/performance.md).
"""

import os
import socket
from collections.abc import Callable
from functools import partial
from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol

from portbook.claims.buckets import Buckets
from portbook.claims.datagram import (
    HEARTBEAT,
    SIZE,
    Request,
    claim_secret,
    is_signed,
    read_request,
    reply,
)
from portbook.host import clock
from portbook.model import EnvironmentFault
from portbook.model.claim import Claim, ClaimRefused

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

PORT = 3255
_FIRST_UNPRIVILEGED = 1024
_AT_ONCE = 128
"""Datagrams answered in one turn of the loop, before connections have theirs."""
_BUFFER = 1 << 20
_MOST_PENDING = 4_096
"""HEARTBEATs that wait for their commit."""
_SHORTEST_KEY = 16
_ENDED = ("lost", "not_found", "bad_token")
_IP_PKTINFO = 8  # linux/in.h; Python has a name for it from 3.13 on
_PKTINFO4, _PKTINFO6 = Struct("@i4s4s"), Struct("@16si")

Outcome = Claim | ClaimRefused | None
"""What became of a HEARTBEAT; None where it could not be written."""


class Promises(Protocol):
    """What the service tells of its claims, and how a lease is renewed."""

    @property
    def secret(self) -> bytes:
        """That of the store."""

    def now(self) -> int:
        """Milliseconds of the claims' clock."""

    def claim_on(self, transport: str, port: int) -> Claim | None:
        """The live claim that has a port, in this machine's own namespace."""

    def heartbeat(
        self, claim_id: str, token: int, seq: int, done: Callable[[Outcome], None]
    ) -> None:
        """Renew a claim with the next commit; `done` is called after it."""


class DatagramPort:
    """One socket that answers. `answered`, `ignored` and `limited` count datagrams.

    With a `key`, a STATUS has to be signed with it. The socket is ours from here on.
    """

    def __init__(
        self,
        link: socket.socket,
        promises: Promises,
        *,
        key: bytes | None = None,
        buckets: Buckets | None = None,
    ) -> None:
        self.answered = self.ignored = self.limited = 0
        self._link = link
        self._promises = promises
        self._key = key
        self._buckets = Buckets() if buckets is None else buckets
        self._pending = 0
        self._loop: AbstractEventLoop | None = None
        address, port = link.getsockname()[:2]
        self._refused = (PORT, port)
        self._receive: Callable[[], tuple[bytes, Any, Any]] = self._plain
        link.setblocking(False)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        if address == "0.0.0.0":
            link.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            self._receive = self._addressed
        elif address == "::":
            link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            self._receive = self._addressed

    def start(self, loop: "AbstractEventLoop") -> None:
        """Answer from now on."""
        self._loop = loop
        loop.add_reader(self._link.fileno(), self._readable)

    def close(self) -> None:
        """Answer no more."""
        if self._loop is not None:
            self._loop.remove_reader(self._link.fileno())
            self._loop = None
        self._link.close()

    def _readable(self) -> None:
        receive, buckets, refused, now = (
            self._receive,
            self._buckets,
            self._refused,
            clock.boottime(),
        )
        for _ in range(_AT_ONCE):
            try:
                data, source, way = receive()
            except OSError:
                # BlockingIOError: all are read. Anything else concerns a datagram that is gone.
                return
            if len(data) != SIZE or way is False or source[1] < _FIRST_UNPRIVILEGED:
                self.ignored += 1
            elif source[1] in refused or not is_unicast(source[0]):
                # An answer to a service like us, or to ourselves, might be answered in turn.
                self.ignored += 1
            elif not buckets.take(source[0], now):
                self.limited += 1
            else:
                self._answer(data, source, way)

    def _answer(self, data: bytes, source: Any, way: Any) -> None:
        request = read_request(data)
        if request is None:
            self.ignored += 1
        elif request.op == HEARTBEAT:
            self._renew(data, request, source, way)
        elif is_signed(data, self._key) if self._key else not any(request.mac):
            promises = self._promises
            claim = promises.claim_on(request.transport, request.port)
            self._send(reply(request, claim, promises.now(), self._key), source, way)
        else:
            self.ignored += 1

    def _renew(self, data: bytes, request: Request, source: Any, way: Any) -> None:
        """The secret follows from id and token alone, so whoever is answered knew it."""
        secret = claim_secret(self._promises.secret, request.claim_id, request.token)
        if self._pending >= _MOST_PENDING or not is_signed(data, secret):
            self.ignored += 1
            return
        self._pending += 1
        done = partial(self._renewed, request, secret, source, way)
        self._promises.heartbeat(request.claim_id, request.token, request.seq, done)

    def _renewed(
        self, request: Request, secret: bytes, source: Any, way: Any, outcome: Outcome
    ) -> None:
        self._pending -= 1
        if isinstance(outcome, Claim):
            self._send(reply(request, outcome, self._promises.now(), secret), source, way)
        elif isinstance(outcome, ClaimRefused) and outcome.code in _ENDED:
            self._send(reply(request, None, 0, secret, lost=True), source, way)
        else:
            # A seq that came before, or a disk that is full: whoever sent it asks again.
            self.ignored += 1

    def _send(self, data: bytes, source: Any, way: Any) -> None:
        try:
            if way is None:
                self._link.sendto(data, source)
            else:
                self._link.sendmsg([data], [way], 0, source)
        except OSError:
            # Its buffer is full, it has no way back, or we have closed: it asks again.
            self.ignored += 1
        else:
            self.answered += 1

    def _plain(self) -> tuple[bytes, Any, Any]:
        return (*self._link.recvfrom(SIZE + 1), None)

    def _addressed(self) -> tuple[bytes, Any, Any]:
        """With the way back: from the address that was asked; False if that was for many."""
        data, told, _, source = self._link.recvmsg(SIZE + 1, 128)
        for level, kind, value in told:
            if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
                index, local, asked = _PKTINFO4.unpack(value)
                back = (level, kind, _PKTINFO4.pack(index, local, bytes(4)))
                return data, source, back if local == asked else False
            if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
                return data, source, False if value[0] == 0xFF else (level, kind, value)
        return data, source, False


def is_unicast(address: str) -> bool:
    """Whether an address, as the kernel writes it, is one host's."""
    if ":" in address:
        return not address.startswith("ff") and address != "::"
    return 0 < int(address.partition(".")[0]) < 224


def listen(address: str, port: int) -> socket.socket:
    """A datagram socket on one address.

    Raises:
        OSError: it is taken, or not ours.
    """
    plain, _, scope = address.partition("%")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    link = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            link.bind((plain, port, 0, int(scope or 0)))
        else:
            link.bind((plain, port))
    except BaseException:
        link.close()
        raise
    return link


def read_key(path: str) -> bytes | None:
    """The key of a service that answers other machines: the bytes of a file, None without one.

    Raises:
        EnvironmentFault: others can read it, or it is too short.
    """
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            key = file.read(4096).strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EnvironmentFault(f"the key {path}: {error.strerror}") from None
    if mode & 0o077:
        raise EnvironmentFault(f"others can read the key {path}", hint=f"chmod 600 {path}")
    if len(key) < _SHORTEST_KEY:
        raise EnvironmentFault(f"the key {path} has less than {_SHORTEST_KEY} bytes")
    return key
