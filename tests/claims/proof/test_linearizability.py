"""The checker that judges the service is judged itself: by brute force, and by planted faults."""

import random

import pytest

from claims.proof.claim_model import FULL, HELD, LOST, port_model, semaphore_model
from claims.proof.linearizability import (
    Model,
    Operation,
    Verdict,
    check,
    check_by_force,
    check_each,
)

GOOD = 4_000
CLIENTS = 10


def operation(
    what: str, call: int, ret: int | None, token: int = 0, answer: object = None, key: str = "p"
) -> Operation:
    """Shorthand."""
    return Operation(key, what, call, ret, token, answer)


def small(rng: random.Random) -> list[Operation]:
    """A few overlapping operations on a port with answers drawn at random: right or wrong."""
    made = []
    for _ in range(rng.randint(3, 6)):
        call = rng.randint(0, 12)
        ret = None if rng.random() < 0.2 else call + rng.randint(0, 8)
        what = rng.choice(("claim", "claim", "release", "renew", "look"))
        token = 0 if what in ("claim", "look") else rng.randint(1, 3)
        answer: object = None
        if ret is not None:
            answer = {
                "claim": rng.choice((1, 2, 3, HELD)),
                "release": rng.choice((True, False)),
                "renew": rng.choice(("ok", LOST)),
                "look": rng.randint(0, 3),
            }[what]
        ends = rng.choice((None, None, call + rng.randint(1, 9)))
        made.append(Operation("p", what, call, ret, token, answer, ends, ends))
    return made


def small_semaphore(rng: random.Random) -> list[Operation]:
    """The same with a semaphore of limit 2."""
    made = []
    for _ in range(rng.randint(3, 6)):
        call = rng.randint(0, 12)
        ret = None if rng.random() < 0.2 else call + rng.randint(0, 8)
        what = rng.choice(("acquire", "acquire", "acquire", "release", "look"))
        token = rng.randint(1, 4) if what == "release" else 0
        answer: object = None
        if ret is not None:
            answer = {
                "acquire": rng.choice((1, 2, 3, 4, FULL)),
                "release": rng.choice((True, False)),
                "look": rng.sample((1, 2, 3, 4), rng.randint(0, 2)),
            }[what]
        made.append(Operation("sem:p", what, call, ret, token, answer))
    return made


@pytest.mark.parametrize("kind", ["port", "semaphore"])
def test_the_search_agrees_with_brute_force(kind: str) -> None:
    """2,000 small histories of each kind, a good part of them wrong, many with unknown outcomes."""
    rng = random.Random(3255)
    wrong = unknown = 0
    for number in range(2_000):
        granted = frozenset((1, 2)) if number % 2 else frozenset((1, 2, 3, 4))
        if kind == "port":
            history, model = small(rng), port_model(granted)
        else:
            history, model = small_semaphore(rng), semaphore_model(2, granted)
        verdict = check(history, model)
        assert verdict.linearizable == check_by_force(history, model), history
        wrong += not verdict.linearizable
        unknown += any(each.ret is None for each in history)
        if verdict.linearizable:
            replay(history, verdict, model)
    assert 200 < wrong < 1_800
    assert unknown > 500


def replay(history: list[Operation], verdict: Verdict, model: Model) -> None:
    """The order that was found really is one: in time, with all known operations, and right."""
    states = {model.initial}
    latest = -1
    for index in verdict.order:
        states = {after for state in states for after in model.step(state, history[index])}
        assert states
        ret = history[index].ret
        assert ret is None or ret >= latest
        latest = max(latest, history[index].call)
    assert {index for index, each in enumerate(history) if each.ret is not None} <= {*verdict.order}


def long_history(rng: random.Random, operations: int, lost: float = 0.0) -> list[Operation]:
    """What `CLIENTS` clients see of a right register: each operation happens within its span."""
    made: list[Operation] = []
    free_at = [0] * CLIENTS
    mine: list[int] = [0] * CLIENTS
    holder = token = 0
    moment = 0
    for _ in range(operations):
        moment += rng.randint(1, 100)
        # Its client has been at it since some time before, but not before its last answer.
        client = min(range(CLIENTS), key=lambda each: (free_at[each] >= moment, rng.random()))
        moment = max(moment, free_at[client] + 1)
        call = max(free_at[client] + 1, moment - rng.randint(0, 400))
        ret: int | None = moment + rng.randint(0, 400)
        free_at[client] = ret or 0
        answer: object = True
        if holder and mine[client] == holder:
            what, about = "release", holder
            holder = mine[client] = 0
        elif rng.random() < 0.1:
            what, about, answer = "look", 0, holder
        elif holder:
            what, about, answer = "claim", 0, HELD
        else:
            token += 1
            holder = mine[client] = token
            what, about, answer = "claim", 0, token
        if rng.random() < lost and what == "release":
            ret = None
        told = None if ret is None else answer
        made.append(Operation("p", what, call, ret, about, told, client=client))
    return sorted(made, key=lambda each: each.call)


