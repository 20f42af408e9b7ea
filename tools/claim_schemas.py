"""JSON schemas of what the calls below /v1/ take and give, for tools.openapi_claims.

The bounds are those that claims.wire checks; tests/pages/test_openapi.py asks the server.
"""

from typing import Any

from portbook.claims.wire import LONGEST_WAIT, MOST_TOKEN
from portbook.model import LAST_PORT
from portbook.model.claim import (
    LONGEST_NAME,
    LONGEST_TTL,
    MOST_LABELS,
    MOST_PORTS,
    SHORTEST_TTL,
    USUAL_TTL,
)

Json = dict[str, Any]


def whole(least: int, most: int, about: str = "", **more: Any) -> Json:
    """A whole number within bounds."""
    made: Json = {"type": "integer", "minimum": least, "maximum": most, **more}
    return {**made, "description": about} if about else made


def text(about: str = "", most: int = LONGEST_NAME) -> Json:
    """A text that is not empty."""
    made: Json = {"type": "string", "minLength": 1, "maxLength": most}
    return {**made, "description": about} if about else made


def or_null(kind: Json) -> Json:
    """It, or null."""
    return {"anyOf": [kind, {"type": "null"}]}


def made_object(about: str, fields: Json, optional: tuple[str, ...] = (), *, closed: bool) -> Json:
    """An object; all fields are required but the optional ones."""
    made: Json = {"type": "object", "description": about, "properties": fields}
    if required := [name for name in fields if name not in optional]:
        made["required"] = required
    if closed:
        made["additionalProperties"] = False
    return made


def asked(about: str, fields: Json, required: tuple[str, ...] = ()) -> Json:
    """An object in a request: no field but these."""
    optional = tuple(name for name in fields if name not in required)
    return made_object(about, fields, optional, closed=True)


def told(about: str, fields: Json, optional: tuple[str, ...] = ()) -> Json:
    """An object in an answer: fields may be added."""
    return made_object(about, fields, optional, closed=False)


def ref(name: str) -> Json:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def several(field: str, name: str) -> Json:
    """An object with one field, a list."""
    return told("", {field: {"type": "array", "items": ref(name)}})


PORT = whole(1, LAST_PORT)
TOKEN = whole(0, MOST_TOKEN, "The fencing number: the newest is the only one that counts.")
_TTL = whole(SHORTEST_TTL, LONGEST_TTL, "Milliseconds.", default=USUAL_TTL)
_LEFT = whole(0, 2**53, "Milliseconds from now.")
_DATE = {"type": "string", "format": "date-time"}
ID = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
_NAME = or_null({"type": "string"})
_COUNT = whole(1, MOST_PORTS, "Ports in a row.")
_TRANSPORT = {"enum": ["tcp", "udp"]}
WAIT = whole(0, LONGEST_WAIT, "Milliseconds that it may take until it is to be had.")
WATCH = whole(1, 2**22, "A process of yours, in our PID namespace: it lives, so the lease lives.")
_REQUEST_ID = text("The same again gives the same again: send it again if no answer came.")

CHOICE: Json = {
    "port": PORT,
    "range": {
        "type": "array",
        "prefixItems": [PORT, PORT],
        "items": PORT,
        "minItems": 2,
        "maxItems": 2,
        "description": "First and last.",
    },
    "near": PORT,
    "start": PORT,
    "avoid": {"type": "array", "items": PORT},
    "count": _COUNT,
    "project": text("A folder.", 8 * LONGEST_NAME),
    "name": text(),
}
LEASE = asked("", {"token": TOKEN, "ttl_ms": _TTL}, ("token",))
CLAIM_BODY = asked(
    "What is wanted; without `port` the service chooses.",
    {
        **CHOICE,
        "contiguous": {"type": "boolean"},
        "proto": {
            "anyOf": [
                _TRANSPORT,
                {"type": "array", "items": _TRANSPORT, "minItems": 1, "maxItems": 2}
                | {"uniqueItems": True},
            ]
        },
        "addr": {"type": "string", "description": "An address; * is every one.", "default": "*"},
        "sticky_key": text("Whose number it is: made a reservation, it stays.", 8 * LONGEST_NAME),
        "ttl_ms": _TTL,
        "watch_pid": WATCH,
        "hold": {"type": "boolean", "description": "The service binds it until you listen."},
        "request_id": _REQUEST_ID,
        "wait_ms": WAIT,
        "label": text("What you call yourself."),
        "labels": {
            "type": "object",
            "additionalProperties": text(),
            "maxProperties": MOST_LABELS,
        },
    },
)
PERMIT_BODY = asked(
    "How many units of how many.",
    {
        "limit": whole(1, 1_000_000, "Units that there are; the same for all who ask."),
        "n": whole(1, 1_000_000, "Units.", default=1),
        "ttl_ms": _TTL,
        "watch_pid": WATCH,
        "request_id": _REQUEST_ID,
        "wait_ms": WAIT,
        "label": text(),
    },
    ("limit",),
)
FENCE_BODY = asked(
    "",
    {
        "resource": text("An id, `8080/tcp`, or `sem:NAME`.", 8 * LONGEST_NAME),
        "token": TOKEN,
    },
    ("resource", "token"),
)

