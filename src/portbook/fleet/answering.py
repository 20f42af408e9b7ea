"""What a host answers to a question, from its table: pure, and in parts that fit a message.

A question is one of a closed set of forms, and its filter is parsed into a tree (fleet.filters):
nothing of it is run, and one that cannot be read is answered with why.
"""

import json
from functools import lru_cache

from portbook.fleet.filter_match import matches
from portbook.fleet.filters import Filter, parse
from portbook.model import PortbookError
from portbook.model.fleet import FORMS, ROWS_A_REPORT, FleetRow, HostAnswer, Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Range = tuple[int, int]

PART_BYTES = 400_000
"""Of the rows of one part, as JSON in ASCII, which is never shorter than they are sent. The
longest row takes about as much again, and both fit one message without being packed."""
MOST_PARTS = 250
_TAKEN_A_PART = 20_000
_GAPS = 100


def answers_of(
    question: Question,
    *,
    host: str,
    name: str,
    rows: "Iterable[FleetRow] | Mapping[object, FleetRow]",
    age_ms: int,
    gaps: "tuple[str, ...]" = (),
    taken: "tuple[Range, ...] | None" = None,
    labels: "tuple[tuple[str, str], ...] | None" = None,
) -> tuple[HostAnswer, ...]:
    """The answer of one host, in one part or several; nothing where it is not meant.

    Args:
        question: what is asked.
        host: its id.
        name: what it calls itself.
        rows: its table.
        age_ms: how old the table is.
        gaps: what could not be seen.
        taken: ranges of ports that are not free; None: those of the table.
        labels: the host's, if the question's labels are to be compared here.
    """
    if question.form not in FORMS:
        return ()
    if labels is not None and not set(question.labels) <= set(labels):
        return ()
    known = gaps if len(gaps) <= _GAPS else (*gaps[:_GAPS], f"and {len(gaps) - _GAPS} gaps more")
    plain = HostAnswer(question.id, host, name[:255], max(0, age_ms), gaps=known)
    if question.form == "hosts":
        return (plain,)
    table: Iterable[FleetRow] = rows.values() if hasattr(rows, "values") else rows
    if question.form == "free":
        ranges = _taken(question, table) if taken is None else taken
        return _in_parts(plain, (), _clipped(question, ranges))
    try:
        chosen = tuple(_chosen(question, table, host, name, dict(labels or ())))
    except PortbookError as fault:
        return (plain._replace(why=str(fault)[:500]),)
    return _in_parts(plain, chosen, ())


def _chosen(
    question: Question,
    rows: "Iterable[FleetRow]",
    host: str,
    name: str,
    labels: "Mapping[str, str]",
) -> "Iterator[FleetRow]":
    only = None if question.where is None else _filter(question.where)
    port, transport, weighed = question.port, question.transport, question.form == "audit"
    for row in rows:
        if port is not None and row.port != port:
            continue
        if transport is not None and row.transport != transport:
            continue
        if weighed and row.severity is None:
            continue
        if only is None or matches(only, row, host, name, labels):
            yield row


@lru_cache(maxsize=16)
def _filter(text: str) -> Filter:
    return parse(text)


def _taken(question: Question, rows: "Iterable[FleetRow]") -> "tuple[Range, ...]":
    """The ports of a table as ranges, adjacent ones joined."""
    ports = sorted({row.port for row in rows if question.transport in (None, row.transport)})
    made: list[Range] = []
    for port in ports:
        if made and made[-1][1] == port - 1:
            made[-1] = (made[-1][0], port)
        else:
            made.append((port, port))
    return tuple(made)


def _clipped(question: Question, ranges: "Iterable[Range]") -> "tuple[Range, ...]":
    least = 0 if question.first is None else question.first
    most = 65_535 if question.last is None else question.last
    cut = ((max(first, least), min(last, most)) for first, last in ranges)
    return tuple((first, last) for first, last in cut if first <= last)


def _in_parts(
    plain: HostAnswer, rows: tuple[FleetRow, ...], taken: "tuple[Range, ...]"
) -> tuple[HostAnswer, ...]:
    """The answer, cut where the next row would be too much; only the last part says it is."""
    # Nearly every answer is short, and need not be written to know that.
    short = len(rows) <= 100 and len(taken) <= _TAKEN_A_PART
    if short and sum(map(_rough, rows)) <= PART_BYTES:
        return (plain._replace(rows=rows, taken=taken),)
    parts: list[tuple[FleetRow, ...]] = []
    begin = room = 0
    for at, row in enumerate(rows):
        size = len(json.dumps(row)) + 1
        if at > begin and (room + size > PART_BYTES or at - begin >= ROWS_A_REPORT):
            parts.append(rows[begin:at])
            begin, room = at, 0
            if len(parts) == MOST_PARTS:
                break
        room += size
    left = len(rows) - begin
    if len(parts) < MOST_PARTS:
        parts.append(rows[begin:])
        left = 0
    made = [plain._replace(rows=part, last=False) for part in parts]
    for at in range(0, len(taken), _TAKEN_A_PART):
        some = taken[at : at + _TAKEN_A_PART]
        if at == 0:
            made[-1] = made[-1]._replace(taken=some)
        else:
            made.append(plain._replace(taken=some, last=False))
    # What could not be seen is said once.
    made[1:] = [part._replace(gaps=()) for part in made[1:]]
    if left:
        made[0] = made[0]._replace(gaps=(*plain.gaps, f"{left} listeners did not fit the answer"))
    made[-1] = made[-1]._replace(last=True)
    return tuple(made)


def _rough(row: FleetRow) -> int:
    """More bytes than a row can take, without writing it: a character takes 12 at most."""
    return 200 + 12 * sum(len(each) for each in row if isinstance(each, str))
