"""A port's claims and a counting semaphore as they would be with one caller at a time.

A lease runs out no earlier than its `ends` (nanoseconds) and perhaps much later, so an answer that
needs it to have ended is right from then on; whether it ended too early is what is checked. A grant
whose answer was lost has a token that nobody knows: it stands as a negative number until seen.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from claims.proof.linearizability import Model, Operation, State

GRANTS = ("claim", "acquire")
HELD = "held"
FULL = "full"
LOST = "lost"
OK = "ok"
ENDED = "ended"
"""Of a release that was sent again: it is over, and by which of the two nobody knows."""
NOTHING = "nothing"
"""An answer that changes nothing and is right at any time: refused for another reason."""


_SAID = {
    "claim": (HELD,),
    "acquire": (FULL,),
    "again": (LOST,),
    "renew": (OK, LOST),
    "release": (ENDED,),
    "look": (),
}
"""The words that may be answered; any other (`not_found`, `bad_token`) is wrong in itself."""


class Lease(NamedTuple):
    """Who has it: `token` 0 nobody. `over`: it was seen to have run out, and is final."""

    token: int = 0
    ends: int | None = None
    free: int | None = None
    over: bool = False
    highest: int = 0


def _past(moment: int | None, operation: Operation) -> bool:
    """Whether that moment may have come before the operation took effect; None never comes."""
    return moment is not None and (operation.ret is None or operation.ret >= moment)


def port_model(granted: frozenset[int]) -> Model:
    """The claim register of one port; `granted` are the tokens that clients know."""

    def holds(lease: Lease, operation: Operation) -> bool:
        return lease.token == operation.token != 0 and not lease.over

    def maybe_over(lease: Lease, operation: Operation) -> bool:
        return lease.token != operation.token or lease.over or _past(lease.ends, operation)

    def over(lease: Lease, operation: Operation) -> Lease:
        return lease._replace(over=True) if lease.token == operation.token else lease

    def claim(lease: Lease, operation: Operation) -> tuple[State, ...]:
        answer = operation.answer
        if answer == HELD:
            return (lease,) if lease.token else ()
        if lease.token and not _past(lease.free, operation):
            return ()
        token = -1 - operation.call if answer is None else answer
        if 0 < token <= lease.highest:
            return ()
        return (Lease(token, operation.ends, operation.free, False, max(lease.highest, token)),)

    def again(lease: Lease, operation: Operation) -> tuple[State, ...]:
        """The request that had been granted, sent once more."""
        if operation.answer == LOST:
            return (over(lease, operation),) if maybe_over(lease, operation) else ()
        right = holds(lease, operation) and operation.answer == operation.token
        return (lease,) if right else ()

    def renew(lease: Lease, operation: Operation) -> tuple[State, ...]:
        if operation.answer == LOST:
            return (over(lease, operation),) if maybe_over(lease, operation) else ()
        if holds(lease, operation):
            return (lease._replace(ends=operation.ends, free=operation.free),)
        return (lease,) if operation.ret is None else ()

    def release(lease: Lease, operation: Operation) -> tuple[State, ...]:
        free = Lease(highest=lease.highest)
        if operation.answer is True:
            return (free,) if holds(lease, operation) else ()
        if operation.answer is False:
            return (over(lease, operation),) if maybe_over(lease, operation) else ()
        released = (free,) if holds(lease, operation) else ()
        if operation.answer is None:
            return released or (lease,)
        # Sent again: the first may have released it, or it ran out and its port is kept.
        ran_out = (over(lease, operation),) if maybe_over(lease, operation) else ()
        return released + ran_out

    def look(lease: Lease, operation: Operation) -> tuple[State, ...]:
        seen = operation.answer
        if not seen:
            gone = not lease.token or lease.over or _past(lease.ends, operation)
            return (lease._replace(over=True) if lease.token else lease,) if gone else ()
        if lease.over:
            return ()
        if lease.token == seen:
            return (lease,)
        if lease.token < 0 and seen not in granted and seen > lease.highest:
            return (lease._replace(token=seen, highest=seen),)
        return ()

    return Model(Lease(), _steps(claim=claim, again=again, renew=renew, release=release, look=look))


def _steps(
    **kinds: Callable[[State, Operation], tuple[State, ...]],
) -> Callable[[State, Operation], tuple[State, ...]]:
    def step(state: State, operation: Operation) -> tuple[State, ...]:
        answer = operation.answer
        if answer == NOTHING or (operation.ret is None and operation.what == "look"):
            return (state,)
        if isinstance(answer, str) and answer not in _SAID[operation.what]:
            return ()
        return kinds[operation.what](state, operation)

    return step


class Held(NamedTuple):
    """One unit of a semaphore."""

    token: int
    ends: int | None


def semaphore_model(limit: int, granted: frozenset[int]) -> Model:
    """A semaphore whose permits are of one unit each."""

    def certain(state: frozenset[Held], operation: Operation) -> int:
        return sum(not _past(each.ends, operation) for each in state)

    def find(state: frozenset[Held], token: int) -> Held | None:
        return next((each for each in state if each.token == token), None)

    def acquire(state: frozenset[Held], operation: Operation) -> tuple[State, ...]:
        if operation.answer == FULL:
            return (state,) if len(state) >= limit else ()
        if certain(state, operation) >= limit:
            return ()
        token = -1 - operation.call if operation.answer is None else operation.answer
        return (state | {Held(token, operation.ends)},)

    def again(state: frozenset[Held], operation: Operation) -> tuple[State, ...]:
        held = find(state, operation.token)
        if operation.answer == LOST:
            gone = held is None or _past(held.ends, operation)
            return (state - {held},) if gone else ()
        return (state,) if held and operation.answer == operation.token else ()

    def renew(state: frozenset[Held], operation: Operation) -> tuple[State, ...]:
        held = find(state, operation.token)
        if operation.answer == LOST:
            gone = held is None or _past(held.ends, operation)
            return (state - {held},) if gone else ()
        if held is None:
            return (state,) if operation.ret is None else ()
        return (state - {held} | {Held(held.token, operation.ends)},)

    def release(state: frozenset[Held], operation: Operation) -> tuple[State, ...]:
        held = find(state, operation.token)
        if operation.answer is True:
            return (state - {held},) if held else ()
        if operation.answer is False and held is not None and not _past(held.ends, operation):
            return ()
        return (state - {held},)

    def look(state: frozenset[Held], operation: Operation) -> tuple[State, ...]:
        seen = frozenset(operation.answer)
        strange = sorted(seen - {each.token for each in state})
        nameless = sorted(each for each in state if each.token < 0)
        if len(strange) > len(nameless) or any(token in granted for token in strange):
            return ()
        state -= set(nameless[: len(strange)])
        named = zip(strange, nameless, strict=False)
        state |= {Held(token, each.ends) for token, each in named}
        gone = {each for each in state if each.token not in seen}
        if not all(_past(each.ends, operation) for each in gone):
            return ()
        return (state - gone,)

    kinds = _steps(acquire=acquire, again=again, renew=renew, release=release, look=look)
    return Model(frozenset(), kinds)


def tokens_of(operations: Iterable[Operation]) -> frozenset[int]:
    """Tokens that some client was given."""
    return frozenset(
        each.answer for each in operations if each.what in GRANTS and isinstance(each.answer, int)
    )


def models(operations: Iterable[Operation], limit: int) -> Callable[[str], Model]:
    """The model of each object of a history: `sem:NAME` is a semaphore, all else is a port."""
    granted = tokens_of(operations)

    def model_of(key: str) -> Model:
        return semaphore_model(limit, granted) if key.startswith("sem:") else port_model(granted)

    return model_of