_OWNER_FIELDS: Json = {
    "uid": whole(0, 2**32 - 1),
    **{
        name: or_null({"type": "integer", "minimum": 0})
        for name in ("pid", "start", "pidns", "netns")
    },
    "label": _NAME,
}
_LIFE: Json = {"ttl_ms": _TTL, "expires_in_ms": _LEFT, "created": _DATE}
RELEASED = told("", {"released": {"type": "boolean", "description": "False: it had ended."}})

_COUNTED = (
    *("epoch", "pid", "uptime_ms", "claims", "reservations", "permits"),
    *("waiting", "watched", "last_event"),
)
SCHEMAS: dict[str, Json] = {
    "v1.Owner": told("Whose life or TTL keeps it.", _OWNER_FIELDS),
    "v1.Claim": told(
        "A live lease on a port. `token` is 0 for who may not see it; `secret` (hexadecimal) signs"
        " datagrams, and is only told to who claimed.",
        {
            "id": ID,
            "token": TOKEN,
            "epoch": whole(0, 2**53),
            "port": PORT,
            "count": _COUNT,
            "transport": _TRANSPORT,
            "address": {"type": "string"},
            "name": _NAME,
            "key": _NAME,
            "owner": ref("v1.Owner"),
            "state": {"enum": ["reserved", "bound", "squatted", "expired", "released"]},
            **_LIFE,
            "renewed": _DATE,
            "hold": {"type": "boolean"},
            "bound": or_null(
                told(
                    "Who listens.",
                    {
                        "pid": or_null({"type": "integer"}),
                        "inode": {"type": "integer"},
                    },
                )
            ),
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "secret": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        },
        ("secret",),
    ),
    "v1.Reservation": told(
        "A durable number.",
        {
            "key": {"type": "string"},
            "uid": whole(0, 2**32 - 1),
            "port": PORT,
            "count": _COUNT,
            "project": _NAME,
            "name": _NAME,
            "created": _DATE,
        },
    ),
    "v1.Permit": told(
        "Units of a semaphore.",
        {
            "id": ID,
            "token": TOKEN,
            "epoch": whole(0, 2**53),
            "semaphore": {"type": "string"},
            "limit": whole(1, 1_000_000),
            "units": whole(1, 1_000_000),
            "owner": ref("v1.Owner"),
            **_LIFE,
            "renewed": _DATE,
        },
    ),
    "v1.Waiter": told(
        "A place in the queue, which begins at 1.",
        {
            "request_id": {"type": "string"},
            "semaphore": {"type": "string"},
            "limit": whole(1, 1_000_000),
            "units": whole(1, 1_000_000),
            "position": whole(1, 2**31),
            "owner": ref("v1.Owner"),
            **_LIFE,
        },
    ),
    "v1.Semaphore": told(
        "A semaphore in use.",
        {
            "name": {"type": "string"},
            "limit": whole(1, 1_000_000),
            "in_use": whole(0, 1_000_000),
            "held": {"type": "array", "items": ref("v1.Permit")},
            "waiting": whole(0, 2**31),
            "queue": {"type": "array", "items": ref("v1.Waiter")},
        },
    ),
    "v1.Event": told(
        "One change; `body` depends on `kind`.",
        {
            "id": whole(1, 2**53),
            "at": _DATE,
            "kind": {"type": "string"},
            "body": {"type": "object"},
        },
    ),
    "v1.Refusal": told(
        "Why not. `code` is stable, `message` is for people.",
        {
            "error": told(
                "",
                {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "hint": {"type": "string"},
                    "holder": {"type": "object", "description": "Who is in the way."},
                    "retry_after_ms": whole(0, 2**53),
                },
                ("hint", "holder", "retry_after_ms"),
            ),
            "waiter": ref("v1.Waiter"),
        },
        ("waiter",),
    ),
    "v1.Status": told(
        "The service; without the token its version alone.",
        {
            "version": {"type": "string"},
            "via": {"const": "service"},
            "durable": {"type": "boolean"},
            **{name: {"type": "integer", "minimum": 0} for name in _COUNTED},
        },
        ("durable", *_COUNTED),
    ),
}

SOCKET: Json = told("The socket comes with the first byte (SCM_RIGHTS).", {"id": ID})
GRANTED: Json = told(
    "",
    {
        "permit": ref("v1.Permit"),
        "token": TOKEN,
        "in_use": whole(0, 1_000_000),
        "limit": whole(1, 1_000_000),
    },
)
EVENTS: Json = told(
    "With `Accept: text/event-stream` the same as server-sent events, without an end.",
    {"events": {"type": "array", "items": ref("v1.Event")}, "last": whole(0, 2**53)},
)
FENCED: Json = told("", {"current": {"type": "boolean"}, "max_token": whole(0, MOST_TOKEN)})
CANCELLED: Json = told("", {"cancelled": {"type": "boolean"}})
