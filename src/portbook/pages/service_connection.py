"""Connections that hand requests for claims to the desk, and all others to the application.

A request that is whole goes to the desk without the application's ceremony. A header that came
before on the same connection, byte for byte, is not parsed again: only the request line is, and
what is unusual in any way goes the long way through the parser.
"""

import re
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from portbook.pages.connection import BODY, BUSY, CLOSING, FIRST, HEAD, IDLE, Connection
from portbook.pages.front import peer_of, send_with

if TYPE_CHECKING:
    import asyncio

    from portbook.claims.routes import Reply
    from portbook.pages.front import Front, Head

_LINE = re.compile(rb"(GET|POST|PUT|DELETE) (/v1/[A-Za-z0-9/_.~%?&=:+,@-]*) HTTP/1\.1")
_MOST_KNOWN = 16
_AT_ONCE = 16 << 10
"""Bytes of one read."""
_Whole = tuple[str, bytes, "Head", bytes, bool]
"""Method, target, header, body, and whether the connection goes on after it."""


class ServiceConnection(Connection):
    """A connection of the book's server that knows the desk's front."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._front: Front | None = self.crowd.front
        self._peer: Any = None
        self._known: dict[bytes, Head] = {}
        self._line: deque[_Whole] = deque()
        self._head: Head | None = None  # of the request that is being read, if it is the desk's
        self._reading_body = False
        self._learned: bytes | None = None
        self._at_work = 0  # counts requests at the desk; 0 between them
        self._number = 0
        self._began = 0.0
        self._lasts = True
        self._method = ""
        self._cancel: Callable[[], None] | None = None

    def connection_made(self, transport: "asyncio.Transport") -> None:  # type: ignore[override]
        """Learn who is there, if the kernel tells."""
        super().connection_made(transport)
        if hasattr(transport, "max_size"):
            # asyncio makes room for 256 KiB at every read, and gives it back: 5 us (measured).
            transport.max_size = _AT_ONCE
        self._peer = peer_of(transport.get_extra_info("socket"))
        if self._peer is not None:
            self.is_local = True
            self.app_state = {**self.app_state, "peer": self._peer}

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever hangs up waits no more."""
        self._leave()
        super().connection_lost(exc)

    def _leave(self) -> None:
        self._at_work = 0
        self._line.clear()
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that waits for its turn and says goodbye has gone; another gets its answer."""
        if not self._at_work:
            if self._state == BUSY and self.cycle.scope["path"].endswith("/v1/events"):
                # A stream has no end to wait for.
                return False
            return super().eof_received()
        if self._cancel is not None or not self.transport.can_write_eof():
            self._leave()
            return False
        self._deaf = True
        self._lasts = False
        self._line.clear()
        return True

    def shutdown(self) -> None:
        """The server ends: what is at the desk is answered first."""
        if self._at_work:
            self._lasts = False
            self._line.clear()
        else:
            super().shutdown()

    def _last(self) -> None:
        if self._at_work:
            self._deaf = True
        else:
            super()._last()

    # Reading

    def data_received(self, data: bytes) -> None:
        """Hand a request that is whole and has a known header to the desk; parse all others."""
        front = self._front
        if front is None or self._deaf or self._state not in (FIRST, IDLE):
            super().data_received(data)
            return
        line, _, rest = data.partition(b"\r\n")
        found = _LINE.fullmatch(line)
        end = rest.find(b"\r\n\r\n")
        if found is None or end < 0:
            super().data_received(data)
            return
        fields = rest[: end + 2]
        head = self._known.get(fields)
        if (
            head is not None
            and len(rest) == end + 4 + head.length
            and front.is_ours(found[2], head)
        ):
            self._state = BUSY
            self.crowd.quiet.pop(self, None)
            self._ask((found[1].decode(), found[2], head, rest[end + 4 :], True))
            return
        if head is None and fields.count(b"\n") == fields.count(b"\r\n") == fields.count(b"\r"):
            self._learned = fields
        super().data_received(data)
        self._learned = None

    def on_headers_complete(self) -> None:
        """The header is whole: is it for the desk?"""
        front = self._front
        self._head = None
        self._reading_body = True
        if front is not None and self.url.startswith(b"/v1/"):
            head = front.head(self.headers, self.server)
            if front.is_ours(self.url, head):
                self._head = head
        if self._head is None:
            if self._at_work:
                self._stop_quietly()
            super().on_headers_complete()
            return
        if self._state == BUSY:
            if not self._at_work or len(self._line) >= self.crowd.limits.pipelined:
                # Not before the pages have answered, and not without bounds: it asks again.
                self._stop_quietly()
            self._check_head()
            return
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        head, self._head = self._head, None
        self._reading_body = False
        if head is None:
            super().on_message_complete()
            return
        self._begun = False
        self._received = 0
        lasts = self.parser.should_keep_alive() and self.parser.get_http_version() == "1.1"
        method = self.parser.get_method().decode("ascii", "replace")
        fields, self._learned = self._learned, None
        if (
            fields is not None
            and lasts
            and head.lasting
            and head.length == len(self._body)
            and fields.count(b"\n") == len(self.headers)
        ):
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[fields] = head
        whole = (method, self.url, head, bytes(self._body), lasts)
        if self._state == BUSY:
            self._line.append(whole)
            return
        self._state = BUSY
        self.crowd.quiet.pop(self, None)
        self._ask(whole)

    # Answering

    def _ask(self, whole: _Whole) -> None:
        front = self._front
        if front is None:
            return
        method, target, head, body, self._lasts = whole
        self._method = method
        self._number += 1
        number = self._at_work = self._number
        self._began = self.loop.time()
        cancel = front.take(method, target, head, body, self._peer, partial(self._answer, number))
        if self._at_work == number:
            self._cancel = cancel

    def _answer(self, number: int, reply: "Reply") -> None:
        front = self._front
        if front is None or self._at_work != number or self.transport.is_closing():
            if reply.fd is not None:
                import os

                os.close(reply.fd)
            return
        self._at_work = 0
        self._cancel = None
        last = self._deaf or not self._lasts
        if last and self._line and not self._deaf:
            self._line.clear()
        data = front.message(
            reply, self.server_state.default_headers, self._method, last=last and not self._line
        )
        if reply.fd is None:
            self.transport.write(data)
        else:
            self._send_with(data, reply.fd)
        self.server_state.total_requests += 1
        now = self.loop.time()
        front.count(reply.status, now - self._began)
        if self._line:
            self.loop.call_soon(self._next)
        elif last:
            self._state, self._since = CLOSING, now
            self.transport.close()
        else:
            self._since = now
            if not self._begun:
                self._state = IDLE
            else:
                self._state = BODY if self._reading_body else HEAD
            self.crowd.quiet[self] = None

    def _next(self) -> None:
        if self._line and not self._at_work and not self.transport.is_closing():
            self._ask(self._line.popleft())

    def _send_with(self, data: bytes, fd: int) -> None:
        """The descriptor goes with the first byte, so nothing may be waiting to be sent."""
        if self.transport.get_write_buffer_size():
            import os

            os.close(fd)
            self.transport.abort()
            return
        try:
            sent = send_with(self.transport.get_extra_info("socket"), data, fd)
        except OSError:
            self.transport.abort()
            return
        if sent < len(data):
            self.transport.write(data[sent:])

    # A client that takes no answers is not read from.

    def pause_writing(self) -> None:
        """Enough waits to be sent."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """It was taken."""
        super().resume_writing()
        self.flow.resume_reading()
