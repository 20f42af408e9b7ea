"""Answers of the service as bytes: documents, refusals, and faults of the store."""

import json
import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from portbook.claims import answers
from portbook.claims.datagram import claim_secret
from portbook.claims.routes import NoRoute, Reply
from portbook.host import clock
from portbook.host.database import NotWritten
from portbook.model import PortbookError
from portbook.model.claim import (
    Caller,
    Claim,
    ClaimEvent,
    ClaimRefused,
    Permit,
    SemaphoreState,
    Waiter,
)

if TYPE_CHECKING:
    from portbook.claims.desk import Desk

STATUSES = {
    **dict.fromkeys(("held", "in_use", "limit_mismatch", "not_held"), 409),
    **dict.fromkeys(("lost", "compacted"), 410),
    "bad_token": 412,
    "not_found": 404,
    "not_yours": 403,
    "denied": 401,
    "timeout": 408,
    "pool_empty": 503,
    "invalid": 422,
}
FAULTS = (PortbookError, OSError, sqlite3.Error)
"""What a commit may raise."""
_quoted = json.encoder.encode_basestring_ascii
_write = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def told(document: Mapping[str, Any], status: int = 200) -> Reply:
    """A document."""
    return Reply(status, _write(document).encode())


def refusal(refused: ClaimRefused, asker: Caller) -> Reply:
    """A refusal, with the status that its code has; a holder's token is for the holder alone."""
    document = answers.refusal_document(refused)
    holder = document["error"].get("holder")
    if holder is not None and asker.uid:
        document["error"]["holder"] = _without_secrets(holder, asker.uid)
    return told(document, STATUSES[refused.code])


def fault(failed: BaseException) -> Reply:
    """What could not be done for want of a disk, or a store; nothing has happened."""
    full = isinstance(failed, NotWritten)
    said = str(failed) if isinstance(failed, PortbookError) else "the store of claims failed"
    error = {"code": "not_written" if full else "fault", "message": said}
    hint = getattr(failed, "hint", None)
    return told({"error": {**error, **({"hint": hint} if hint else {})}}, 507 if full else 500)


def no_route(none: NoRoute) -> Reply:
    """404, or 405 with what is allowed."""
    if none.allow:
        said = f"This is answered to {none.allow} alone."
        return told(_error("no_method", said), 405)._replace(allow=none.allow)
    return told(_error("not_found", "There is nothing under this path."), 404)


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def told_claims(claims: tuple[Claim, ...], now: int, secret: bytes) -> Reply:
    """What was claimed, to whom it was given: with the secrets.

    The same as answers.claim_document, written by hand: it is half of all answers, and the general
    way takes four times as long (measured).
    """
    made = ",".join(
        claim_text(each, now, claim_secret(secret, each.id, each.token).hex()) for each in claims
    )
    return Reply(201, b'{"claims":[%b]}' % made.encode())


def claim_text(claim: Claim, now: int, secret: str) -> str:
    """One claim as JSON, with its secret last."""
    labels = _write(dict(claim.labels)) if claim.labels else "{}"
    bound = "null" if claim.bound is None else _write(claim.bound._asdict())
    name, key, created, renewed = claim.name, claim.key, int(claim.created), int(claim.renewed)
    begun = _moment(created)
    return (
        f'{{"id":{_quoted(claim.id)},"token":{claim.token},"epoch":{claim.epoch},'
        f'"port":{claim.port},"count":{claim.size},"transport":"{claim.transport}",'
        f'"address":{_quoted(claim.address)},"name":{"null" if name is None else _quoted(name)},'
        f'"key":{"null" if key is None else _quoted(key)},"owner":{_owner_text(claim.owner)},'
        f'"state":"{claim.state}","ttl_ms":{claim.ttl_ms},'
        f'"expires_in_ms":{max(0, claim.expires_ms - now)},"created":"{begun}",'
        f'"renewed":"{begun if renewed == created else _moment(renewed)}",'
        f'"hold":{"true" if claim.hold else "false"},"bound":{bound},"labels":{labels},'
        f'"secret":"{secret}"}}'
    )


@lru_cache(16)
def _moment(seconds: int) -> str:
    return clock.iso(seconds)


@lru_cache(64)
def _owner_text(owner: Caller) -> str:
    return _write(answers.owner_document(owner))


def told_permit(permit: Permit, desk: "Desk") -> Reply:
    """Units of a semaphore, to whom they were given."""
    in_use = sum(
        each.units
        for state in desk.store.semaphores()
        if state.name == permit.semaphore
        for each in state.held
    )
    made = answers.permit_document(permit, desk.now())
    return told({"permit": made, "token": permit.token, "in_use": in_use, "limit": permit.limit})


def told_place(place: Waiter | None, desk: "Desk") -> Reply:
    """All units are held until now; the place in the queue, where it is kept."""
    said = "the units were not to be had in time"
    document: dict[str, Any] = answers.refusal_document(ClaimRefused("timeout", said))
    if place is not None:
        document["waiter"] = answers.waiter_document(place, desk.now())
    return told(document, 408)


def told_events(desk: "Desk", asker: Caller, since: int) -> Reply:
    """The events after `since`.

    Raises:
        ClaimRefused: `compacted`.
    """
    events = desk.events_after(since)
    made = [event_document(each, asker) for each in events]
    return told({"events": made, "last": events[-1].id if events else desk.committed})


_SECRET = ("token", "labels", "request_id", "secret")


def event_document(event: ClaimEvent, asker: Caller) -> dict[str, Any]:
    """An event as JSON, without what is another user's alone."""
    body = event.body
    if asker.uid:
        body = _without_secrets(body, asker.uid)
    return {"id": event.id, "at": clock.iso(event.at), "kind": event.kind, "body": body}


def _without_secrets(body: Any, uid: int) -> Any:
    """What another may see of an event: everything, if the one whose it is says so."""
    owner = body.get("owner") if isinstance(body, dict) else None
    whose = owner.get("uid") if isinstance(owner, dict) else None
    if not isinstance(body, dict) or (whose if whose is not None else body.get("uid")) == uid:
        return body
    return {name: value for name, value in body.items() if name not in _SECRET}


def shown_claim(claim: Claim, asker: Caller, now: int) -> dict[str, Any]:
    """A claim as JSON; token and labels are for its owner and root alone."""
    if asker.uid not in (0, claim.owner.uid):
        claim = claim._replace(token=0, labels=())
    return answers.claim_document(claim, now)


def shown_semaphore(state: SemaphoreState, asker: Caller, now: int) -> dict[str, Any]:
    """A semaphore as JSON; tokens and the names of requests are for their owners and root."""
    if asker.uid:
        held = tuple(
            each if each.owner.uid == asker.uid else each._replace(token=0) for each in state.held
        )
        waiting = tuple(
            each if each.owner.uid == asker.uid else each._replace(request_id="")
            for each in state.waiting
        )
        state = state._replace(held=held, waiting=waiting)
    return answers.semaphore_document(state, now)
