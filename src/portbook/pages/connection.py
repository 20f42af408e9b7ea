"""HTTP/1.1 connections with limits, so that no client can hold the server up.

uvicorn's protocol has no deadline for a request, no bound for its head or body, and as many
connections as the system gives. Here a request is whole before the application sees it, so what a
slow client costs is a socket and a few bytes. Deadlines are looked at once a second, for all
connections together: a timer for each would cost a tenth of the throughput (measured).
"""

import asyncio
import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portbook.model.record import Record

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from portbook.pages.front import Front


class Limits(Record):
    """What a client may take: seconds, bytes and numbers.

    `head` and `body`: for each of the two to arrive whole. `idle`: between two requests. `stall`:
    without any progress in taking a response. `linger`: for a client that was refused to hear it.
    `head_bytes` and `head_fields` bound the request line and its header, `body_bytes` what
    follows; `connections` how many there are, `pipelined` how many requests wait in one of them.
    """

    head: float = 5.0
    body: float = 10.0
    idle: float = 60.0
    stall: float = 20.0
    linger: float = 2.0
    head_bytes: int = 16 << 10
    head_fields: int = 100
    body_bytes: int = 64 << 10
    connections: int = 4096
    pipelined: int = 8


FIRST, HEAD, BODY, BUSY, IDLE, CLOSING = range(6)
"""What is waited for: a first byte, the rest of a head, of a body, our response, the next request,
the client's goodbye."""

_TOLD = 32
"""Connections beyond the limit that are told that there are too many."""

SAFE = ("GET", "HEAD", "OPTIONS")
_WATCHED = frozenset((b"content-length", b"transfer-encoding", b"expect"))
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SENTENCES = {
    HTTPStatus.BAD_REQUEST: "This is no HTTP request that can be understood.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body of the request is too long.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The head of the request is too long.",
    HTTPStatus.NOT_IMPLEMENTED: "A body is sent with its Content-Length, in one piece.",
    HTTPStatus.SERVICE_UNAVAILABLE: "There are too many connections.",
}


