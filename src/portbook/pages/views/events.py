"""What changes among claims, as it happens: server-sent events (WHATWG HTML section 9.2).

`GET /v1/events` with `Accept: text/event-stream`. Each event has the `id` of the store's, its kind
as `event`, and the same object as `data` that a long poll gives. A client that comes back sends the
last id that it saw, and misses nothing.
"""

import asyncio
import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from portbook.claims import wire
from portbook.claims.replies import event_document, refusal
from portbook.claims.routes import number, query_fields
from portbook.model.claim import Caller, ClaimEvent, ClaimRefused
from portbook.pages.answering import JSON, site_of
from portbook.pages.asked import field_of, place_of
from portbook.pages.front import is_relayed

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from portbook.claims.desk import Desk
    from portbook.pages.streams import Streams

KIND = "text/event-stream"
HEARTBEAT = 15.0
"""Seconds after which a comment is sent, so that no proxy takes the stream for dead."""
_AT_ONCE = 100
_RETRY = b"retry: 1000\n\n"
_ALIVE = b":\n\n"
_FIELDS = ("since", "wait_ms")


async def events(request: Request) -> Response:
    """The stream; the refusals are those of all calls below /v1/."""
    site = site_of(request)
    try:
        desk, asker = _desk(request), asker_of(request)
        since = _since(request, desk)
        desk.events_after(since, 1)
        bell = _enter(site.streams)
    except ClaimRefused as refused:
        return refused_call(refused)
    return EventStream(desk, asker, site.streams, bell, since)


def refused_call(refused: ClaimRefused) -> Response:
    """A refusal as all calls below /v1/ have it."""
    told = refusal(refused, Caller(os.geteuid()))
    return Response(told.body, told.status, {"cache-control": "no-store"}, JSON)


def asker_of(request: Request) -> Caller:
    """Who asks: the user at the other end of a Unix socket, or with the token the service's own.

    Raises:
        ClaimRefused: `denied`: neither is shown.
    """
    peer = _peer(request)
    if peer is not None:
        return peer
    if not place_of(request).known:
        hint = "send the token: Authorization: Bearer TOKEN, or come by the Unix socket"
        raise ClaimRefused("denied", "this is only for who has the token", hint=hint)
    return Caller(os.geteuid())


def _desk(request: Request) -> "Desk":
    desk = site_of(request).desk
    if desk is None:
        raise ClaimRefused("not_found", "this server keeps no claims")
    return desk


def _enter(streams: "Streams") -> asyncio.Event:
    bell = streams.enter()
    if bell is None:
        hint = "poll with wait_ms instead"
        raise ClaimRefused("pool_empty", "there are too many streams", hint=hint)
    return bell


def is_known(request: Request) -> bool:
    """Whether `asker_of` knows who asks."""
    return _peer(request) is not None or place_of(request).known


def _peer(request: Request) -> Caller | None:
    found = request.scope.get("state", {}).get("peer")
    known = isinstance(found, Caller) and not is_relayed(request.scope["headers"])
    return found if known else None


def _since(request: Request, desk: "Desk") -> int:
    """After which event to begin: that of Last-Event-ID, of `since`, or the newest.

    Raises:
        ClaimRefused: `invalid`; `compacted`, where no event of this store had that id.
    """
    query = query_fields(request.scope["query_string"].decode("latin-1"), _FIELDS)
    last = field_of(request.scope, b"last-event-id")
    if last is not None:
        query["since"] = last
    since = number(query, "since", wire.MOST_TOKEN, desk.committed)
    if since > desk.committed:
        raise ClaimRefused(
            "compacted",
            f"there was no event {since} yet: the store is a new one",
            hint="ask for what there is, and begin anew",
        )
    return since


class EventStream(Response):
    """The stream as an ASGI response: it ends when the client hangs up, or the server ends."""

    media_type = KIND

    def __init__(
        self, desk: "Desk", asker: Caller, streams: "Streams", bell: asyncio.Event, since: int
    ) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._desk = desk
        self._asker = asker
        self._streams = streams
        self._bell = bell
        self._since = since

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Send what there is and what comes."""
        gone = asyncio.create_task(self._hang_up(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                await send(_part(_RETRY))
                await self._follow(gone, send)
            await send({"type": "http.response.body", "body": b""})
        except OSError:
            # uvicorn's word for a client that has gone.
            return
        finally:
            self._streams.leave(self._bell)
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone

    async def _hang_up(self, receive: "Receive") -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._bell.set()

    async def _follow(self, gone: "asyncio.Task[None]", send: "Send") -> None:
        while not gone.done() and not self._streams.ended:
            self._bell.clear()
            try:
                found = self._new()
            except ClaimRefused as refused:
                # Whoever reads so slowly has to begin anew, and is told so.
                told = {"code": refused.code, "message": str(refused)}
                await send(_part(_written(None, "error", {"error": told})))
                return
            if found:
                self._since = found[-1].id
                await send(_part(b"".join(_event(each, self._asker) for each in found)))
                # A client that takes all at once would otherwise never let others have a turn.
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await self._bell.wait()
            except TimeoutError:
                await send(_part(_ALIVE))

    def _new(self) -> tuple[ClaimEvent, ...]:
        """What came since, as far as it is committed.

        Raises:
            ClaimRefused: `compacted`.
        """
        if self._since >= self._desk.committed:
            return ()
        return self._desk.events_after(self._since, _AT_ONCE)


def _part(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


def _event(event: ClaimEvent, asker: Caller) -> bytes:
    return _written(event.id, event.kind, event_document(event, asker))


def _written(number: int | None, kind: str, body: dict[str, Any]) -> bytes:
    """One event. JSON has no line breaks, so its data is one line."""
    first = "" if number is None else f"id: {number}\n"
    data = json.dumps(body, separators=(",", ":"))
    return f"{first}event: {kind}\ndata: {data}\n\n".encode()
