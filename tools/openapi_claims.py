"""The part of the OpenAPI description that is below /v1/: claims, reservations and semaphores."""

from typing import Any, NamedTuple

from tools.claim_schemas import (
    CANCELLED,
    CHOICE,
    CLAIM_BODY,
    EVENTS,
    FENCE_BODY,
    FENCED,
    GRANTED,
    ID,
    LEASE,
    PERMIT_BODY,
    RELEASED,
    SCHEMAS,
    SOCKET,
    TOKEN,
    WAIT,
    WATCH,
    Json,
    asked,
    ref,
    several,
    text,
    whole,
)

from portbook.claims.wire import MOST_TOKEN
from portbook.model import LAST_PORT


class Call(NamedTuple):
    """One call: `body` and `answer` are schemas, `status` is that of success.

    `query` has name, meaning, schema, and whether it is needed.
    """

    method: str
    path: str
    name: str
    about: str
    answer: Json
    refusals: tuple[int, ...]
    body: Json | None = None
    query: tuple[tuple[str, str, Json, bool], ...] = ()
    status: int = 200
    public: bool = False


REFUSALS = {
    401: "`denied`: neither the token nor the user of a Unix socket was shown.",
    403: "`not_yours`: it is another user's.",
    404: "`not_found`.",
    408: "`timeout`: it was not to be had within `wait_ms`.",
    409: "`held` by another claim or reservation, `in_use` by a program, `limit_mismatch`, or"
    " `not_held`: there is no socket to hand over.",
    410: "`lost`: it has ended, for good; `compacted`: events so old are not kept.",
    412: "`bad_token`: another token is newer.",
    414: "`invalid`: the address has more than 2,048 bytes.",
    415: "The body is not `application/json`.",
    422: "`invalid`: the message names the field.",
    503: "`pool_empty`: no number is free, or there are too many who wait.",
    507: "`not_written`: the disk is full; nothing has happened.",
}


_CHANGE = (401, 403, 404, 410, 412, 422, 507)
_NEWEST = (("token", "The newest token.", TOKEN, True),)
_PROTO: Json = {"enum": ["tcp", "udp", "sctp", "dccp"]}
_NAMED = {
    "id": ("The id of a claim or permit.", ID),
    "key": ("The key of a reservation, percent-encoded.", text("", 150)),
    "name": ("The name of a semaphore.", text()),
    "request_id": ("That of the request.", text()),
    "port": ("A port number.", whole(0, LAST_PORT)),
}
_UNIX = " On the Unix socket alone."

