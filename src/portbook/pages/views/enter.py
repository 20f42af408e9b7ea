"""Getting in: a browser gets a session for a one-time code or the token, and can end it again."""

import re
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portbook.model.record import Record
from portbook.pages.answering import Refused, data, page, site_of
from portbook.pages.asked import place_of
from portbook.pages.tokens import CODE_SECONDS

_LONGEST = 500
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path, perhaps with a query: never `//host`, which is another server, nor what browsers read
as that (a backslash, a tab)."""


class Code(Record):
    """A one-time code, and for how many seconds it is good."""

    code: str
    seconds: float


async def form(request: Request) -> Response:
    """The form; `?next=` is where it leads. Who comes here needs the token, so its file is kept."""
    site_of(request).tokens.keep_file()
    return _form(request, local_path(request.query_params.get("next", "")))


async def enter(request: Request) -> Response:
    """Take the form: a session and on to `next`, or the form again with 403."""
    body = (await request.body()).decode("utf-8", "replace")
    sent = parse_qs(body, max_num_fields=8) if len(body) < 4096 else {}
    onward = local_path(sent.get("next", [""])[0])
    tokens = site_of(request).tokens
    session = tokens.enter(sent.get("secret", [""])[0].strip())
    if session is None:
        return _form(request, onward, wrong=True)
    start = place_of(request).base
    response = RedirectResponse(start if onward == "/" else onward, HTTPStatus.SEE_OTHER)
    response.headers["cache-control"] = "no-store"
    response.set_cookie(
        tokens.cookie, session, path="/", secure=tokens.secure, httponly=True, samesite="strict"
    )
    return response


async def code(request: Request) -> Response:
    """`portbook/code/1`: a one-time code for who sends the token itself, as `portbook open` does.

    Raises:
        Refused: 401 without the token; a session is not enough to make others.
    """
    tokens = site_of(request).tokens
    if not tokens.is_bearer(request.headers.get("authorization", "").encode("latin-1")):
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            "A one-time code is only for who has the token.",
            headers={"www-authenticate": 'Bearer realm="portbook"'},
        )
    return data(request, "code", Code(tokens.make_code(), CODE_SECONDS), private=True)


async def leave(request: Request) -> Response:
    """End the session, and back to the start."""
    tokens = site_of(request).tokens
    tokens.leave(request)
    response = RedirectResponse(place_of(request).base, HTTPStatus.SEE_OTHER)
    response.headers["cache-control"] = "no-store"
    response.delete_cookie(
        tokens.cookie, path="/", secure=tokens.secure, httponly=True, samesite="strict"
    )
    return response


def local_path(text: str) -> str:
    """`text` where it is a path of this server, else `/`."""
    return text if len(text) <= _LONGEST and _LOCAL.fullmatch(text) else "/"


def _form(request: Request, onward: str, *, wrong: bool = False) -> Response:
    status = HTTPStatus.FORBIDDEN if wrong else HTTPStatus.OK
    return page(request, "enter.html", status=status, onward=onward, wrong=wrong)
