"""Between a connection and the desk of the claims: who may ask, and answers as HTTP.

The rules are those of the guard, stricter where state changes: no form, no cookie, no link from
another site; and every refusal is JSON. What the header says is judged once for headers that are
the same byte for byte, which those of one client are.
"""

import json
import os
import socket
import struct
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from portbook.claims.routes import Asked, Reply, is_ours
from portbook.model.claim import Caller
from portbook.model.record import Record
from portbook.pages.guard import HEADERS, LONGEST_TARGET, Senders, Server

if TYPE_CHECKING:
    from portbook.claims.desk import Cancel, Desk
    from portbook.pages.metrics import Metrics
    from portbook.pages.settings import Settings
    from portbook.pages.tokens import Tokens

_CREDENTIALS = struct.Struct("3i")
_SAFE = ("GET", "HEAD")
_BODIES = ("POST", "PUT")
_RELAYED = frozenset((b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip", b"cookie", b"origin"))
"""What a request has that somebody passed on for another: then the peer is not who asks."""
_TYPE = b"application/json"
_TO_ENTER = b'www-authenticate: Bearer realm="portbook"\r\n'
Fields = list[tuple[bytes, bytes]]


class Head(Record):
    """What a header says of its request, whatever the method.

    `length` is that of the body. `refused` are a status and a sentence. `lasting`: the same bytes
    would say the same again, and the connection goes on.
    """

    length: int
    refused: tuple[int, str] | None
    is_json: bool
    has_token: bool
    has_session: bool
    relayed: bool
    streams: bool
    lasting: bool


class Front:
    """The way to one desk. `uid` is the owner of the token's file."""

    def __init__(
        self, desk: "Desk", settings: "Settings", tokens: "Tokens", metrics: "Metrics"
    ) -> None:
        self.desk = desk
        self.uid = os.geteuid()
        self._senders = Senders(settings)
        self._tokens = tokens
        self._metrics = metrics
        self._plain: object = None
        self._starts: dict[int, bytes] = {}

    def head(self, fields: Fields, server: Server) -> Head:
        """Judge a header; names are in lower case."""
        length, kind, token, session, streams = 0, [], False, False, False
        plain = True
        for name, value in fields:
            if name == b"content-length":
                length = int(value) if value.isdigit() else 0
            elif name == b"content-type":
                kind.append(value)
            elif name == b"authorization":
                token = token or self._tokens.is_bearer(value)
            elif name == b"accept":
                streams = streams or b"text/event-stream" in value
            elif name in (b"transfer-encoding", b"expect", b"upgrade", b"cookie") or (
                name == b"connection" and value.lower() != b"keep-alive"
            ):
                plain = False
            if name == b"cookie":
                session = session or self._tokens.in_session(value)
        why = self._senders.refusal(fields, server)
        lasting = plain and sum(name == b"content-length" for name, _ in fields) <= 1
        mime = kind[0].partition(b";")[0].strip().lower() if len(kind) == 1 else b""
        refused = (int(why[0]), why[1]) if why else None
        relayed = is_relayed(fields)
        return Head(length, refused, mime == _TYPE, token, session, relayed, streams, lasting)

    def is_ours(self, target: bytes, head: Head) -> bool:
        """Whether the desk answers; a stream of events is not its own."""
        path = target.partition(b"?")[0].decode("latin-1")
        return is_ours(path) and not (head.streams and path == "/v1/events")

    def take(
        self,
        method: str,
        target: bytes,
        head: Head,
        body: bytes,
        peer: Caller | None,
        answer: Callable[[Reply], None],
    ) -> "Cancel | None":
        """Hand a request to the desk, or refuse it; `answer` is called once, now or later.

        `peer` is who is at the other end of a Unix socket.
        """
        why = self._refusal(method, target, head, body)
        if why is not None:
            answer(_refused(*why))
            return None
        asker, admitted = Caller(self.uid), head.has_token
        if peer is not None and not head.relayed:
            asker, admitted = peer, True
        elif head.has_session and method in _SAFE:
            # Browsers send a cookie to every port of this host; it opens no way to change anything.
            admitted = True
        path, _, query = target.decode("latin-1").partition("?")
        asked = Asked(method, path, query, body, asker, admitted, asker is peer)
        try:
            return self.desk.handle(asked, answer)
        except Exception as error:  # noqa: BLE001 - a fault of ours is told, and ends nothing
            _complain(error)
            answer(_refused(500, "fault", "a fault in portbook itself"))
            return None

    def _refusal(
        self, method: str, target: bytes, head: Head, body: bytes
    ) -> tuple[int, str, str] | None:
        if len(target) > LONGEST_TARGET:
            return 414, "invalid", f"An address has at most {LONGEST_TARGET} bytes."
        if head.refused is not None:
            return head.refused[0], "denied", head.refused[1]
        if not head.is_json and (method in _BODIES or (body and method not in _SAFE)):
            return 415, "invalid", "Send it as application/json."
        return None

    def message(
        self, reply: Reply, plain: Iterable[tuple[bytes, bytes]], method: str, *, last: bool
    ) -> bytes:
        """A reply as HTTP/1.1; `plain` are uvicorn's header fields, a new list every second.

        `last`: the connection ends with it.
        """
        if plain is not self._plain:
            self._plain = plain
            self._starts = {}
        start = self._starts.get(reply.status)
        if start is None:
            start = self._starts[reply.status] = _start(reply.status, plain)
        allow = b"allow: %b\r\n" % reply.allow.encode() if reply.allow else b""
        if last:
            allow += b"connection: close\r\n"
        body = b"" if method == "HEAD" else reply.body
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (start, allow, len(reply.body), body)

    def count(self, status: int, seconds: float) -> None:
        """A response was sent."""
        self._metrics.count("claims", "", status, seconds)


def is_relayed(fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether somebody passed a request on for another; names are in lower case."""
    return any(name in _RELAYED or name.startswith(b"sec-fetch-") for name, _ in fields)


def peer_of(link: Any) -> Caller | None:
    """Who is at the other end of a Unix socket; None on any other.

    A PID of 0 is that of a process that cannot be seen from here.
    """
    if link is None or link.family != socket.AF_UNIX:
        return None
    told = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(told)
    return Caller(uid, pid or None)


def _start(status: int, plain: Iterable[tuple[bytes, bytes]]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()]
    fields = (
        *plain,
        (b"content-type", _TYPE),
        (b"cache-control", b"no-store"),
        *(each for each in HEADERS if each[0] in _KEPT),
    )
    lines += [b"%b: %b\r\n" % each for each in fields]
    if status == HTTPStatus.UNAUTHORIZED:
        lines.append(_TO_ENTER)
    return b"".join(lines)


_KEPT = (
    b"content-security-policy",
    b"x-content-type-options",
    b"cross-origin-resource-policy",
)
"""The guard's headers that mean something for JSON."""


def _refused(status: int, code: str, message: str) -> Reply:
    error = {"error": {"code": code, "message": message}}
    return Reply(status, json.dumps(error, separators=(",", ":")).encode())


def _complain(error: Exception) -> None:
    import logging

    logging.getLogger("uvicorn.error").error("a request for a claim failed", exc_info=error)


def send_with(link: Any, data: bytes, fd: int) -> int:
    """Send a descriptor with the first byte; how many bytes went. The descriptor is closed.

    Raises:
        OSError: nothing was sent.
    """
    try:
        with socket.socket(fileno=os.dup(link.fileno())) as copy:
            return socket.send_fds(copy, [data], [fd])
    finally:
        os.close(fd)
