"""The claims of a store as a state machine in memory: no file, no clock, no process is looked at.

What a commit has to write is noted in `changes`; claims.sqlite writes it, and a ledger alone keeps
it nowhere: it is a whole `Store` all the same (claims.store has the words of every method).
"""

from collections.abc import Callable

from portbook.claims.allotment import Block, Search, check_port, check_size
from portbook.claims.changes import (
    KEPT_EVENTS,
    bound_body,
    caller_body,
    claim_body,
    ended_body,
    lease_body,
    new_id,
)
from portbook.claims.fencing import check_fence
from portbook.claims.leases import check_mine, check_texts, check_ttl
from portbook.claims.lifetimes import Lifetimes
from portbook.claims.replay import Tables, replay
from portbook.claims.reserving import keep_number, reserve, unreserve
from portbook.model.claim import (
    EVERY_ADDRESS,
    Bound,
    Caller,
    Claim,
    ClaimEvent,
    ClaimRefused,
    ClaimRequest,
    Fence,
    Permit,
    PermitRequest,
    Reservation,
    ReservationRequest,
    SemaphoreState,
    Waiter,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.claims.store import InUse, Numbers

__all__ = ["Ledger", "Tables", "replay"]

_MOST_SEQ = 2**63 - 1
"""The largest number that SQLite and PostgreSQL keep."""
_KINDS = {"reserved": "unbound", "bound": "bound", "squatted": "squatted"}


class Ledger(Lifetimes):
    """Claims, permits and reservations in memory; see Lifetimes for how it begins."""

    def __init__(
        self,
        *,
        draw: Callable[[], int],
        wall: Callable[[], float],
        epoch: int = 1,
        secret: bytes = bytes(32),
        home: int | None = None,
    ) -> None:
        super().__init__(draw=draw, wall=wall, epoch=epoch, secret=secret, home=home)
        self._log: list[ClaimEvent] = []

    # Claims.

    def acquire(
        self,
        request: ClaimRequest,
        asker: Caller,
        owner: Caller,
        now: int,
        numbers: "Numbers",
        in_use: "InUse",
    ) -> tuple[Claim, ...]:
        """See claims.store.Store."""
        if request.size != 1:
            check_size(request.size)
        check_port(request.port, request.size)
        check_ttl(request.ttl_ms)
        check_mine(asker, owner.uid)
        check_texts(request.name, request.key, request.project, request.request_id, owner.label)
        for label in request.labels:
            check_texts(*label)
        if not request.transports or not {"tcp", "udp"}.issuperset(request.transports):
            raise ClaimRefused("invalid", "transports are tcp and udp")
        address = request.address
        if address != EVERY_ADDRESS:
            address = _address(address)
        self._expire(now)
        if request.request_id is not None:
            known = self.requests.find((asker.uid, request.request_id))
            if known is not None:
                return self._again(request.request_id, known, request.port)
        own = None if request.key is None else (asker.uid, request.key)
        search = Search(self.ports, owner.netns, request.transports, address, own, in_use, now)
        blocks: list[Block]
        if own is not None:
            blocks = [keep_number(request, own, self.ports, self.changes, search, numbers)]
        elif request.port is not None:
            search.exact(request.port, request.size)
            blocks = [(request.port, request.size)]
        elif request.contiguous:
            blocks = search.pool(request, numbers, request.size, 1)
        else:
            blocks = search.pool(request, numbers, 1, request.size)
        return tuple(
            self._grant(request, asker.uid, owner, now, (port, size, transport, address))
            for port, size in blocks
            for transport in request.transports
        )

    def _again(
        self, request_id: str, known: tuple[tuple[str, int], ...], port: int | None
    ) -> tuple[Claim, ...]:
        """The claims of a request that comes again, while all live and none was handed on."""
        found = [self.ports.live.get(claim_id) for claim_id, _ in known]
        same = tuple(
            claim
            for claim, (_, token) in zip(found, known, strict=True)
            if claim is not None and claim.token == token
        )
        if len(same) != len(known):
            raise ClaimRefused("lost", f"what request {request_id} was given has ended")
        if port is not None and same[0].port != port:
            raise ClaimRefused("invalid", f"{request_id} was for {same[0].port}")
        return same

    def _grant(
        self,
        request: ClaimRequest,
        asker: int,
        owner: Caller,
        now: int,
        place: tuple[int, int, str, str],
    ) -> Claim:
        port, size, transport, address = place
        changes = self.changes
        at = changes.wall()
        token = changes.draw()
        claim = Claim(
            new_id(),
            token,
            self.epoch,
            transport,
            address,
            port,
            size,
            owner,
            request.name,
            request.key,
            "reserved",
            request.ttl_ms,
            now + request.ttl_ms,
            at,
            at,
            request.hold,
            None,
            0,
            request.request_id,
            request.labels,
        )
        self.requests.add(asker, request.request_id, claim.id, token)
        self._enter(claim)
        changes.claims.add(claim.id)
        changes.tell("claimed", claim_body(claim))
        return claim

    def _live(self, claim_id: str) -> Claim:
        claim = self.ports.live.get(claim_id)
        if claim is None:
            if claim_id in self.ended:
                raise ClaimRefused("lost", f"the claim {claim_id} has ended")
            raise ClaimRefused("not_found", f"there is no claim {claim_id}")
        return claim

    def _owned(self, claim_id: str, token: int, asker: Caller, now: int) -> Claim:
        """A live claim that `asker` may change with this token.

        Raises:
            ClaimRefused: not_found, not_yours, lost, bad_token.
        """
        self._expire(now)
        claim = self.ports.live.get(claim_id)
        if claim is None:
            ended = self.ended.get(claim_id)
            if ended is not None:
                check_mine(asker, ended.record.owner.uid)
            return self._live(claim_id)
        check_mine(asker, claim.owner.uid)
        if claim.token != token:
            raise ClaimRefused("bad_token", f"{token} is not the token of claim {claim_id}")
        return claim

    def _changed(self, old: Claim, new: Claim) -> None:
        self.ports.live[new.id] = new
        if new.owner.pid is None and (new.expires_ms < old.expires_ms or old.owner.pid is not None):
            self._deadlines.put(new.expires_ms, new.id)
        self.changes.claims.add(new.id)

    def renew(
        self, claim_id: str, token: int, ttl_ms: int | None, asker: Caller, now: int
    ) -> Claim:
        """See claims.store.Store."""
        if ttl_ms is not None:
            check_ttl(ttl_ms)
        claim = self._owned(claim_id, token, asker, now)
        ttl = claim.ttl_ms if ttl_ms is None else ttl_ms
        return self._renewed(
            claim, claim._replace(ttl_ms=ttl, expires_ms=now + ttl, renewed=self.changes.wall())
        )

    def _renewed(self, old: Claim, new: Claim) -> Claim:
        self._changed(old, new)
        self.changes.tell("renewed", lease_body(new))
        return new

    def heartbeat(self, claim_id: str, token: int, seq: int, now: int) -> Claim:
        """See claims.store.Store."""
        self._expire(now)
        claim = self._live(claim_id)
        if claim.token != token:
            raise ClaimRefused("bad_token", f"{token} is not the token of claim {claim_id}")
        if not claim.seq < seq <= _MOST_SEQ:
            raise ClaimRefused("invalid", f"{seq} is not above {claim.seq}, or too large")
        renewed = claim._replace(
            seq=seq, expires_ms=now + claim.ttl_ms, renewed=self.changes.wall()
        )
        return self._renewed(claim, renewed)

    def release(self, claim_id: str, token: int, asker: Caller, now: int) -> bool:
        """See claims.store.Store."""
        try:
            claim = self._owned(claim_id, token, asker, now)
        except ClaimRefused as refused:
            if refused.code == "lost":
                return False
            raise
        self._end(claim, "released", now)
        return True

    def transfer(self, claim_id: str, token: int, to: Caller, asker: Caller, now: int) -> Claim:
        """See claims.store.Store."""
        claim = self._owned(claim_id, token, asker, now)
        check_texts(to.label)
        if to.uid != claim.owner.uid and asker.uid != 0:
            raise ClaimRefused("not_yours", "only root gives a claim to another user")
        if self.ports.namespace(to.netns) != self.ports.namespace(claim.owner.netns):
            raise ClaimRefused("invalid", "the new owner is in another network namespace")
        given = claim._replace(
            token=self.changes.draw(),
            owner=to,
            expires_ms=now + claim.ttl_ms,
            renewed=self.changes.wall(),
        )
        self._changed(claim, given)
        self.changes.tell("transferred", {**lease_body(given), "owner": caller_body(to)})
        return given

    def fence(self, resource: str, token: int, asker: Caller, now: int) -> Fence:
        """See claims.store.Store."""
        self._expire(now)
        self.sems.expire(now)
        return check_fence(resource, token, asker, self.ports, self.ended, self.sems)

    def mark(self, claim_id: str, state: str, bound: Bound | None, now: int) -> Claim | None:
        """See claims.store.Store."""
        if state not in _KINDS:
            raise ClaimRefused("invalid", f"no claim becomes {state}")
        self._expire(now)
        claim = self.ports.live.get(claim_id)
        if claim is None or (claim.state == state and claim.bound == bound):
            return claim
        marked = claim._replace(state=state, bound=bound)
        self._changed(claim, marked)
        body = {**ended_body(marked), "state": state, "bound": bound_body(bound)}
        self.changes.tell(_KINDS[state], body)
        return marked

    # Reservations.

    def reserve(
        self,
        request: ReservationRequest,
        asker: Caller,
        now: int,
        numbers: "Numbers",
        in_use: "InUse",
    ) -> Reservation:
        """See claims.store.Store."""
        self._expire(now)
        return reserve(request, asker, self.ports, self.changes, now, numbers, in_use)

    def unreserve(self, key: str, asker: Caller, now: int) -> bool:  # noqa: ARG002 - Store has it for stores that keep time in the file
        """See claims.store.Store."""
        return unreserve(key, asker, self.ports, self.changes)

    # Permits.

    def acquire_permit(
        self, request: PermitRequest, asker: Caller, owner: Caller, now: int, *, wait: bool
    ) -> Permit | Waiter:
        """See claims.store.Store."""
        return self.sems.acquire(request, asker, owner, now, wait=wait)

    def renew_permit(
        self, permit_id: str, token: int, ttl_ms: int | None, asker: Caller, now: int
    ) -> Permit:
        """See claims.store.Store."""
        return self.sems.renew(permit_id, token, ttl_ms, asker, now)

    def release_permit(self, permit_id: str, token: int, asker: Caller, now: int) -> bool:
        """See claims.store.Store."""
        return self.sems.release(permit_id, token, asker, now)

    def cancel_wait(self, request_id: str, asker: Caller, now: int) -> bool:
        """See claims.store.Store."""
        return self.sems.cancel(request_id, asker, now)

    # What is to be read.

    def claims(self) -> tuple[Claim, ...]:
        """See claims.store.Store."""
        return tuple(self.ports.live.values())

    def claim(self, claim_id: str) -> Claim | None:
        """See claims.store.Store."""
        found = self.ports.live.get(claim_id)
        if found is None and claim_id in self.ended:
            return self.ended[claim_id].record
        return found

    def claim_on(self, transport: str, port: int) -> Claim | None:
        """As Store.claim_on."""
        found = self.ports.at(transport, port)
        return found[0] if found else None

    def reservations(self) -> tuple[Reservation, ...]:
        """See claims.store.Store."""
        return tuple(sorted(self.ports.reserved.values(), key=lambda each: each.port))

    def permit(self, permit_id: str) -> Permit | None:
        """See claims.store.Store."""
        return self.sems.permits.get(permit_id)

    def permit_of(self, request_id: str, uid: int) -> Permit | Waiter | None:
        """See claims.store.Store."""
        return self.sems.of_request(request_id, uid)

    def is_waiting(self, request_id: str, uid: int) -> bool:
        """See claims.store.Store."""
        return (uid, request_id) in self.sems.waiting

    def semaphores(self) -> tuple[SemaphoreState, ...]:
        """See claims.store.Store."""
        return self.sems.states()

    def events(self, since: int, limit: int = 500) -> tuple[ClaimEvent, ...]:
        """See claims.store.Store."""
        log = self._log + self.changes.events
        first = log[0].id if log else self.changes.last + 1
        if since + 1 < first:
            raise ClaimRefused("compacted", f"events before {first} are no longer kept")
        start = since + 1 - first
        return tuple(log[start : start + limit])

    def last_event(self) -> int:
        """See claims.store.Store."""
        return self.changes.last

    def commit(self) -> None:
        """See claims.store.Store; here there is nothing to write."""
        self._log.extend(self.changes.events)
        self.changes.written()
        if len(self._log) > 2 * KEPT_EVENTS:
            del self._log[:-KEPT_EVENTS]

    def close(self) -> None:
        """See claims.store.Store."""


def _address(text: str) -> str:
    """An address in its usual form.

    Raises:
        ClaimRefused: invalid.
    """
    from ipaddress import ip_address

    if "%" in text:
        # A zone may be any text, and names another address in each namespace.
        raise ClaimRefused("invalid", "an address with a zone cannot be claimed")
    try:
        return str(ip_address(text))
    except ValueError:
        raise ClaimRefused("invalid", f"{text[:60]!r} is no address") from None
