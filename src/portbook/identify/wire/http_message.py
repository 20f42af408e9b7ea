"""HTTP/1 responses for every judge that reads them: status line, headers, body, title, JSON.

`parse` is for judges of origin servers. It says None to what `parse_any` reads and another protocol
owns: a forward proxy's own pages (http-proxy), refusals of everything but WebSocket (websocket),
and ports of other protocols that explain themselves to browsers (mongodb, clickhouse, tor).
So a judge that uses `parse` never claims http for them. A judge of an HTTP application looks at
`page(talk)` (the answer to GET /), and asks more with `Again(get("/version"), found)`, whose answer
is `page(talk, "its own name")`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from portbook.identify.probe import Found, More, Talk
from portbook.model.record import Record

_MOST = 65536
_MOST_HEADERS = 128
_TEXT = 400
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset(b"0123456789")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_VERSION = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_+~")
_EXPLAINED = b"It looks like you are trying to access MongoDB over HTTP"
_EXPLAINED_PORT = b" is for clickhouse-client program"
_PROXIES = ("squid", "tinyproxy", "polipo", "mitmproxy", "proxy.py", "goproxy")
_NO_BODY = (204, 304)


class Response(Record):
    """One response, as far as it came.

    `version` is `1.0` or `1.1`. `headers` has lower-case names and the first value of each, `pairs`
    all of them as sent. `body` is without chunking. `headed`: the header section is whole.
    `complete`: so is the body; False where only the end of the connection can tell.
    """

    version: str
    status: int
    reason: str
    headers: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...]
    body: bytes
    complete: bool
    headed: bool

    def header(self, name: str) -> str:
        """The first value of a header (lower-case name), empty where there is none."""
        return self.headers.get(name, "")

    @property
    def line(self) -> bytes:
        """The status line, for evidence."""
        return f"HTTP/{self.version} {self.status} {self.reason}".strip().encode("latin-1")


def parse(data: bytes) -> Response | None:
    """The response of an origin server, or None: no HTTP/1, a broken header, a proxy, WebSocket."""
    response = parse_any(data)
    if response is None or is_from_proxy(response) or wants_websocket(response):
        return None
    return None if is_explained(response) else response


@lru_cache(maxsize=16)
def parse_any(data: bytes) -> Response | None:
    """The same of any server. A status line without its end is None too: it may be anything."""
    data = data[:_MOST]
    if not data.startswith((b"HTTP/1.0 ", b"HTTP/1.1 ")):
        return None
    line, end, rest = data.partition(b"\n")
    status = line[9:12]
    if not end or len(line) > _TEXT or len(status) < 3 or not _DIGITS.issuperset(status):
        return None
    if line[12:13] not in (b" ", b"\r", b"") or int(status) < 100:
        return None
    pairs, body, headed = _headers(rest)
    if pairs is None:
        return None
    headers: dict[str, str] = {}
    for name, value in pairs:
        headers.setdefault(name.lower(), value)
    reason = line[12:].decode("latin-1").strip()
    version = line[5:8].decode("ascii")
    found = Response(version, int(status), reason, headers, tuple(pairs), body, False, headed)
    return _with_body(found) if headed else found


def _headers(data: bytes) -> tuple[list[tuple[str, str]] | None, bytes, bool]:
    """The header lines, what follows them, and whether their end was seen."""
    pairs: list[tuple[str, str]] = []
    at = 0
    while len(pairs) <= _MOST_HEADERS:
        end = data.find(b"\n", at)
        if end < 0:
            return pairs, b"", False
        line = data[at:end].rstrip(b"\r")
        at = end + 1
        if not line:
            return pairs, data[at:], True
        if line[:1] in (b" ", b"\t") and pairs:
            name, value = pairs[-1]
            pairs[-1] = (name, f"{value} {line.decode('latin-1').strip()}"[:_TEXT])
            continue
        key, colon, value_bytes = line.partition(b":")
        if not colon or not key or len(key) > 80 or not _TOKEN.issuperset(key):
            return None, b"", False
        pairs.append((key.decode("ascii"), value_bytes[:_TEXT].decode("latin-1").strip()))
    return None, b"", False


def _with_body(found: Response) -> Response:
    if found.status in _NO_BODY or found.status < 200:
        return found._replace(body=b"", complete=True)
    if "chunked" in found.header("transfer-encoding").lower():
        body, complete = _unchunked(found.body)
        return found._replace(body=body, complete=complete)
    length = found.header("content-length")
    if length.isascii() and length.isdigit() and len(length) < 12:
        size = int(length)
        return found._replace(body=found.body[:size], complete=len(found.body) >= size)
    return found


def _unchunked(data: bytes) -> tuple[bytes, bool]:
    """The content of chunks (RFC 9112 section 7.1) as far as it came, and whether it is whole."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = data.find(b"\n", at, at + 200)
        size = data[at:end].split(b";", 1)[0].strip() if end >= 0 else b""
        if not size or len(size) > 7 or not _HEX.issuperset(size):
            return b"".join(parts), False
        count = int(size, 16)
        if not count:
            return b"".join(parts), True
        parts.append(data[end + 1 : end + 1 + count])
        at = end + 1 + count + (2 if data[end + 1 + count :][:1] == b"\r" else 1)