CALLS = (
    Call(
        *("post", "/v1/claims", "claim"),
        "Claim ports: one claim for each transport, all or nothing.",
        several("claims", "v1.Claim"),
        (401, 403, 409, 410, 415, 422, 503, 507),
        CLAIM_BODY,
        status=201,
    ),
    Call(
        *("get", "/v1/claims", "claims", "The live claims."),
        several("claims", "v1.Claim"),
        (401, 422),
        query=(
            ("port", "Those that have this port.", whole(0, LAST_PORT), False),
            ("owner", "Those of a user id.", whole(0, 2**32 - 1), False),
            ("name", "Those with this name.", text(), False),
        ),
    ),
    Call(
        *("get", "/v1/claims/{id}", "claim-shown", "One claim, if it ended lately too."),
        ref("v1.Claim"),
        (401, 404, 422),
    ),
    Call(
        *("put", "/v1/claims/{id}/lease", "renew", "Begin the lease anew."),
        ref("v1.Claim"),
        (*_CHANGE, 415),
        LEASE,
    ),
    Call(
        *("delete", "/v1/claims/{id}", "release", "End a claim."),
        RELEASED,
        _CHANGE,
        query=_NEWEST,
    ),
    Call(
        *("post", "/v1/claims/{id}/fd", "fetch", f"The socket that holds the port.{_UNIX}"),
        SOCKET,
        (*_CHANGE, 409, 415),
        LEASE,
    ),
    Call(
        *("post", "/v1/claims/{id}/transfer", "transfer"),
        "Give a claim to another process of yours, with a new token.",
        ref("v1.Claim"),
        (*_CHANGE, 415),
        asked("", {"token": TOKEN, "to_pid": WATCH}, ("token", "to_pid")),
    ),
    Call(
        *("get", "/v1/reservations", "reservations", "Every reservation."),
        several("reservations", "v1.Reservation"),
        (401, 422),
    ),
    Call(
        *("put", "/v1/reservations/{key}", "reserve"),
        "The number of a key, found if there is none; another `port` moves it.",
        ref("v1.Reservation"),
        (401, 403, 409, 415, 422, 503, 507),
        asked("", CHOICE),
    ),
    Call(
        *("get", "/v1/reservations/{key}", "reservation-shown", "One reservation."),
        ref("v1.Reservation"),
        (401, 404, 422),
    ),
    Call(
        *("delete", "/v1/reservations/{key}", "unreserve", "Give the number back."),
        RELEASED,
        _CHANGE,
    ),
    Call(
        *("get", "/v1/sems", "semaphores", "Every semaphore in use."),
        several("semaphores", "v1.Semaphore"),
        (401, 422),
    ),
    Call(
        *("post", "/v1/sems/{name}/acquire", "acquire"),
        "Units of a semaphore; with `wait_ms` first come, first served.",
        GRANTED,
        (401, 403, 408, 409, 410, 415, 422, 503, 507),
        PERMIT_BODY,
    ),
    Call(
        *("put", "/v1/sems/{name}/permits/{id}", "renew-permit", "Begin its lease anew."),
        ref("v1.Permit"),
        (*_CHANGE, 415),
        LEASE,
    ),
    Call(
        *("delete", "/v1/sems/{name}/permits/{id}", "release-permit", "Give units back."),
        RELEASED,
        _CHANGE,
        query=_NEWEST,
    ),
    Call(
        *("delete", "/v1/sems/{name}/waiters/{request_id}", "cancel-wait", "Leave the queue."),
        CANCELLED,
        (401, 403, 404, 422, 507),
    ),
    Call(
        *("post", "/v1/fence/check", "fence", "Whether a token is the newest of a resource."),
        FENCED,
        (401, 403, 404, 415, 422, 507),
        FENCE_BODY,
    ),
    Call(
        *("get", "/v1/events", "events", "What changed after the event `since`, oldest first."),
        EVENTS,
        (401, 410, 422, 503),
        query=(
            ("since", "The last event that is known.", whole(0, MOST_TOKEN), False),
            ("wait_ms", "How long to wait for the first.", WAIT, False),
        ),
    ),
    Call(
        *("get", "/v1/status", "status", "The service itself."),
        ref("v1.Status"),
        (422,),
        public=True,
    ),
    Call(
        *("get", "/v1/listeners", "listeners", "What listens on this machine."),
        ref("portbook.listeners"),
        (401, 404, 422, 503),
        query=(
            ("port", "On this port.", whole(0, LAST_PORT), False),
            ("proto", "Over this transport.", _PROTO, False),
        ),
    ),
    Call(
        *("get", "/v1/ports/{port}", "port-and-claim"),
        "Everything about one port with its claim; without the token this machine is left out.",
        ref("portbook.answer"),
        (404, 422),
        query=(("proto", "Over this transport.", _PROTO, False),),
        public=True,
    ),
)


def paths() -> dict[str, dict[str, Any]]:
    """The `paths` of all calls."""
    found: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        found.setdefault(call.path, {})[call.method] = _operation(call)
    return found


def schemas() -> dict[str, Json]:
    """The components that `paths` refer to, but for the documents of the command line."""
    return dict(SCHEMAS)


def _operation(call: Call) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.about,
        "parameters": [
            *(_parameter(name, "path", *_NAMED[name]) for name in _parts(call.path)),
            *(
                _parameter(name, "query", about, schema, required=required)
                for name, about, schema, required in call.query
            ),
        ],
        "responses": {
            str(call.status): _response("It is done.", call.answer),
            **{
                str(status): _response(REFUSALS[status], ref("v1.Refusal"))
                for status in sorted({414, *call.refusals})
            },
        },
    }
    if call.name == "events":
        made["responses"]["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    if call.body is not None:
        content = {"application/json": {"schema": call.body}}
        made["requestBody"] = {"required": True, "content": content}
    if not call.public:
        made["security"] = [{"token": []}]
    return made


def _parts(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _parameter(
    name: str, where: str, about: str, schema: Json, *, required: bool = True
) -> dict[str, Any]:
    made = {"name": name, "in": where, "required": required, "description": about}
    return {**made, "schema": schema}


def _response(about: str, schema: Json) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}
