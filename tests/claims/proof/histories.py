"""What many clients did at the same time: written down as it happens, and checked as a whole.

Each client writes to a file of its own; all have one clock, CLOCK_MONOTONIC, which the processes
of a machine share. `checked` asks for linearizability object by object, and for what holds across
them.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from claims.proof.claim_model import GRANTS, models
from claims.proof.linearizability import Operation, Violation, check_each


def now() -> int:
    """Nanoseconds of CLOCK_MONOTONIC."""
    return time.monotonic_ns()


def write(operations: Iterable[Operation], path: Path) -> None:
    """Append operations, one JSON array a line."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(each)}\n" for each in operations)


def read(folder: Path) -> list[Operation]:
    """Every operation in the `.history` files of a folder, by the time it began."""
    found: list[Operation] = []
    for path in sorted(folder.glob("*.history")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found += [Operation(*json.loads(line)) for line in lines]
    return sorted(found, key=lambda each: each.call)


def grants(operations: Iterable[Operation]) -> list[Operation]:
    """The claims and permits that were given and told."""
    return [each for each in operations if each.what in GRANTS and isinstance(each.answer, int)]


def tokens_grow(operations: Sequence[Operation]) -> list[Violation]:
    """S2: no token twice, and who asked after another was answered has a higher one."""
    found = []
    given = grants(operations)
    of_token: dict[int, Operation] = {}
    for each in given:
        twin = of_token.setdefault(each.answer, each)
        if twin is not each:
            found.append(Violation(each.key, f"token {each.answer} twice, also for {twin.key}"))
    answered = sorted(given, key=lambda each: each.ret or 0)
    place = highest = 0
    for each in sorted(given, key=lambda each: each.call):
        while place < len(answered) and (answered[place].ret or 0) < each.call:
            highest = max(highest, answered[place].answer)
            place += 1
        if each.answer <= highest:
            found.append(Violation(each.key, f"token {each.answer} after {highest}"))
    return found


def certain_spans(operations: Sequence[Operation]) -> dict[str, list[tuple[int, int, int]]]:
    """For each object (from, to, token): from an answer until somebody may have ended it.

    A lease that ends by itself is certain until the earliest `ends` that it ever had: renewed with
    a shorter TTL it may end earlier.
    """
    ended: dict[int, int] = {}
    for each in operations:
        if each.what in ("release", "renew"):
            end = each.call if each.what == "release" else each.ends
            if end is not None:
                ended[each.token] = min(end, ended.get(each.token, end))
    spans = defaultdict(list)
    for each in grants(operations):
        far = 1 << 62
        to = min(ended.get(each.answer, far), far if each.ends is None else each.ends)
        if each.ret is not None and each.ret < to:
            spans[each.key].append((each.ret, to, each.answer))
    return spans


def never_too_many(operations: Sequence[Operation], limit: int) -> list[Violation]:
    """S1 and S4: at no moment more certain holders than one of a port, `limit` of a semaphore."""
    found = []
    for key, spans in certain_spans(operations).items():
        most = limit if key.startswith("sem:") else 1
        changes = sorted(
            [(start, 1, token) for start, _, token in spans]
            + [(end, -1, token) for _, end, token in spans]
        )
        holders = 0
        for _, change, token in changes:
            holders += change
            if holders > most:
                found.append(Violation(key, f"{holders} at once, the last with token {token}"))
                break
    return found


def checked(operations: Sequence[Operation], limit: int) -> list[Violation]:
    """All of it."""
    return [
        *tokens_grow(operations),
        *never_too_many(operations, limit),
        *check_each(operations, models(operations, limit)),
    ]


def counted(operations: Iterable[Operation]) -> dict[str, int]:
    """How many operations there were of each kind, and how many without a known outcome."""
    counts: dict[str, int] = defaultdict(int)
    for each in operations:
        counts["operations"] += 1
        counts["unknown"] += each.ret is None
        outcome = each.answer if isinstance(each.answer, str) else "done"
        counts[f"{each.what} {'unknown' if each.ret is None else outcome}"] += 1
    return dict(counts)


def replayed(events: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """S8: the live claims by id as the events alone tell them.

    Raises:
        AssertionError: the numbers of the events have a gap or run backwards.
    """
    live: dict[str, dict[str, Any]] = {}
    last = 0
    for event in events:
        assert not last or event["id"] == last + 1, f"event {event['id']} after {last}"
        last = event["id"]
        body, kind = event["body"], event["kind"]
        if kind in ("claimed", "renewed", "transferred", "bound", "squatted", "unbound"):
            live[body["id"]] = {**live.get(body["id"], {}), **body}
        elif kind in ("released", "expired", "died", "voided"):
            live.pop(body.get("id", ""), None)
    return live