def is_from_proxy(response: Response) -> bool:
    """Whether a forward proxy speaks for itself: it was asked for a page, and has none.

    What it fetched elsewhere, and what others pass on of its headers, has another Server or a page.
    """
    headers = response.headers
    server = response.header("server").lower()
    if server.startswith(_PROXIES):
        return True
    if response.status < 400:
        return False
    if response.status == 407 and "proxy-authenticate" in headers:
        return True
    if server:
        return False
    return (
        response.status == 407
        or "x-squid-error" in headers
        or "proxy-agent" in headers
        or "(tinyproxy/" in response.header("via")
        or response.body.startswith(b"This is a proxy server.")
        or response.reason == "Invalid header received from client"
    )


def wants_websocket(response: Response) -> bool:
    """Whether it switched to WebSocket, or refuses a page because it has only that."""
    upgrade = response.header("upgrade").lower()
    if response.status == 101:
        return upgrade == "websocket"
    if response.status == 426:
        return upgrade in ("", "websocket")
    return response.status == 400 and "sec-websocket-version" in response.headers


def is_explained(response: Response) -> bool:
    """Whether a port of another protocol explains in HTTP that it is no web server."""
    if response.reason.startswith("Tor is not"):
        return True
    start = response.body[:64]
    port = start.startswith(b"Port ") and start[5:10].split(b" ")[0].isdigit()
    return start.startswith(_EXPLAINED) or (port and _EXPLAINED_PORT in start)


def title(response: Response) -> str | None:
    """The text of <title>, on one line."""
    return _titled(response.body)


@lru_cache(maxsize=16)
def _titled(body: bytes) -> str | None:
    start = body[:16384].lower().find(b"<title")
    if start < 0:
        return None
    text = body[start : start + 600].partition(b">")[2]
    return _text(text.partition(b"</")[0])


def generator(response: Response) -> str | None:
    """What a <meta name="generator"> says."""
    body = response.body[:16384]
    lowered = body.lower()
    for quote in (b'"', b"'"):
        at = lowered.find(b"name=" + quote + b"generator" + quote)
        if at < 0:
            continue
        begin, end = body.rfind(b"<", 0, at), body.find(b">", at, at + 300)
        tag = body[max(begin, at - 300, 0) : end] if end >= 0 else b""
        value = tag[tag.lower().find(b"content=") :][8:]
        if value[:1] in (b'"', b"'"):
            return _text(value[1:].partition(value[:1])[0])
    return None


def _text(data: bytes) -> str | None:
    from html import unescape

    text = " ".join(unescape(data[:_TEXT].decode("utf-8", "replace")).split())
    return text[:120] or None


@lru_cache(maxsize=16)
def _loaded(body: bytes) -> Any:
    import json

    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def json_object(response: Response) -> Mapping[str, Any]:
    """The body, where it is one JSON object; empty otherwise."""
    if response.body[:64].lstrip()[:1] != b"{":
        return {}
    value = _loaded(response.body)
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str | None:
    """A short printable string out of JSON, None for anything else."""
    return value[:80] if isinstance(value, str) and value and value.isprintable() else None


def version_of(text: str, name: str) -> str | None:
    """The version behind `name/` in the style of a Server header, without a leading v."""
    at = text.lower().find(f"{name.lower()}/")
    if at < 0:
        return None
    rest = text[at + len(name) + 1 :][:60]
    stop = next((i for i, sign in enumerate(rest) if sign not in _VERSION), len(rest))
    version = rest[:stop].removeprefix("v").rstrip(".-_+~")
    return version if version[:1].isdigit() else None


def upstream(text: Any) -> str | None:
    """A version as its makers write it: no leading v, nothing that a distribution added."""
    if not isinstance(text, str):
        return None
    version = version_of(f"x/{text.strip()[:60]}", "x") or ""
    return version.partition("+")[0].partition("~")[0] or None


def get(path: str) -> bytes:
    """A request for a page, as in the opener of http."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: portbook\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


def page(talk: Talk, opener: str = "http") -> Response | None:
    """What an origin server answered to that probe's request; None for any other conversation."""
    if talk.transport != "tcp" or len(talk.turns) != 1 or talk.opener != opener:
        return None
    return parse(talk.first)


def once_whole(talk: Talk, response: Response, found: Found) -> Found | More:
    """The word for now, or the last one where the whole response is there."""
    return found if response.complete or talk.ended else More(found)
