"""The values that the service on 3255 answers with, as JSON and back again.

Durations are relative to the moment of the answer, so that no clock has to agree with ours.
"""

from collections.abc import Mapping

from portbook.host import clock
from portbook.model.claim import (
    Bound,
    Caller,
    Claim,
    ClaimRefused,
    Permit,
    Reservation,
    SemaphoreState,
    Waiter,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def owner_document(owner: Caller) -> "dict[str, Any]":
    """A caller as JSON."""
    return dict(zip(owner._fields, owner, strict=True))


def claim_document(claim: Claim, now: int) -> "dict[str, Any]":
    """A claim as JSON."""
    return {
        "id": claim.id,
        "token": claim.token,
        "epoch": claim.epoch,
        "port": claim.port,
        "count": claim.size,
        "transport": claim.transport,
        "address": claim.address,
        "name": claim.name,
        "key": claim.key,
        "owner": owner_document(claim.owner),
        "state": claim.state,
        "ttl_ms": claim.ttl_ms,
        "expires_in_ms": _left(claim.state, claim.expires_ms, now),
        "created": clock.iso(claim.created),
        "renewed": clock.iso(claim.renewed),
        "hold": claim.hold,
        "bound": None if claim.bound is None else claim.bound._asdict(),
        "labels": dict(claim.labels),
    }


def _left(state: str, expires: int, now: int) -> int:
    return 0 if state in ("expired", "released") else max(0, expires - now)


def permit_document(permit: Permit, now: int) -> "dict[str, Any]":
    """A permit as JSON."""
    return {
        "id": permit.id,
        "token": permit.token,
        "epoch": permit.epoch,
        "semaphore": permit.semaphore,
        "limit": permit.limit,
        "units": permit.units,
        "owner": owner_document(permit.owner),
        "ttl_ms": permit.ttl_ms,
        "expires_in_ms": max(0, permit.expires_ms - now),
        "created": clock.iso(permit.created),
        "renewed": clock.iso(permit.renewed),
    }


def waiter_document(waiter: Waiter, now: int) -> "dict[str, Any]":
    """One who waits, as JSON."""
    return {
        "request_id": waiter.request_id,
        "semaphore": waiter.semaphore,
        "limit": waiter.limit,
        "units": waiter.units,
        "position": waiter.position,
        "owner": owner_document(waiter.owner),
        "ttl_ms": waiter.ttl_ms,
        "expires_in_ms": max(0, waiter.expires_ms - now),
        "created": clock.iso(waiter.created),
    }


def semaphore_document(state: SemaphoreState, now: int) -> "dict[str, Any]":
    """A semaphore as JSON."""
    return {
        "name": state.name,
        "limit": state.limit,
        "in_use": sum(permit.units for permit in state.held),
        "held": [permit_document(permit, now) for permit in state.held],
        "waiting": len(state.waiting),
        "queue": [waiter_document(waiter, now) for waiter in state.waiting],
    }


def reservation_document(reservation: Reservation) -> "dict[str, Any]":
    """A reservation as JSON."""
    return {
        "key": reservation.key,
        "uid": reservation.uid,
        "port": reservation.port,
        "count": reservation.size,
        "project": reservation.project,
        "name": reservation.name,
        "created": clock.iso(reservation.created),
    }


def refusal_document(refused: ClaimRefused) -> "dict[str, Any]":
    """`{"error": {...}}` of a refusal."""
    told: dict[str, Any] = {"code": refused.code, "message": str(refused)}
    if refused.hint:
        told["hint"] = refused.hint
    if refused.holder is not None:
        told["holder"] = refused.holder
    if refused.retry_after_ms is not None:
        told["retry_after_ms"] = refused.retry_after_ms
    return {"error": told}


# The same, read back by our own client.


def caller_of(found: "Mapping[str, Any]") -> Caller:
    """The caller in a document of ours."""
    return Caller._make(found[field] for field in Caller._fields)


def claim_of(found: "Mapping[str, Any]", now: int) -> Claim:
    """The claim in a document of ours; `now` makes the relative times our own."""
    from portbook.model.moments import moment

    bound = found["bound"]
    return Claim(
        id=found["id"],
        token=found["token"],
        epoch=found["epoch"],
        transport=found["transport"],
        address=found["address"],
        port=found["port"],
        size=found["count"],
        owner=caller_of(found["owner"]),
        name=found["name"],
        key=found["key"],
        state=found["state"],
        ttl_ms=found["ttl_ms"],
        expires_ms=now + found["expires_in_ms"],
        created=moment(found["created"], 0.0),
        renewed=moment(found["renewed"], 0.0),
        hold=found["hold"],
        bound=None if bound is None else Bound(bound["pid"], bound["inode"]),
        labels=tuple(sorted(found["labels"].items())),
    )


def permit_of(found: "Mapping[str, Any]", now: int) -> Permit:
    """The permit in a document of ours."""
    from portbook.model.moments import moment

    return Permit(
        id=found["id"],
        token=found["token"],
        epoch=found["epoch"],
        semaphore=found["semaphore"],
        limit=found["limit"],
        units=found["units"],
        owner=caller_of(found["owner"]),
        ttl_ms=found["ttl_ms"],
        expires_ms=now + found["expires_in_ms"],
        created=moment(found["created"], 0.0),
        renewed=moment(found["renewed"], 0.0),
    )


def waiter_of(found: "Mapping[str, Any]", now: int) -> Waiter:
    """The waiter in a document of ours."""
    from portbook.model.moments import moment

    return Waiter(
        request_id=found["request_id"],
        semaphore=found["semaphore"],
        limit=found["limit"],
        units=found["units"],
        position=found["position"],
        owner=caller_of(found["owner"]),
        ttl_ms=found["ttl_ms"],
        expires_ms=now + found["expires_in_ms"],
        created=moment(found["created"], 0.0),
    )


def semaphore_of(found: "Mapping[str, Any]", now: int) -> SemaphoreState:
    """The semaphore in a document of ours."""
    return SemaphoreState(
        found["name"],
        found["limit"],
        tuple(permit_of(each, now) for each in found["held"]),
        tuple(waiter_of(each, now) for each in found["queue"]),
    )


def reservation_of(found: "Mapping[str, Any]") -> Reservation:
    """The reservation in a document of ours."""
    from portbook.model.moments import moment

    return Reservation(
        key=found["key"],
        uid=found["uid"],
        port=found["port"],
        size=found["count"],
        project=found["project"],
        name=found["name"],
        created=moment(found["created"], 0.0),
    )


def refusal_of(found: "Mapping[str, Any]") -> ClaimRefused:
    """The refusal in an answer that is none of the above."""
    told = found["error"]
    return ClaimRefused(
        str(told["code"]),
        str(told["message"]),
        hint=told.get("hint"),
        holder=told.get("holder"),
        retry_after_ms=told.get("retry_after_ms"),
    )
