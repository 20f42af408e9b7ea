"""This machine: every listener, for who has the token."""

from starlette.requests import Request
from starlette.responses import Response

from portbook.pages.answering import (
    Refused,
    coded,
    rendered,
    require_token,
    shown,
    site_of,
    words_of,
    written,
)
from portbook.pages.asked import place_of
from portbook.pages.live import Snapshot
from portbook.pages.prose.here import FIRST, ORDERS, heard
from portbook.pages.prose.listeners import reach_names, verdict_abouts, verdict_names
from portbook.pages.prose.said import unseen


async def here(request: Request) -> Response:
    """The page."""
    return await _shown(request, "here.html")


async def here_part(request: Request) -> Response:
    """The part of the page that changes, for the module that refreshes it."""
    return await _shown(request, "here_part.html")


async def here_json(request: Request) -> Response:
    """`portbook/listeners/1`, as `portbook ls --json` prints it."""
    found = await _asked(request)
    if found.fault is not None:
        raise Refused(503, "What listens here could not be read just now.")
    return written(request, found.once("here.json", lambda: _document(found)), private=True)


def _document(found: Snapshot) -> bytes:
    rows = sorted(
        found.listeners,
        key=lambda row: (row.socket.port, row.socket.transport, row.socket.address),
    )
    body = {"host": found.host, "at": found.at, "listeners": rows, "incomplete": found.gaps}
    return coded("listeners", body)


async def _shown(request: Request, template: str) -> Response:
    order = request.query_params.get("sort", FIRST)
    if order not in ORDERS:
        raise Refused(
            400,
            "This page is sorted by one of: %(orders)s.",
            orders=", ".join(ORDERS),
            suggestions=(("/here", words_of(request).text("This machine")),),
        )
    found = await _asked(request)
    spoken = words_of(request)

    def made() -> bytes:
        return rendered(
            request,
            template,
            snapshot=found,
            unseen=unseen(spoken, found),
            rows=heard(spoken, found, order),
            order=order,
            orders=tuple(ORDERS),
            verdicts=verdict_names(spoken),
            abouts=verdict_abouts(spoken),
            reaches=reach_names(spoken),
        )

    # 200 rows take 6 ms to write; everybody who asks within the same second gets the same.
    place = place_of(request)
    key = (template, spoken.language, place.base, place.path, order)
    return shown(request, found.once(key, made), private=True)


async def _asked(request: Request) -> Snapshot:
    """What listens here now.

    Raises:
        Refused: 404 where the server shows nothing of its machine, 401 without the token.
    """
    live = site_of(request).live
    if live is None:
        raise Refused(
            404,
            "This book shows nothing of the machine that it is served from.",
            hint="It was started with --no-live.",
        )
    require_token(request)
    return await live.listeners()
