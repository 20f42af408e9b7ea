"""Takes the reports of many hosts into the store: all of them in one transaction, as sets.

The rows of all reports are copied into a temporary table, and from there written by one statement
for each kind of change. The array that a row's hash is made of (fleet.table) is itself the line of
CSV that PostgreSQL copies, so that a row is put into text once. What a batch costs is mostly
PostgreSQL's work on the indexes.

Nobody is told `kept` before the transaction is committed with synchronous_commit. Host rows are
locked first, in the order of their ids, so hubs wait for each other and never in a circle. After
the writing, the number of rows and the sum of their hashes are asked of the store itself; where a
host's are not what its report says, everything is undone and done again without that report.
"""

import json
import re
import time
from collections.abc import Sequence
from datetime import timedelta

from portbook.fleet.ingest_sql import (
    BEGIN,
    CHANGED,
    CLOSED,
    COPY,
    DUPLICATE,
    GONE,
    HOSTS,
    LOCK,
    TEMPORARY,
    TOTALS,
    WRITE_ANEW,
    WRITE_OTHER,
)
from portbook.fleet.reporting import Stored, followed, receipt, refusal_of
from portbook.fleet.table import hashes_of, row_arrays, summed
from portbook.host.postgres import faults
from portbook.model.fleet import Acknowledged, FleetReport
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from portbook.host.postgres import Link

_TRIES = 6
"""How often a transaction is tried that the server broke off to let another one go on."""
_FIRST_WAIT = 0.02
_AGAIN = ("40001", "40P01", "55P03")
"""SQLSTATE of serialization failures, deadlocks, and locks that were not to be had in time."""
_THEIR_FAULT = ("22", "23", "54")
"""Classes of what a report can be guilty of: its data, a constraint, a limit of the server."""
_NO_CSV = re.compile(r'(?<!\\)(?:\\\\)*\\[^"\\]')
"""An escape of JSON that CSV reads as something else: that of a control character."""


class _Ready(Record):
    """A report with its rows as arrays and their hashes; `wrong` says why it cannot be copied."""

    report: FleetReport
    arrays: list[str]
    hashes: tuple[int, ...]
    wrong: str


class _Write(Record):
    """A report that is to be written, on what is stored of its host, and the moment it is of."""

    ready: _Ready
    stored: Stored
    at: "datetime"


class _Unlike(Exception):
    """These hosts' tables are not what their reports say."""

    def __init__(self, hosts: set[str]) -> None:
        super().__init__()
        self.hosts = hosts


def keep_reports(link: "Link", reports: Sequence[FleetReport]) -> tuple[Acknowledged, ...]:
    """Write what is to be written, and say of each report what became of it.

    Several reports of one host are taken in their order, each in a transaction of its own.

    Args:
        link: to the store, with no transaction under way; its role may be that of a hub or of one
            host (which sees no other).
        reports: of any hosts.

    Raises:
        NotReached: the store is away. What was not committed may be reported again; so may what
            was, and is `again`.
        NotPermitted, EnvironmentFault: as host.postgres.faults.
    """
    if link.info.transaction_status:
        raise ValueError("a report is kept in a transaction of its own")
    found: dict[int, Acknowledged] = {}
    with faults(link.info.dsn):
        for places in _rounds(reports):
            ready = [_ready(reports[place]) for place in places]
            found.update(zip(places, _kept(link, ready), strict=True))
    return tuple(found[place] for place in range(len(reports)))


def _rounds(reports: Sequence[FleetReport]) -> list[list[int]]:
    """Places of reports so that no round has a host twice: first ones, then second ones."""
    rounds: list[list[int]] = []
    seen: dict[str, int] = {}
    for place, report in enumerate(reports):
        turn = seen.get(report.host, 0)
        seen[report.host] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(place)
    return rounds


def _ready(report: FleetReport) -> _Ready:
    arrays = row_arrays(report.rows)
    whole = "".join(arrays)
    wrong = ""
    try:
        whole.encode()
    except UnicodeEncodeError:
        wrong = "a text is no Unicode"
    if "\\" in whole and _NO_CSV.search(whole):
        wrong = "a text has control characters"
    return _Ready(report, arrays, hashes_of(arrays), wrong)


def _kept(link: "Link", ready: list[_Ready]) -> list[Acknowledged]:
    """As keep_reports; a report that the server chokes on is found by halves, and refused."""
    import psycopg

    try:
        return _committed(link, ready)
    except psycopg.Error as error:
        if not (error.sqlstate or "").startswith(_THEIR_FAULT):
            raise
        if len(ready) == 1:
            why = " ".join(str(error).split())[:300]
            return [receipt(ready[0].report, "refused", why)]
    half = len(ready) // 2
    return _kept(link, ready[:half]) + _kept(link, ready[half:])


