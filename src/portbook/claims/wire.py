"""The JSON of requests to the service on 3255, both ways; claims.answers has the other half.

What comes from outside is checked here, field by field, so that nothing else has to: a field that
is unknown, of another type or out of bounds is `invalid`, and the message names it.
"""

import json
from collections.abc import Callable, Mapping

from portbook.model import LAST_PORT
from portbook.model.claim import (
    LONGEST_NAME,
    LONGEST_TTL,
    MOST_LABELS,
    MOST_PORTS,
    SHORTEST_TTL,
    ClaimRefused,
    ClaimRequest,
    PermitRequest,
    ReservationRequest,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    _Reader = Callable[[str, Any], Any]

LONGEST_WAIT = 3_600_000
"""Milliseconds that one request may wait."""
MOST_TOKEN = 2**53 - 1
"""The largest number that every JSON reader keeps exactly (RFC 8259 section 6)."""
_LONGEST_BODY = 65_536


def invalid(message: str) -> ClaimRefused:
    """The refusal of a request that cannot be understood."""
    return ClaimRefused("invalid", message)


def read_object(body: bytes) -> "dict[str, Any]":
    """The JSON object in a request's body; an empty body is an empty object.

    Raises:
        ClaimRefused: `invalid`.
    """
    if not body.strip():
        return {}
    if len(body) > _LONGEST_BODY:
        raise invalid("the body is too long")
    try:
        found = _DECODER.decode(body.decode())
    except ClaimRefused:
        raise
    except (ValueError, RecursionError):
        raise invalid("the body is no JSON") from None
    if not isinstance(found, dict):
        raise invalid("the body is no JSON object")
    return found


def _no_constant(name: str) -> "Any":
    raise invalid(f"{name} is no JSON")


def _unique(pairs: "list[tuple[str, Any]]") -> "dict[str, Any]":
    made = dict(pairs)
    if len(made) != len(pairs):
        raise invalid("a field comes twice")
    return made


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_unique)
"""Made once: json.loads makes one for each call, which takes as long as what it reads."""


def whole(least: int, most: int) -> "_Reader":
    """Reads a whole number within bounds."""

    def read(name: str, value: "Any") -> int:
        if type(value) is not int or not least <= value <= most:
            raise invalid(f"{name} is no whole number from {least} to {most}")
        return value

    return read


