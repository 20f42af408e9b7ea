"""What listens, and all about one port, for programs: `/v1/listeners` and `/v1/ports/{port}`.

The documents are those of `portbook ls --json` and `portbook PORT --json`, with the claim.
"""

from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.claims.replies import shown_claim, told
from portbook.claims.routes import number, query_fields
from portbook.claims.wire import invalid
from portbook.model import LAST_PORT, Transport, document
from portbook.model.claim import Claim, ClaimRefused
from portbook.pages.answering import JSON, coded, site_of, written
from portbook.pages.views.events import asker_of, is_known, refused_call
from portbook.survey import by_the_book, look

if TYPE_CHECKING:
    from portbook.pages.live import Snapshot

_TRANSPORTS = tuple(kind.value for kind in Transport)
_ANY = -1


async def listeners(request: Request) -> Response:
    """`portbook/listeners/1`: all, or those of a port and a transport."""
    live = site_of(request).live
    try:
        if live is None:
            raise _nothing()
        asker_of(request)
        fields = query_fields(request.scope["query_string"].decode("latin-1"), ("port", "proto"))
        port, proto = number(fields, "port", LAST_PORT, _ANY), _transport(fields)
    except ClaimRefused as refused:
        return refused_call(refused)
    found = await live.listeners()
    if found.fault is not None:
        error = {"code": "fault", "message": "What listens here could not be read just now."}
        reply = told({"error": error}, 503)
        return Response(reply.body, reply.status, {"cache-control": "no-store"}, JSON)
    key = ("/v1/listeners", port, proto)
    return written(request, found.once(key, lambda: _listed(found, port, proto)), private=True)


def _nothing() -> ClaimRefused:
    return ClaimRefused("not_found", "this server shows nothing of its machine")


def _listed(found: "Snapshot", port: int, proto: str | None) -> bytes:
    rows = found.listeners if port == _ANY else found.by_port.get(port, ())
    fitting = sorted(
        (row for row in rows if proto in (None, row.socket.transport)),
        key=lambda row: (row.socket.port, row.socket.transport, row.socket.address),
    )
    body = {"host": found.host, "at": found.at, "listeners": fitting, "incomplete": found.gaps}
    return coded("listeners", body)


def _transport(fields: dict[str, str]) -> str | None:
    found = fields.get("proto")
    if found is not None and found not in _TRANSPORTS:
        raise invalid(f"proto is one of {', '.join(_TRANSPORTS)}")
    return found


async def port(request: Request) -> Response:
    """`portbook/answer/1`; without the token the tables' part of it, as on every machine."""
    text: str = request.path_params["port"]
    asked = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else LAST_PORT + 1
    if asked > LAST_PORT:
        return refused_call(ClaimRefused("not_found", f"ports go from 0 to {LAST_PORT}"))
    try:
        query = request.scope["query_string"].decode("latin-1")
        proto = _transport(query_fields(query, ("proto",)))
    except ClaimRefused as refused:
        return refused_call(refused)
    site = site_of(request)
    if site.live is None or not is_known(request):
        return written(request, coded("answer", by_the_book(asked, proto)))
    answer = document("answer", await run_in_threadpool(look, asked, proto))
    answer["claim"] = _claim(request, asked, proto)
    return written(request, coded("answer", answer), private=True)


def _claim(request: Request, asked: int, proto: str | None) -> dict[str, Any] | None:
    """The live claim of the port; that over TCP where there are two."""
    desk = site_of(request).desk
    if desk is None:
        return None
    found: Claim | None = None
    for transport in ("tcp", "udp"):
        if found is None and proto in (None, transport):
            found = desk.claim_on(transport, asked)
    return None if found is None else shown_claim(found, asker_of(request), desk.now())