def granted_in(history: list[Operation]) -> frozenset[int]:
    """Tokens that somebody was given."""
    return frozenset(
        each.answer for each in history if each.what == "claim" and isinstance(each.answer, int)
    )


@pytest.mark.parametrize("lost", [0.0, 0.02])
def test_a_long_right_history_is_accepted(lost: float) -> None:
    """5,000 operations of ten clients, with every answer heard and with some that were lost."""
    history = long_history(random.Random(1), 5_000, lost)
    verdict = check(history, port_model(granted_in(history)))
    assert verdict.linearizable
    assert verdict.tried < 200_000


@pytest.mark.parametrize("seed", range(5))
def test_a_port_that_was_given_twice_is_found_among_5000_operations(seed: int) -> None:
    """One `held` becomes a grant while another surely has the port."""
    rng = random.Random(seed)
    history = long_history(rng, 5_000)
    refused = [index for index, each in enumerate(history) if each.answer == HELD]
    where = next(index for index in refused[len(refused) // 2 :] if surely_held(history, index))
    history[where] = history[where]._replace(answer=10_000_000)
    assert not check(history, port_model(granted_in(history))).linearizable


def surely_held(history: list[Operation], index: int) -> bool:
    """Whether one holder's time, from its answer to its release, covers all of that operation."""
    refused = history[index]
    ends = {each.token: each.call for each in history if each.what == "release"}
    return any(
        each.what == "claim"
        and isinstance(each.answer, int)
        and (each.ret or 0) < refused.call
        and ends.get(each.answer, 1 << 62) > (refused.ret or 0)
        for each in history
    )


@pytest.mark.parametrize(
    "history",
    [
        # A new token that is not above the last.
        [
            operation("claim", 0, 1, answer=5),
            operation("release", 2, 3, 5, answer=True),
            operation("claim", 4, 5, answer=5),
        ],
        # A claim that is gone although nobody let go of it.
        [operation("claim", 0, 1, answer=5), operation("look", 2, 3, answer=0)],
        # Lost before the lease could have run out.
        [
            Operation("p", "claim", 0, 1, 0, 5, 100, 200),
            operation("renew", 2, 50, 5, answer=LOST),
        ],
        # Given to the next after the lease, but within the lock-delay.
        [
            Operation("p", "claim", 0, 1, 0, 5, 100, 200),
            operation("claim", 2, 150, answer=6),
        ],
        # `lost` is final.
        [
            Operation("p", "claim", 0, 1, 0, 5, 100, 200),
            operation("renew", 100, 110, 5, answer=LOST),
            operation("renew", 120, 130, 5, answer="ok"),
        ],
        # Refused although it was free.
        [operation("claim", 0, 1, answer=HELD)],
        # A release by somebody who holds nothing.
        [operation("claim", 0, 1, answer=5), operation("release", 2, 3, 4, answer=True)],
    ],
)
def test_what_no_order_explains_is_refused(history: list[Operation]) -> None:
    """Small histories, each with one wrong answer."""
    assert not check(history, port_model(granted_in(history))).linearizable
    assert not check_by_force(history, port_model(granted_in(history)))


def test_a_lost_answer_may_have_happened_late_or_never() -> None:
    """The three cases of an operation without an end."""
    late = [
        operation("claim", 0, 1, answer=5),
        operation("release", 2, None, 5),
        operation("claim", 3, 4, answer=HELD),
        operation("claim", 5, 6, answer=6),
    ]
    never = late[:3]
    assert check(late, port_model(frozenset((5, 6)))).linearizable
    assert check(never, port_model(frozenset((5,)))).linearizable
    assert not check([late[0], late[3]], port_model(frozenset((5, 6)))).linearizable


def test_an_unknown_outcome_is_tried_again_after_going_back() -> None:
    """The unknown grant must be placed first, then not at all, then between: only one is right."""
    history = [
        operation("claim", 0, None),
        operation("claim", 1, 2, answer=5),
        operation("release", 3, 4, 5, answer=True),
        operation("claim", 5, 6, answer=HELD),
        operation("look", 7, 8, answer=7),
    ]
    assert check(history, port_model(frozenset((5,)))).linearizable
    assert check_by_force(history, port_model(frozenset((5,))))


def test_objects_are_judged_one_by_one() -> None:
    """A wrong answer names its object, and others are not blamed."""
    right = operation("claim", 0, 1, answer=1, key="port:1")
    wrong = operation("claim", 0, 1, answer=HELD, key="port:2")
    (found,) = check_each([right, wrong], lambda _: port_model(frozenset((1,))))
    assert found.key == "port:2"
    assert "claim 0 -> held" in found.told


def test_a_search_without_end_is_given_up_and_said() -> None:
    """`undecided` is not `right`."""
    history = long_history(random.Random(1), 200)
    verdict = check(history, port_model(granted_in(history)), most_steps=50)
    assert verdict.undecided
    assert not verdict.linearizable