def text(name: str, value: "Any") -> str:
    """Reads a short text without control characters."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise invalid(f"{name} is no text of 1 to {LONGEST_NAME} characters")
    if not value.isprintable():
        raise invalid(f"{name} has characters that cannot be shown")
    return value


def path_text(name: str, value: "Any") -> str:
    """Reads a key or a path: longer than a name."""
    if not isinstance(value, str) or not 0 < len(value) <= 8 * LONGEST_NAME:
        raise invalid(f"{name} is no text of 1 to {8 * LONGEST_NAME} characters")
    if not value.isprintable():
        raise invalid(f"{name} has characters that cannot be shown")
    return value


def flag(name: str, value: "Any") -> bool:
    """Reads true or false."""
    if type(value) is not bool:
        raise invalid(f"{name} is neither true nor false")
    return value


def _transports(name: str, value: "Any") -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if (
        not isinstance(found, list)
        or not 1 <= len(found) <= 2
        or len(set(map(str, found))) != len(found)
        or not all(each in ("tcp", "udp") for each in found)
    ):
        raise invalid(f"{name} is neither tcp nor udp, nor a list of these")
    return tuple(found)


def _address(name: str, value: "Any") -> str:
    from ipaddress import ip_address

    if value == "*":
        return "*"
    # The zone of an IPv6 address (RFC 4007) may be any text: it is refused.
    plain = value if isinstance(value, str) and "%" not in value else ""
    try:
        return str(ip_address(plain))
    except ValueError:
        raise invalid(f"{name} is no address, nor * for all") from None


def _numbers(name: str, value: "Any") -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > LAST_PORT:
        raise invalid(f"{name} is no list of ports")
    return tuple(_PORT(name, each) for each in value)


def _labels(name: str, value: "Any") -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or len(value) > MOST_LABELS:
        raise invalid(f"{name} is no object of at most {MOST_LABELS} texts")
    return tuple((text(name, key), text(name, each)) for key, each in sorted(value.items()))


def _range(name: str, value: "Any") -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise invalid(f"{name} is no [first, last]")
    first, last = (_PORT(name, each) for each in value)
    if first > last:
        raise invalid(f"{name} runs backwards")
    return first, last


_PORT = whole(1, LAST_PORT)
_TTL = whole(SHORTEST_TTL, LONGEST_TTL)
_PID = whole(1, 2**22)
_COUNT = whole(1, MOST_PORTS)
TOKEN = whole(0, MOST_TOKEN)
"""Reads a token."""

_CHOICE: "dict[str, tuple[str, _Reader]]" = {
    "port": ("port", _PORT),
    "near": ("near", whole(1, LAST_PORT)),
    "start": ("start", whole(1, LAST_PORT)),
    "avoid": ("avoid", _numbers),
    "count": ("size", _COUNT),
    "project": ("project", path_text),
    "name": ("name", text),
}
_CLAIM: "dict[str, tuple[str, _Reader]]" = {
    **_CHOICE,
    "contiguous": ("contiguous", flag),
    "proto": ("transports", _transports),
    "addr": ("address", _address),
    "sticky_key": ("key", path_text),
    "ttl_ms": ("ttl_ms", _TTL),
    "watch_pid": ("watch_pid", _PID),
    "hold": ("hold", flag),
    "request_id": ("request_id", text),
    "wait_ms": ("wait_ms", whole(0, LONGEST_WAIT)),
    "label": ("label", text),
    "labels": ("labels", _labels),
}
_PERMIT: "dict[str, tuple[str, _Reader]]" = {
    "limit": ("limit", whole(1, 1_000_000)),
    "n": ("units", whole(1, 1_000_000)),
    "ttl_ms": ("ttl_ms", _TTL),
    "watch_pid": ("watch_pid", _PID),
    "request_id": ("request_id", text),
    "wait_ms": ("wait_ms", whole(0, LONGEST_WAIT)),
    "label": ("label", text),
}


def _read(
    fields: "Mapping[str, Any]", known: "Mapping[str, tuple[str, _Reader]]"
) -> "dict[str, Any]":
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "range" and "near" in known:
            if value is not None:
                found["first"], found["last"] = _range(name, value)
            continue
        entry = known.get(name)
        if entry is None:
            raise invalid(f"there is no field {name[:50]!r}")
        if value is not None:
            found[entry[0]] = entry[1](name, value)
    return found


def claim_request(fields: "Mapping[str, Any]") -> ClaimRequest:
    """What POST /v1/claims asks for.

    Raises:
        ClaimRefused: `invalid`.
    """
    return ClaimRequest(**_read(fields, _CLAIM))


def reservation_request(key: str, fields: "Mapping[str, Any]") -> ReservationRequest:
    """What PUT /v1/reservations/{key} asks for.

    Raises:
        ClaimRefused: `invalid`.
    """
    return ReservationRequest(key=path_text("key", key), **_read(fields, _CHOICE))


def permit_request(name: str, fields: "Mapping[str, Any]") -> PermitRequest:
    """What POST /v1/sems/{name}/acquire asks for.

    Raises:
        ClaimRefused: `invalid`.
    """
    found = _read(fields, _PERMIT)
    if "limit" not in found:
        raise invalid("limit is missing")
    return PermitRequest(name=text("name", name), **found)


def lease_fields(fields: "Mapping[str, Any]") -> tuple[int, int | None]:
    """Token and TTL of PUT .../lease.

    Raises:
        ClaimRefused: `invalid`.
    """
    found = _read(fields, {"token": ("token", TOKEN), "ttl_ms": ("ttl_ms", _TTL)})
    if "token" not in found:
        raise invalid("token is missing")
    return found["token"], found.get("ttl_ms")


def transfer_fields(fields: "Mapping[str, Any]") -> tuple[int, int]:
    """Token and PID of POST .../transfer.

    Raises:
        ClaimRefused: `invalid`.
    """
    found = _read(fields, {"token": ("token", TOKEN), "to_pid": ("pid", _PID)})
    if len(found) != 2:
        raise invalid("token or to_pid is missing")
    return found["token"], found["pid"]


def fence_fields(fields: "Mapping[str, Any]") -> tuple[str, int]:
    """Resource and token of POST /v1/fence/check.

    Raises:
        ClaimRefused: `invalid`.
    """
    found = _read(fields, {"resource": ("resource", path_text), "token": ("token", TOKEN)})
    if len(found) != 2:
        raise invalid("resource or token is missing")
    return found["resource"], found["token"]


# Requests as JSON, for our own client.


def request_document(
    request: ClaimRequest | PermitRequest | ReservationRequest,
) -> "dict[str, Any]":
    """A request as the body that asks for it; what is as usual is left out."""
    names = {field: name for name, (field, _) in {**_CLAIM, **_PERMIT}.items()}
    usual = type(request)._field_defaults
    made: dict[str, Any] = {}
    for field, value in zip(request._fields, request, strict=True):
        if isinstance(request, PermitRequest) and field == "name":
            continue
        if isinstance(request, ReservationRequest) and field == "key":
            continue
        if field in ("first", "last") or (field in usual and value == usual[field]):
            continue
        if field == "labels" and isinstance(request, ClaimRequest):
            made["labels"] = dict(request.labels)
        else:
            made[names[field]] = list(value) if isinstance(value, tuple) else value
    if not isinstance(request, PermitRequest) and (
        request.first is not None or request.last is not None
    ):
        made["range"] = [request.first or 1, request.last or LAST_PORT]
    return made
