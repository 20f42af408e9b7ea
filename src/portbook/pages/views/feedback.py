"""Was this page useful? Takes an answer from a plain form or from the module, and shows the counts.

A plain form arrives without a preflight, so it must say where it comes from: browsers send Origin
or Sec-Fetch-Site with every form, and the guard has checked both.
"""

import asyncio
import json
import math
from http import HTTPStatus
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from portbook.host import clock
from portbook.host.database import NotWritten
from portbook.host.feedback_store import Outcome
from portbook.model import PortbookError
from portbook.model.feedback import LONGEST_PAGE, Vote
from portbook.pages.addresses import spelled
from portbook.pages.answering import JSON, Refused, data, page, require_token, words_of
from portbook.pages.asked import place_of, site_of
from portbook.pages.feedback import Visitor
from portbook.pages.given import Given, read

LARGEST_BODY = 8192
"""Bytes: 500 characters of four bytes each, every byte percent-encoded, are 6,000."""
_READ_AT_MOST = 4 << 20
"""Who is answered before all is read sees a broken connection instead of the answer."""
_CLOSE = {"connection": "close"}
_FORM = "application/x-www-form-urlencoded"
_BODY_SECONDS = 10.0
_DAY = 86400
_SHOWN_PAGES, _SHOWN_COMMENTS = 500, 200


async def feedback(request: Request) -> Response:
    """GET: the counts, for who has the token. POST: an answer about one page."""
    if request.method == "POST":
        return await _give(request)
    require_token(request)
    try:
        found = await site_of(request).feedback.report(_SHOWN_COMMENTS)
    except PortbookError:
        raise Refused(503, "The answers cannot be read.", hint=_HINT) from None
    told = [(each, one) for each in found.pages for one in each.comments]
    told.sort(key=lambda row: row[1].at, reverse=True)
    return page(
        request,
        "feedback.html",
        totals=found.totals,
        pages=found.pages[:_SHOWN_PAGES],
        comments=told,
    )


async def twin(request: Request) -> Response:
    """The document of `portbook feedback --json`, for who has the token."""
    require_token(request)
    try:
        found = await site_of(request).feedback.report()
    except PortbookError:
        raise Refused(503, "The answers cannot be read.", hint=_HINT) from None
    return data(request, "feedback", found, private=True)


_HINT = "The command portbook feedback says why."


async def thanks(request: Request) -> Response:
    """Where a plain form leads to, so that loading the page again sends nothing."""
    asked = request.query_params.get("page", "")[:LONGEST_PAGE]
    about = await asyncio.to_thread(spelled, asked)
    response = page(
        request,
        "thanks.html",
        sentence=words_of(request).text("Thank you. Your answer was kept."),
        hint="",
        about=about,
        given=None,
    )
    response.headers["cache-control"] = "no-store"
    return response


async def _give(request: Request) -> Response:
    """Keep an answer.

    Raises:
        Refused: 403, 408, 409, 413, 415, 422, 429, 503 or 507.
    """
    plain = _kind(request) == _FORM
    if plain and not _says_whence(request):
        raise Refused(HTTPStatus.FORBIDDEN, "This form does not say which site it comes from.")
    given = read(await _body(request), plain=plain)
    about = await asyncio.to_thread(spelled, given.page)
    if about is None:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "There is no such page in this book.")
    try:
        await _keep(request, Vote(about, given.useful, given.comment, _language(request)))
    except Refused as error:
        if not plain:
            raise
        return _again(request, error, about, given)
    if plain:
        # 303: loading the next page again is a GET.
        where = f"{place_of(request).base}feedback/thanks?page={quote(about, safe='/')}"
        return RedirectResponse(where, HTTPStatus.SEE_OTHER, {"cache-control": "no-store"})
    said = words_of(request).text("Thank you. Your answer was kept.")
    body = json.dumps({"outcome": Outcome.KEPT.value, "message": said}, ensure_ascii=False)
    return Response(body, HTTPStatus.CREATED, {"cache-control": "no-store"}, JSON)


async def _keep(request: Request, vote: Vote) -> None:
    desk = site_of(request).feedback
    visitor = _visitor(request)
    if wait := desk.admit(visitor):
        raise _too_many(wait)
    try:
        outcome = await desk.add(vote, visitor)
    except NotWritten:
        raise Refused(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "Your answer could not be kept: there is no room for it.",
            hint="Nothing that was kept before is lost. Please try again later.",
        ) from None
    except PortbookError:
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Your answer could not be kept: this server cannot write it down.",
            hint="Nothing that was kept before is lost. Please try again later.",
        ) from None
    if outcome is Outcome.ALREADY:
        raise Refused(
            HTTPStatus.CONFLICT,
            "You have answered for this page today already.",
            hint="Tomorrow you can answer again.",
        )
    if outcome is Outcome.ENOUGH:
        raise _too_many(_DAY - clock.now() % _DAY)
    site_of(request).metrics.voted(useful=vote.useful)


def _too_many(wait: float) -> Refused:
    return Refused(
        HTTPStatus.TOO_MANY_REQUESTS,
        "There were too many answers.",
        hint="Please try again later.",
        headers={"retry-after": str(math.ceil(wait))},
    )


def _kind(request: Request) -> str:
    """The media type of the body, one of the two that are read.

    Raises:
        Refused: 415.
    """
    kind, _, parameter = request.headers.get("content-type", "").lower().partition(";")
    charset = parameter.replace(" ", "").replace('"', "")
    packed = request.headers.get("content-encoding", "identity").lower() != "identity"
    if kind.strip() not in (_FORM, JSON) or charset not in ("", "charset=utf-8") or packed:
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send a form or JSON, in UTF-8.")
    return kind.strip()


def _says_whence(request: Request) -> bool:
    """Whether the guard had an origin to check: what comes from no browser may leave both out."""
    return "origin" in request.headers or request.headers.get("sec-fetch-site") == "same-origin"


def _visitor(request: Request) -> Visitor:
    address = request.client.host if request.client else ""
    return Visitor(address.encode(), request.headers.get("user-agent", "").encode("latin-1"))


def _language(request: Request) -> str:
    return words_of(request).language


async def _body(request: Request) -> bytes:
    """The body; reading ends where it is far too long or too slow.

    Raises:
        Refused: 408 or 413.
    """
    body, size = b"", 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                body = body + chunk if size <= LARGEST_BODY else b""
                if size > _READ_AT_MOST:
                    break
    except (TimeoutError, ClientDisconnect):
        raise Refused(
            HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive whole.", headers=_CLOSE
        ) from None
    if size > LARGEST_BODY:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is too much to send.", headers=_CLOSE
        )
    return body


def _again(request: Request, error: Refused, about: str, given: Given) -> Response:
    """Why a plain form was not taken, with what was written in it, so that nothing is lost."""
    spoken = words_of(request)
    response = page(
        request,
        "thanks.html",
        status=error.status_code,
        sentence=spoken.text(error.message, **error.values),
        hint=spoken.text(error.hint) if error.hint else "",
        about=about,
        given=None if error.status_code == HTTPStatus.CONFLICT else given,
    )
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    response.headers["cache-control"] = "no-store"
    return response
