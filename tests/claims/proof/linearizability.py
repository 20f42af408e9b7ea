"""Whether operations that ran at the same time could have run one by one, in some order.

The search is that of Wing and Gong ("Testing and Verifying Concurrent Objects", JPDC 1993) with
the memory of Lowe ("Testing for linearizability", Concurrency and Computation 2017): a set of
operations that were put in order and the state after them is tried once. What belongs to different
objects is checked object by object, which linearizability allows (Herlihy and Wing 1990, locality).

An operation whose outcome nobody knows (its client was cut off) has no end: it may take effect at
any time after its beginning, or never.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

State = Any
"""Of a model: hashable and never changed."""


class Operation(NamedTuple):
    """One call and what came of it; `call` and `ret` are nanoseconds of CLOCK_MONOTONIC.

    `key` names the object, `what` the kind of operation, `token` what it was about (0: nothing)
    and `answer` what was said. `ret` None: nobody knows what came of it, and `answer` is None.
    `ends` is the earliest time at which a lease that was given may run out, `free` the earliest at
    which its port may be given to another.
    """

    key: str
    what: str
    call: int
    ret: int | None
    token: int = 0
    answer: Any = None
    ends: int | None = None
    free: int | None = None
    client: int = 0


class Model(NamedTuple):
    """One object as it would be with one caller at a time.

    `step` gives the states after an operation with that answer: none where the answer was wrong,
    more than one where it leaves open what happened.
    """

    initial: State
    step: Callable[[State, Operation], tuple[State, ...]]


class Verdict(NamedTuple):
    """`order`: indexes of the operations, one by one, or the longest such beginning that there is.

    `tried` counts steps. A history that takes more than the allowed number is `undecided`.
    """

    linearizable: bool
    order: tuple[int, ...]
    tried: int
    undecided: bool = False


def check(operations: Sequence[Operation], model: Model, most_steps: int = 20_000_000) -> Verdict:
    """Search for an order of the operations on one object in which every answer is right."""
    known = [index for index, each in enumerate(operations) if each.ret is not None]
    unknown = sorted(
        (index for index, each in enumerate(operations) if each.ret is None),
        key=lambda index: operations[index].call,
    )
    # Entries 1..2n in order of time, as a doubly linked list with 0 before the first. Where a call
    # and a return have the same time they overlap, so the call comes first.
    ends = sorted(
        [(operations[index].call, 0, index) for index in known]
        + [(operations[index].ret or 0, 1, index) for index in known]
    )
    count = len(ends)
    operation_of = [0] * (count + 2)
    is_return = [False] * (count + 2)
    time_of = [0] * (count + 2)
    return_of = [0] * (count + 2)
    after = list(range(1, count + 3))
    before = list(range(-1, count + 1))
    opened: dict[int, int] = {}
    for entry, (time, kind, index) in enumerate(ends, 1):
        operation_of[entry], time_of[entry], is_return[entry] = index, time, kind == 1
        if kind:
            return_of[opened.pop(index)] = entry
        else:
            opened[index] = entry
    last = count + 1
    step = model.step
    state, done = model.initial, 0
    seen: set[tuple[int, Hashable]] = set()
    # A frame: (entry or, for an operation without end, -1 - its place in `unknown`; the return at
    # which that was tried; which successor; state and set before).
    stack: list[tuple[int, int, int, State, int]] = []
    best: tuple[int, ...] = ()
    entry, chosen, barrier, place = after[0], 0, 0, -1
    tried = 0

    def order() -> tuple[int, ...]:
        return tuple(operation_of[at] if at > 0 else unknown[-1 - at] for at, *_ in stack)

    while after[0] != last:
        if place < 0 and not is_return[entry]:
            index = operation_of[entry]
        else:
            # A return bars what begins after it; before going back, try what has no end.
            if place < 0:
                barrier, place = entry, 0
            while place < len(unknown) and done >> unknown[place] & 1:
                place, chosen = place + 1, 0
            if place == len(unknown) or operations[unknown[place]].call > time_of[barrier]:
                if len(stack) > len(best):
                    best = order()
                if not stack:
                    return Verdict(False, best, tried)
                at, barrier, chosen, state, done = stack.pop()
                chosen += 1
                if at > 0:
                    back = return_of[at]
                    after[before[back]], before[after[back]] = back, back
                    after[before[at]], before[after[at]] = at, at
                    entry, place = at, -1
                else:
                    place = -1 - at
                continue
            index = unknown[place]
        tried += 1
        if tried > most_steps:
            return Verdict(False, best, tried, undecided=True)
        successors = step(state, operations[index])
        with_it = done | 1 << index
        while chosen < len(successors) and (with_it, successors[chosen]) in seen:
            chosen += 1
        if chosen == len(successors):
            chosen = 0
            if place < 0:
                entry = after[entry]
            else:
                place += 1
            continue
        seen.add((with_it, successors[chosen]))
        if place < 0:
            stack.append((entry, 0, chosen, state, done))
            back = return_of[entry]
            after[before[entry]], before[after[entry]] = after[entry], before[entry]
            after[before[back]], before[after[back]] = after[back], before[back]
        else:
            stack.append((-1 - place, barrier, chosen, state, done))
        state, done = successors[chosen], with_it
        entry, chosen, place = after[0], 0, -1
    return Verdict(True, order(), tried)


def check_by_force(operations: Sequence[Operation], model: Model) -> bool:
    """The same question by trying every order: for a few operations, and to check the check."""

    def goes_on(left: frozenset[int], state: State) -> bool:
        if all(operations[index].ret is None for index in left):
            return True
        first_return = min(ret for index in left if (ret := operations[index].ret) is not None)
        return any(
            goes_on(left - {index}, following)
            for index in left
            if operations[index].call <= first_return
            for following in model.step(state, operations[index])
        )

    return goes_on(frozenset(range(len(operations))), model.initial)


class Violation(NamedTuple):
    """What no order explains: the object, and the operation at which every order ends."""

    key: str
    told: str


def check_each(
    operations: Iterable[Operation], model_of: Callable[[str], Model]
) -> list[Violation]:
    """Check a history object by object; what is undecided is told as a violation too."""
    found = []
    by_key = sorted(operations, key=lambda each: each.key)
    for key, group in groupby(by_key, key=lambda each: each.key):
        of_one = sorted(group, key=lambda each: each.call)
        verdict = check(of_one, model_of(key))
        if not verdict.linearizable:
            found.append(Violation(key, explain(of_one, verdict)))
    return found


def explain(operations: Sequence[Operation], verdict: Verdict) -> str:
    """The end of the longest order, and what then could not come next."""
    if verdict.undecided:
        return f"undecided after {verdict.tried} steps"
    placed = set(verdict.order)
    left = [each for index, each in enumerate(operations) if index not in placed]
    start = min((each.call for each in operations), default=0)

    def line(each: Operation) -> str:
        ret = "never" if each.ret is None else f"{(each.ret - start) / 1e6:.3f}"
        return (
            f"{(each.call - start) / 1e6:.3f}-{ret} ms client {each.client}: {each.what} "
            f"{each.token} -> {each.answer}"
        )

    said = [line(operations[index]) for index in verdict.order[-6:]]
    return "\n".join(["in order:", *said, "no next:", *(line(each) for each in left[:8])])