class Crowd:
    """All open connections of one server.

    `quiet` are those without a request at work, the longest quiet one first. `refused` counts
    what was answered here by status, `evicted` connections that had to make room.
    """

    def __init__(
        self, limits: Limits | None = None, kind: type["Connection"] | None = None
    ) -> None:
        self.limits = limits or Limits()
        self._kind = kind or Connection
        self.open: set[Any] = set()
        self.quiet: dict[Connection, None] = {}
        self.refused: dict[int, int] = {}
        self.evicted = 0
        self.front: Front | None = None

    def protocol(self) -> type["Connection"]:
        """The class of its connections, for uvicorn.Config(http=...)."""
        return type("CrowdConnection", (self._kind,), {"crowd": self})

    def enter(self, newcomer: "Connection") -> None:
        """Make room for one more: the longest quiet one goes. With none quiet, the newcomer."""
        if len(self.open) > self.limits.connections:
            longest = next((each for each in self.quiet if not each.is_local), None)
            if longest is None:
                self._turn_away(newcomer)
                return
            del self.quiet[longest]
            self.evicted += 1
            longest.transport.abort()
        self.quiet[newcomer] = None

    def _turn_away(self, newcomer: "Connection") -> None:
        """Say so to the first few; to the others it would take sockets that are not there."""
        if len(self.open) > self.limits.connections + _TOLD:
            newcomer.transport.abort()
        else:
            newcomer.refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def sweep(self, now: float) -> None:
        """Let go of whoever has used up its time; `now` is the loop's."""
        for each in list(self.open):
            each.inspect(now)

    async def keep_sweeping(self) -> None:
        """Sweep once a second, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            self.sweep(loop.time())


class _Refused(Exception):
    """Ends parsing: what follows is not read."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection with the limits of its crowd."""

    crowd: ClassVar[Crowd]
    is_local = False
    """Whether it is one of a Unix socket: it makes room for nobody."""

    def __init__(
        self,
        config: "Config",
        server_state: "ServerState",
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.crowd.open = server_state.connections
        self._state = FIRST
        self._since = 0.0
        self._received = 0  # bytes that may belong to the head that is being read
        self._begun = False  # a request has begun and is not whole
        self._body: bytes | bytearray = b""
        self._refusal = HTTPStatus.BAD_REQUEST
        self._deaf = False
        self._unsent = 0

    # uvicorn says Transport where asyncio says BaseTransport.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Enter the crowd."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self.crowd.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the crowd."""
        self.crowd.quiet.pop(self, None)
        super().connection_lost(exc)

    # uvicorn says that it returns nothing; asyncio reads True as "keep it open".
    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that has said all may still wait for its answer; TLS knows no half-closed."""
        if self._state != BUSY or not self.transport.can_write_eof():
            return False
        self._last()
        return True

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse what it does not understand, or what is too much."""
        if self._deaf:
            return
        if self._state in (FIRST, IDLE):
            self._state, self._since, self._received = HEAD, self.loop.time(), len(data)
        elif self._state != BODY:
            self._received += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # It is answered as a plain request; what follows may be in another protocol.
            self.refuse(HTTPStatus.BAD_REQUEST)
        except httptools.HttpParserError:
            self.refuse(self._refusal)
        else:
            if self._received > self.crowd.limits.head_bytes and self._state != BODY:
                self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    # What the parser calls, in this order. An exception here ends in data_received.

    def on_message_begin(self) -> None:
        """A new request; the one before may still be at work."""
        super().on_message_begin()
        self._begun = True
        self._body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field."""
        name = name.lower()
        self.headers.append((name, value))
        if name in _WATCHED:
            self._watch(name, value)

    def _watch(self, name: bytes, value: bytes) -> None:
        if name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif name == b"transfer-encoding":
            # Two ways to say where a body ends are the root of request smuggling (RFC 9112
            # section 11.2); browsers and curl send a length.
            self._stop(HTTPStatus.NOT_IMPLEMENTED)
        elif value.isdigit() and (len(value) > 9 or int(value) > self.crowd.limits.body_bytes):
            self._stop(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def _stop_quietly(self) -> None:
        """What comes now is not read; what is at work is answered."""
        raise _Refused

    def _stop(self, status: HTTPStatus) -> None:
        self._refusal = status
        raise _Refused

    def on_headers_complete(self) -> None:
        """The head is whole. The application gets the request when the body is, too."""
        self._check_head()
        if self._state == BUSY:
            safe = self.parser.get_method().decode() in SAFE
            if not safe or self.cycle.scope["method"] not in SAFE:
                # Not to be done before its forerunner was answered: the client asks again.
                raise _Refused
            if len(self.pipeline) >= self.crowd.limits.pipelined:
                raise _Refused
            return
        self._state, self._since = BODY, self.loop.time()
        if self.expect_100_continue:
            self.expect_100_continue = False
            self.transport.write(_CONTINUE)

    def _check_head(self) -> None:
        """Stop where a head is too much, or for somebody else."""
        limits, headers = self.crowd.limits, self.headers
        if self.url[:1] != b"/":
            # We are no proxy, and no name but that of the Host field is looked at.
            self._stop(HTTPStatus.BAD_REQUEST)
        if len(headers) > limits.head_fields or (
            self._received > limits.head_bytes
            and len(self.url) + sum(len(each[0]) + len(each[1]) + 4 for each in headers)
            > limits.head_bytes
        ):
            self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_body(self, body: bytes) -> None:
        """Part of a body; the parser gives no more than Content-Length, which was checked."""
        if self._body:
            self._body += body
        else:
            self._body = bytearray(body)

    def on_message_complete(self) -> None:
        """The request is whole: now the application is asked."""
        self._begun = False
        self._received = 0
        self._state = BUSY
        self.crowd.quiet.pop(self, None)
        super().on_headers_complete()
        if self._body:
            super().on_body(bytes(self._body))
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The response is written; the next request may be here already."""
        if self.pipeline and not self.transport.is_closing():
            super().on_response_complete()
            return
        # What uvicorn does without its timer for each idle connection: see `inspect`.
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._state, self._since = CLOSING, self.loop.time()
            return
        self.flow.resume_reading()
        self._state = HEAD if self._begun else IDLE
        self._since = self.loop.time()
        self.crowd.quiet[self] = None

    # Endings.

    def inspect(self, now: float) -> None:
        """Close the connection if the time for what it waits for is over."""
        limits, waited = self.crowd.limits, now - self._since
        if self._state == BUSY or self.transport.get_write_buffer_size():
            self._look_for_stall(now)
        elif self._state == FIRST:
            if waited > limits.head:
                self._close()
        elif self._state == HEAD:
            if waited > limits.head:
                self.refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif self._state == BODY:
            if waited > limits.body:
                self.refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif self._state == IDLE:
            if waited > limits.idle:
                self._close()
        elif waited > limits.linger:
            self.transport.abort()

    def _look_for_stall(self, now: float) -> None:
        """A client that takes nothing of its response keeps it in memory: not for ever."""
        unsent = self.transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self._since = unsent, now
        elif unsent and now - self._since > self.crowd.limits.stall:
            self.transport.abort()

    def refuse(self, status: HTTPStatus) -> None:
        """Answer with a status and one sentence, and close; a response at work is finished first.

        Our side is closed at once. Theirs is read and thrown away for a moment: a socket that is
        closed with unread bytes sends a reset, and the answer is lost (RFC 9112 section 9.6).
        """
        self._deaf = True
        if self._state == BUSY:
            self._last()
            return
        self.crowd.refused[status] = self.crowd.refused.get(status, 0) + 1
        self._state, self._since = CLOSING, self.loop.time()
        body = f"{_SENTENCES[status]}\n".encode()
        lines = [f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()]
        for name, value in self.server_state.default_headers:
            lines += (name, b": ", value, b"\r\n")
        lines += (
            b"content-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n",
            b"cache-control: no-store\r\nconnection: close\r\n",
            b"content-length: %d\r\n\r\n" % len(body),
            body,
        )
        self.transport.write(b"".join(lines))
        if self.transport.can_write_eof():
            # A peer that vanished without a word answers the write with a reset, at once.
            with contextlib.suppress(OSError):
                self.transport.write_eof()
        else:
            self.transport.close()

    def _last(self) -> None:
        """Whatever comes behind the request at work is not read."""
        self._deaf = True
        self.cycle.keep_alive = False

    def _close(self) -> None:
        self._state, self._since = CLOSING, self.loop.time()
        self.transport.close()
