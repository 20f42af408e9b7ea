"""The events made again: from a snapshot and what came after it, the tables as they are now."""

from collections.abc import Iterable

from portbook.claims.answers import caller_of
from portbook.model.claim import Bound, Claim, ClaimEvent, Permit, Reservation
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ENDED = ("released", "expired", "died", "voided")
_PERMIT_ENDED = ("permit-released", "permit-expired", "permit-died")


class Tables(Record):
    """Live claims and permits, oldest first, and reservations, by port."""

    claims: tuple[Claim, ...] = ()
    permits: tuple[Permit, ...] = ()
    reservations: tuple[Reservation, ...] = ()


def replay(events: Iterable[ClaimEvent], start: Tables | None = None) -> Tables:
    """Make the changes again that `events` tell of, beginning with `start`.

    Raises:
        KeyError: an event is missing or foreign.
    """
    begun = start or Tables()
    claims = {claim.id: claim for claim in begun.claims}
    permits = {permit.id: permit for permit in begun.permits}
    reservations = {(each.uid, each.key): each for each in begun.reservations}
    for event in events:
        kind, body = event.kind, event.body
        if kind == "claimed":
            claims[body["id"]] = claim_from(body)
        elif kind in ("renewed", "transferred"):
            claims[body["id"]] = _renewed(claims[body["id"]], body)
        elif kind in ("bound", "squatted", "unbound"):
            bound = body["bound"]
            claims[body["id"]] = claims[body["id"]]._replace(
                state=body["state"], bound=None if bound is None else Bound(**bound)
            )
        elif kind in _PERMIT_ENDED or (kind == "voided" and "semaphore" in body):
            del permits[body["id"]]
        elif kind in _ENDED:
            del claims[body["id"]]
        elif kind == "acquired":
            permits[body["id"]] = permit_from(body)
        elif kind == "permit-renewed":
            permits[body["id"]] = permits[body["id"]]._replace(
                **{name: body[name] for name in ("ttl_ms", "expires_ms", "renewed")}
            )
        elif kind == "reserved":
            reservations[body["uid"], body["key"]] = Reservation(**body)
        elif kind == "unreserved":
            del reservations[body["uid"], body["key"]]
    return Tables(
        tuple(claims.values()),
        tuple(permits.values()),
        tuple(sorted(reservations.values(), key=lambda each: each.port)),
    )


def permit_from(body: "dict[str, Any]") -> Permit:
    """The permit of claims.changes.permit_body."""
    return Permit(**{**body, "owner": caller_of(body["owner"])})


def claim_from(body: "dict[str, Any]") -> Claim:
    """The claim of claims.changes.claim_body."""
    bound = body["bound"]
    return Claim(
        **{
            **body,
            "owner": caller_of(body["owner"]),
            "bound": None if bound is None else Bound(**bound),
            "labels": tuple((name, text) for name, text in body["labels"]),
        }
    )


def _renewed(claim: Claim, body: "dict[str, Any]") -> Claim:
    owner = body.get("owner")
    return claim._replace(
        token=body["token"],
        ttl_ms=body["ttl_ms"],
        expires_ms=body["expires_ms"],
        renewed=body["renewed"],
        seq=body["seq"],
        owner=claim.owner if owner is None else caller_of(owner),
    )