def _committed(link: "Link", ready: list[_Ready]) -> list[Acknowledged]:
    """What became of each, after the commit."""
    import psycopg

    full = {each.report.host for each in ready if each.report.full}
    unlike: set[str] = set()
    anew, tries = True, 0
    while True:
        try:
            with link.transaction():
                answers = _written(link, ready, unlike, anew=anew)
        except _Unlike as found:
            # Mostly one more turn. Everything that a host has can only be other where the host was
            # taken for empty, and was not.
            unlike |= found.hosts - full if anew else found.hosts
            anew = False
        except psycopg.Error as error:
            tries += 1
            if error.sqlstate not in _AGAIN or tries == _TRIES:
                raise
            time.sleep(_FIRST_WAIT * 2**tries)
        else:
            return answers


def _written(
    link: "Link", ready: list[_Ready], unlike: set[str], *, anew: bool
) -> list[Acknowledged]:
    """What will have become of each, once it is committed; `anew` as in `_write`."""
    link.execute(BEGIN)
    locked = {row[1]: row for row in link.execute(LOCK, [[each.report.host for each in ready]])}
    answers = []
    writes = []
    for each in ready:
        row = locked.get(each.report.host)
        stored = None if row is None else Stored._make((*row[:3], tuple(row[3]), *row[4:7]))
        answer = _refusal(each, stored, unlike)
        if stored is not None and row is not None:
            if answer is None:
                at = row[8] - timedelta(milliseconds=each.report.age_ms)
                # A clock that was set back, or a look that is told late, moves no moment back.
                writes.append(_Write(each, stored, max(at, row[7] or at)))
            elif answer.result == "duplicate":
                link.execute(DUPLICATE, [each.report.instance, stored.number])
        answers.append(answer or receipt(each.report, "kept"))
    if writes:
        _write(link, writes, anew=anew)
    return answers


def _refusal(each: _Ready, stored: Stored | None, unlike: set[str]) -> Acknowledged | None:
    """What is answered to a report that is not to be written."""
    answer = refusal_of(stored, each.report, each.hashes)
    if answer is None and each.wrong:
        return receipt(each.report, "refused", each.wrong)
    if answer is None and each.report.host in unlike:
        return receipt(each.report, "full", "the stored table is another")
    return answer


def _write(link: "Link", writes: list[_Write], *, anew: bool) -> None:
    """Write all of them, and see that the store has what they say.

    With `anew`, tables that are empty by their hosts' rows are believed to be.

    Raises:
        _Unlike: it has not.
    """
    moments = [[write.stored.number for write in writes], [write.at for write in writes]]
    anew = anew and not any(write.stored.total for write in writes)
    rows = any(write.ready.arrays for write in writes)
    link.execute(TEMPORARY)
    if rows:
        _copy(link, writes)
    gone = [(write.stored.number, *key) for write in writes for key in write.ready.report.gone]
    if gone:
        link.execute(GONE, [*map(list, zip(*gone, strict=True)), *moments])
    full = [write.stored.number for write in writes if write.ready.report.full]
    if full and not anew:
        link.execute(CLOSED, [full, *moments])
    if rows:
        if not anew:
            link.execute(CHANGED, moments)
        link.execute(WRITE_ANEW if anew else WRITE_OTHER, moments)
    link.execute(HOSTS, [json.dumps([_host(write) for write in writes])])
    totals = {row[0]: row[1:] for row in link.execute(TOTALS, [moments[0]])}
    unlike = set()
    for write in writes:
        total, hashes = totals.get(write.stored.number, (0, 0))
        report = write.ready.report
        if (total, summed((int(hashes),))) != (report.total, report.after):
            unlike.add(report.host)
    if unlike:
        raise _Unlike(unlike)


def _copy(link: "Link", writes: list[_Write]) -> None:
    """Every row into the temporary table, which is empty at the start of a transaction."""
    with link.cursor() as cursor, cursor.copy(COPY) as copy:
        for write in writes:
            number = write.stored.number
            pairs = zip(write.ready.hashes, write.ready.arrays, strict=True)
            lines = "".join([f"{number},{each},{array[1:-1]}\n" for each, array in pairs])
            copy.write(lines.encode())


def _host(write: _Write) -> "dict[str, Any]":
    report = write.ready.report
    after = followed(write.stored, report)
    return {
        "number": after.number,
        "name": report.name,
        "labels": dict(report.labels),
        "instance": after.instance,
        "former": after.former,
        "seq": after.seq,
        "hash": after.hash,
        "total": after.total,
        "as_of": write.at.isoformat(),
        "every_ms": report.every_ms,
        "version": report.version,
        "gaps": report.gaps,
    }
