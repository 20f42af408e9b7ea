"""The calls of the service: what each request of claims.routes does at the desk."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from portbook.claims import answers, wire
from portbook.claims.datagram import claim_secret
from portbook.claims.queues import WORTH_WAITING
from portbook.claims.replies import (
    shown_claim,
    shown_semaphore,
    told,
    told_claims,
    told_events,
)
from portbook.claims.routes import Asked, Reply, number, query_fields
from portbook.host import clock, lives
from portbook.model import LAST_PORT
from portbook.model.claim import Caller, Claim, ClaimRefused
from portbook.model.version import __version__

if TYPE_CHECKING:
    from portbook.claims.desk import Desk

Answer = Callable[[Any], None]
_MOST_EVENT = 2**53 - 1


class Calls:
    """The calls of one desk by the names of claims.routes.

    `reads` change nothing and see what is committed. `writes` return a Reply for after the commit,
    or how to stop waiting for one.
    """

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self.writes: dict[str, Callable[[Asked, list[str], Answer], Any]] = {
            "claim": self._claim,
            "renew": self._renew,
            "release": self._release,
            "transfer": self._transfer,
            "reserve": self._reserve,
            "unreserve": self._unreserve,
            "acquire": self._acquire,
            "renew_permit": self._renew_permit,
            "release_permit": self._release_permit,
            "cancel_wait": self._cancel_wait,
            "fence": self._fence,
            "events": self._events,
        }
        self.reads: dict[str, Callable[[Asked, list[str]], Reply]] = {
            "claims": self._claims,
            "claim_shown": self._claim_shown,
            "fetch": self._fetch,
            "reservations": self._reservations,
            "reservation_shown": self._reservation_shown,
            "semaphores": self._semaphores,
            "status": self._status,
        }

    # Claims

    def _claim(self, asked: Asked, _parts: list[str], answer: Answer) -> Any:
        desk = self._desk
        request = wire.claim_request(wire.read_object(asked.body))
        owner = self.owner(asked, request.watch_pid, request.label)
        if request.hold and owner.netns not in (None, lives.namespace_of("self", "net")):
            raise wire.invalid("a port of another network namespace cannot be held here")
        try:
            claims = desk.claim_now(request, asked.asker, owner)
        except ClaimRefused as refused:
            if not request.wait_ms or refused.code not in WORTH_WAITING:
                raise
            return desk.queues.wait_for_port(asked.asker, owner, request, refused, answer)
        return told_claims(claims, desk.now(), desk.secret)

    def owner(self, asked: Asked, pid: int | None, label: str | None) -> Caller:
        """Whose life keeps a lease.

        Raises:
            ClaimRefused: `invalid`: there is no such process, or it is not the asker's to name.
        """
        asker = asked.asker
        if pid is None:
            return Caller(asker.uid, label=label)
        if asked.over_unix and (not asker.pid or not lives.is_near(asker.pid)):
            raise wire.invalid("watch_pid: your processes cannot be told apart from here")
        owner = lives.caller(asker.uid, pid, label=label)
        # One that dropped privileges may show root's uid in /proc: then it is not the asker's.
        if owner.start is None or (asker.uid != 0 and lives.uid_of(pid) != asker.uid):
            raise wire.invalid(f"watch_pid: there is no process {pid} of yours")
        return owner

    def _renew(self, asked: Asked, parts: list[str], _answer: Answer) -> Reply:
        token, ttl_ms = wire.lease_fields(wire.read_object(asked.body))
        desk = self._desk
        now = desk.ready()
        claim = desk.store.renew(parts[1], token, ttl_ms, asked.asker, now)
        desk.expect(claim.expires_ms, now)
        return told(answers.claim_document(claim, now))

    def _release(self, asked: Asked, parts: list[str], _answer: Answer) -> Reply:
        desk = self._desk
        if not desk.store.release(parts[1], _token(asked), asked.asker, desk.ready()):
            return _NOT_RELEASED
        desk.holds.drop(parts[1])
        desk.freed()
        return _RELEASED

    def _transfer(self, asked: Asked, parts: list[str], _answer: Answer) -> Reply:
        token, pid = wire.transfer_fields(wire.read_object(asked.body))
        desk = self._desk
        now = desk.ready()
        owner = self.owner(asked, pid, None)
        if asked.asker.uid == 0:
            # Root gives it to the user whose process it is.
            owner = owner._replace(uid=lives.uid_of(pid) or 0)
        claim = desk.store.transfer(parts[1], token, owner, asked.asker, now)
        desk.watch(owner, now)
        desk.expect(claim.expires_ms, now)
        secret = claim_secret(desk.secret, claim.id, claim.token).hex()
        return told({**answers.claim_document(claim, now), "secret": secret})

    def _fetch(self, asked: Asked, parts: list[str]) -> Reply:
        """Asked for after the commit of what else is under way: a descriptor is not undone."""
        token, _ = wire.lease_fields(wire.read_object(asked.body))
        if not asked.over_unix:
            raise ClaimRefused("not_held", "a socket is handed over on the Unix socket alone")
        desk = self._desk
        claim = desk.store.claim(parts[1])
        if claim is None:
            raise _not_found("claim", parts[1])
        if not desk.store.fence(parts[1], token, asked.asker, desk.ready()).current:
            raise ClaimRefused("bad_token", "the token is not the newest of this claim")
        return told({"id": claim.id})._replace(fd=desk.holds.give(claim.id))

    def _fence(self, asked: Asked, _parts: list[str], _answer: Answer) -> Reply:
        resource, token = wire.fence_fields(wire.read_object(asked.body))
        found = self._desk.store.fence(resource, token, asked.asker, self._desk.ready())
        return told(found._asdict())

    def _claims(self, asked: Asked, _parts: list[str]) -> Reply:
        fields = query_fields(asked.query, ("port", "owner", "name"))
        port = number(fields, "port", LAST_PORT, -1)
        owner = number(fields, "owner", 2**32 - 1, -1)
        now = self._desk.now()
        found = [
            shown_claim(each, asked.asker, now)
            for each in self._desk.store.claims()
            if (port < 0 or each.port <= port < each.port + each.size)
            and (owner < 0 or each.owner.uid == owner)
            and fields.get("name", each.name) == each.name
        ]
        return told({"claims": found})

    def _claim_shown(self, asked: Asked, parts: list[str]) -> Reply:
        claim: Claim | None = self._desk.store.claim(parts[1])
        if claim is None:
            raise _not_found("claim", parts[1])
        return told(shown_claim(claim, asked.asker, self._desk.now()))

    # Reservations

    def _reserve(self, asked: Asked, parts: list[str], _answer: Answer) -> Reply:
        request = wire.reservation_request(parts[1], wire.read_object(asked.body))
        return told(answers.reservation_document(self._desk.reserve_now(request, asked.asker)))

    def _unreserve(self, asked: Asked, parts: list[str], _answer: Answer) -> Reply:
        desk = self._desk
        if not desk.store.unreserve(parts[1], asked.asker, desk.ready()):
            return _NOT_RELEASED
        desk.freed()
        return _RELEASED

    def _reservations(self, _asked: Asked, _parts: list[str]) -> Reply:
        found = self._desk.store.reservations()
        return told({"reservations": [answers.reservation_document(each) for each in found]})

    def _reservation_shown(self, asked: Asked, parts: list[str]) -> Reply:
        found = [each for each in self._desk.store.reservations() if each.key == parts[1]]
        own = [each for each in found if each.uid == asked.asker.uid]
        for each in (*own, *found):
            return told(answers.reservation_document(each))
        raise _not_found("reservation", parts[1])

    # Semaphores

    def _acquire(self, asked: Asked, parts: list[str], answer: Answer) -> Any:
        request = wire.permit_request(parts[1], wire.read_object(asked.body))
        owner = self.owner(asked, request.watch_pid, request.label)
        return self._desk.queues.acquire(asked.asker, owner, request, answer)

    def _renew_permit(self, asked: Asked, parts: list[str], _answer: Answer) -> Reply:
        token, ttl_ms = wire.lease_fields(wire.read_object(asked.body))
        desk = self._desk
        now = desk.ready()
        permit = desk.store.renew_permit(parts[3], token, ttl_ms, asked.asker, now)
        desk.expect(permit.expires_ms, now)
        return told(answers.permit_document(permit, now))

    def _release_permit(self, asked: Asked, parts: list[str], _answer: Answer) -> Reply:
        desk = self._desk
        if not desk.store.release_permit(parts[3], _token(asked), asked.asker, desk.ready()):
            return _NOT_RELEASED
        desk.freed()
        return _RELEASED

    def _cancel_wait(self, asked: Asked, parts: list[str], _answer: Answer) -> Reply:
        desk = self._desk
        done = desk.store.cancel_wait(parts[3], asked.asker, desk.ready())
        desk.freed()
        return told({"cancelled": done})

    def _semaphores(self, asked: Asked, _parts: list[str]) -> Reply:
        now = self._desk.now()
        found = self._desk.store.semaphores()
        return told({"semaphores": [shown_semaphore(each, asked.asker, now) for each in found]})

    # The service

    def _events(self, asked: Asked, _parts: list[str], answer: Answer) -> Any:
        desk = self._desk
        fields = query_fields(asked.query, ("since", "wait_ms"))
        since = number(fields, "since", _MOST_EVENT, 0)
        wait_ms = number(fields, "wait_ms", wire.LONGEST_WAIT, 0)
        if not wait_ms or desk.events_after(since, 1):
            answer(told_events(desk, asked.asker, since))
            return None
        return desk.queues.wait_for_event(asked.asker, since, wait_ms, answer)

    def _status(self, asked: Asked, _parts: list[str]) -> Reply:
        made: dict[str, Any] = {"version": __version__, "via": "service"}
        if asked.admitted:
            import os

            desk = self._desk
            states = desk.store.semaphores()
            made |= {
                "epoch": desk.store.epoch,
                "pid": os.getpid(),
                "uptime_ms": int((clock.monotonic() - desk.began) * 1000),
                "durable": desk.durable,
                "claims": len(desk.store.claims()),
                "reservations": len(desk.store.reservations()),
                "permits": sum(len(each.held) for each in states),
                "waiting": len(desk.queues),
                "watched": len(desk.watches),
                "last_event": desk.committed,
            }
        return told(made)


def _token(asked: Asked) -> int:
    return number(query_fields(asked.query, ("token",)), "token", wire.MOST_TOKEN)


def _not_found(what: str, name: str) -> ClaimRefused:
    return ClaimRefused("not_found", f"there is no {what} {name[:100]!r}")


_RELEASED = told({"released": True})
_NOT_RELEASED = told({"released": False})
