"""Answers to requests: pages and documents with their ETag, and plain errors."""

import gzip
import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portbook.model import document
from portbook.pages.asked import field_of, language_of, place_of, site_of
from portbook.pages.book import book
from portbook.pages.guard import refusal_document
from portbook.pages.words import Words, words

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

HTML = "text/html; charset=utf-8"
JSON = "application/json"
_COMPRESSED_FROM = 800  # bytes; less fits one packet either way
_LEVEL = 4  # 9 KB in 0.1 ms; level 9 saves 3 % more and takes twice as long (measured)
_AT_ONCE = 128 << 10  # bytes; so much takes 2.5 ms
_PRIVATE = "no-store"
_REVALIDATE = "no-cache"  # keep it, but ask whether it is still so: that costs a 304


class Refused(HTTPException):
    """A request that cannot be answered: `status` (an HTTP status code), and a sentence in English.

    `message` is a message of the catalogues with `%(name)s` for `values`; it is said in the
    language of the request. `hint` is a second sentence, `suggestions` are addresses without
    language with what to call them.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        hint: str = "",
        suggestions: tuple[tuple[str, str], ...] = (),
        headers: dict[str, str] | None = None,
        **values: object,
    ) -> None:
        super().__init__(status, message, headers)
        self.message = message
        self.hint = hint
        self.suggestions = suggestions
        self.values = values


def words_of(request: Request) -> Words:
    """The words of the language that was asked for."""
    return words(language_of(request.scope, field_of(request.scope, b"accept-language")))


def page(request: Request, template: str, /, *, status: int = 200, **facts: object) -> Response:
    """One page in the language that was asked for."""
    body = rendered(request, template, **facts)
    return shown(request, body, status=status, private=place_of(request).known)


def rendered(request: Request, template: str, /, **facts: object) -> bytes:
    """The page itself, for who keeps it; it differs by language, base and path."""
    return book(words_of(request).language).render(template, place_of(request), **facts)


def shown(request: Request, body: bytes, *, status: int = 200, private: bool) -> Response:
    """A page that is there already."""
    headers = {
        "content-language": words_of(request).language,
        "vary": "Accept-Language, Cookie",
    }
    return tagged(request, body, HTML, status=status, private=private, headers=headers)


def data(
    request: Request, name: str, body: object, *, status: int = 200, private: bool = False
) -> Response:
    """The document `portbook/<name>/1`, as the command line prints it."""
    return written(request, coded(name, body), status=status, private=private)


def coded(name: str, body: object) -> bytes:
    """The document as JSON in UTF-8."""
    text = json.dumps(document(name, body), ensure_ascii=False, indent=2) + "\n"
    return text.encode("utf-8", "replace")


def written(request: Request, body: bytes, *, status: int = 200, private: bool = False) -> Response:
    """A document that is there already."""
    headers = {"vary": "Cookie, Authorization"}
    return tagged(request, body, JSON, status=status, private=private, headers=headers)


def tagged(
    request: Request,
    body: bytes,
    kind: str,
    *,
    status: int = 200,
    private: bool = False,
    headers: dict[str, str] | None = None,
) -> Response:
    """`body` with its ETag, or 304 for who has it already (RFC 9110 section 13.1.2).

    The tag is weak, because the same page may travel compressed.
    """
    told = dict(headers or {})
    told["cache-control"] = _PRIVATE if private else _REVALIDATE
    told["vary"] = f"{told['vary']}, Accept-Encoding" if "vary" in told else "Accept-Encoding"
    if status == HTTPStatus.OK:
        tag = told["etag"] = tag_of(body)
        if is_known(field_of(request.scope, b"if-none-match"), tag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=told)
    return Answer(body, status, told, kind)


class Answer(Response):
    """A body that travels compressed to who takes that."""

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Send it; what is large is compressed in a thread."""
        taken = field_of(scope, b"accept-encoding")
        if taken is not None and "gzip" in taken and len(self.body) >= _COMPRESSED_FROM:
            whole = bytes(self.body)
            if len(whole) < _AT_ONCE:
                self.body = _packed(whole)
            else:
                self.body = await run_in_threadpool(_packed, whole)
            kept = [each for each in self.raw_headers if each[0] != b"content-length"]
            length = str(len(self.body)).encode()
            self.raw_headers = [
                *kept,
                (b"content-encoding", b"gzip"),
                (b"content-length", length),
            ]
        await super().__call__(scope, receive, send)


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)


def tag_of(body: bytes) -> str:
    """The weak ETag of a body."""
    return f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def is_known(known: str | None, tag: str) -> bool:
    """Whether an If-None-Match header has the tag, in the weak comparison of RFC 9110."""
    if known is None:
        return False
    bare = tag.removeprefix("W/")
    return any(each.strip().removeprefix("W/") in (bare, "*") for each in known.split(","))


def moved(request: Request, path: str, *, status: int = HTTPStatus.FOUND) -> Response:
    """A redirect inside of the book; `path` is an address without language."""
    base = place_of(request).base
    # All slashes: `//evil.example` would be another server.
    return RedirectResponse(f"{base}{path.lstrip('/')}", status)


async def refused(request: Request, error: Exception) -> Response:
    """A plain page for what cannot be answered; for a JSON twin a JSON error."""
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    spoken = words_of(request)
    if isinstance(error, Refused):
        sentence = spoken.text(error.message, **error.values)
        hint = spoken.text(error.hint) if error.hint else ""
        suggestions = error.suggestions
    else:
        sentence, hint, suggestions = _usual(spoken, status), "", ()
    if wants_json(request):
        body = refusal_document(status, sentence, hint)
        response = tagged(request, body, JSON, status=status, private=True)
    else:
        response = page(
            request,
            "error.html",
            status=status,
            code=int(status),
            sentence=sentence,
            hint=hint,
            suggestions=suggestions,
        )
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def wants_json(request: Request) -> bool:
    """Whether a JSON twin was asked for."""
    return request.scope["path"].endswith(".json") or (
        request.headers.get("content-type", "").startswith(JSON)
    )


def _usual(spoken: Words, status: HTTPStatus) -> str:
    """A sentence for an error that no view has raised itself."""
    if status == HTTPStatus.NOT_FOUND:
        return spoken.text("There is no such page in this book.")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return spoken.text("This address does not take such a request.")
    return spoken.text("This request cannot be answered.")


def require_token(request: Request) -> None:
    """Refuse who has not shown the token.

    Raises:
        Refused: 401, with the way to get in.
    """
    if not place_of(request).known:
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            "This is only for who has the token of this server.",
            hint="Open the book with the command: portbook open",
            suggestions=(("/enter", words_of(request).text("Enter")),),
            headers={"www-authenticate": 'Bearer realm="portbook"'},
        )


__all__ = [
    "Refused",
    "coded",
    "data",
    "is_known",
    "moved",
    "page",
    "refused",
    "rendered",
    "require_token",
    "shown",
    "site_of",
    "tag_of",
    "tagged",
    "wants_json",
    "words_of",
    "written",
]
