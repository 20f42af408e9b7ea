"""What a request must be before a view sees it, and the headers of every response.

Defends a service on loopback against the pages of other sites that the same browser has open: DNS
rebinding (Host), cross-site requests (Origin, Sec-Fetch-Site; W3C Fetch Metadata), framing, and
injected scripts (Content-Security-Policy). The order of the checks is part of the contract.
"""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from portbook.pages.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = Iterable[tuple[bytes, bytes]]
Server = tuple[str, int | None] | None

LONGEST_TARGET = 2048
"""Bytes of a path with its query; the longest that the book itself makes has about 150."""

POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    # Not no-referrer: then a plain form would be posted with `Origin: null`.
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_SAFE = ("GET", "HEAD")
_FORMS = ("/feedback", "/enter", "/leave")
"""What a plain HTML form may be posted to, without JavaScript."""

_JSON = b"application/json"
_FORM = b"application/x-www-form-urlencoded"


class Senders:
    """Who may send a request at all: what Host, Origin and Sec-Fetch-Site say of it.

    `names` are the values of Host that are meant for us.
    """

    def __init__(self, settings: Settings) -> None:
        self._names = {name.encode() for name in settings.names}
        self._scheme = b"https" if settings.secure else b"http"

    def refusal(
        self, headers: Headers, server: Server, *, visit: bool = False
    ) -> tuple[HTTPStatus, str] | None:
        """Why a request is not taken; None where it is.

        Args:
            headers: names in lower case, and values.
            server: the address and port that the connection arrived on, None on a Unix socket.
            visit: one that follows a link from another site is taken.
        """
        hosts = _values(headers, b"host")
        if len(hosts) != 1 or (hosts[0] not in self._names and hosts[0] != arrived_at(server)):
            return HTTPStatus.MISDIRECTED_REQUEST, "This server does not answer under that name."
        origins = _values(headers, b"origin")
        if origins and (len(origins) > 1 or not self._is_own(origins[0], hosts[0], server)):
            return HTTPStatus.FORBIDDEN, "Another site sent this request."
        if any(
            site not in (b"same-origin", b"none") for site in _values(headers, b"sec-fetch-site")
        ) and not (visit and _is_visit(headers)):
            return HTTPStatus.FORBIDDEN, "Another site sent this request."
        return None

    def _is_own(self, origin: bytes, host: bytes, server: Server) -> bool:
        """Whether a page of ours sent it. A name may be that of a proxy that speaks TLS for us."""
        scheme, _, sender = origin.partition(b"://")
        if sender != host:
            return False
        return scheme == self._scheme or (scheme == b"https" and not _is_loopback(host, server))


class Guard:
    """The checks, outermost but for the count of requests.

    A refusal is one line of plain text, for a JSON twin the error that its views give.
    """

    def __init__(self, app: "ASGIApp", settings: Settings) -> None:
        self._app = app
        self._senders = Senders(settings)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Refuse the request or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        why = self._refusal(scope)

        async def answer(message: "Message") -> None:
            if message["type"] == "http.response.start":
                told = message["headers"] = list(message.get("headers", ()))
                present = {name for name, _ in told}
                told += [each for each in HEADERS if each[0] not in present]
            await send(message)

        if why is None:
            await self._app(scope, receive, answer)
            return
        status, sentence = why
        if scope["path"].endswith(".json"):
            kind, body = _JSON, refusal_document(status, sentence)
        else:
            kind, body = b"text/plain; charset=utf-8", f"{sentence}\n".encode()
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append((b"allow", b"GET, HEAD, POST"))
        await answer({"type": "http.response.start", "status": int(status), "headers": headers})
        await answer({"type": "http.response.body", "body": body})

    def _refusal(self, scope: "Scope") -> tuple[HTTPStatus, str] | None:
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_TARGET:
            said = f"An address has at most {LONGEST_TARGET} bytes."
            return HTTPStatus.REQUEST_URI_TOO_LONG, said
        headers = scope["headers"]
        method = scope["method"]
        why = self._senders.refusal(headers, scope.get("server"), visit=method in _SAFE)
        if why is not None:
            return why
        if method in _SAFE:
            return None
        if method != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED, "Only GET, HEAD and POST are answered here."
        kind = b"".join(_values(headers, b"content-type")).partition(b";")[0].strip().lower()
        if kind != _JSON and not (kind == _FORM and _without_language(scope["path"]) in _FORMS):
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send it as application/json."
        return None


def refusal_document(status: HTTPStatus, sentence: str, hint: str = "") -> bytes:
    """What a JSON twin answers in place of its document, in UTF-8."""
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    told = {"code": code, "message": sentence}
    if hint:
        told["hint"] = hint
    return json.dumps({"error": told}, ensure_ascii=False).encode("utf-8", "replace")


def arrived_at(server: Server) -> bytes:
    """The address that a connection arrived on, as a Host header names it.

    It may be asked for where we listen on every address: no name can be pointed at it, so there
    is nothing to rebind. On a Unix socket, which no browser reaches, that is `localhost`.
    """
    if server is None or server[1] is None:
        return b"localhost"
    address, port = server
    address = address.removeprefix("::ffff:")
    return (f"[{address}]:{port}" if ":" in address else f"{address}:{port}").lower().encode()


def _is_loopback(host: bytes, server: Server) -> bool:
    return host.startswith((b"127.", b"[::1]", b"localhost")) or host == arrived_at(server)


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value.lower() for known, value in headers if known == name]


def _is_visit(headers: Headers) -> bool:
    """Whether somebody followed a link from another site: no frame, no script, no image.

    What such a visit shows is public: the session's cookie is SameSite=Strict and stays away.
    """
    return _values(headers, b"sec-fetch-mode") == [b"navigate"] and _values(
        headers, b"sec-fetch-dest"
    ) == [b"document"]


def _without_language(path: str) -> str:
    """`/feedback` of `/nl/feedback`."""
    for form in _FORMS:
        if path.endswith(form) and path.count("/") <= 2:
            return form
    return path
