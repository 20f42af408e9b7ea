"""What a host has still to report: the table that the store has, and the changes after it.

A report is a change to the last table that was acknowledged. While nobody takes reports the
changes wait here with their moments, so that the history has what happened meanwhile. The queue is
bounded: beyond that its oldest changes become one, and what came and went between is lost.
No file is touched here, see queue_file.
"""

from collections import deque

from portbook.fleet.table import diff, row_hashes, summed, table_hash
from portbook.model.fleet import ROWS_A_REPORT, FleetRow
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from portbook.fleet.looking import Look
    from portbook.model.fleet import RowKey

MOST_CHANGES = 1_000
"""Changes that wait: eight hours of a change with every look."""
MOST_QUEUED = 20_000
"""Rows and keys in all of them: 10 MB of memory."""
_JUMP = 1 << 20


class Delta(Record):
    """One change: the rows, the keys that went, and the table's hash and size after it.

    `at_ms` is when that was seen, in `clock.boot_ms`.
    """

    rows: tuple[FleetRow, ...]
    gone: "tuple[RowKey, ...]"
    after: int
    total: int
    at_ms: int

    @property
    def size(self) -> int:
        """Rows and keys."""
        return len(self.rows) + len(self.gone)


class Outgoing(Record):
    """A report before it is dressed: a change with its number, or a part of all there is."""

    seq: int
    full: bool
    base: int
    delta: Delta


class Base(Record):
    """A table that the store has (`synced`), or shall get as the first; `seq` is its report's."""

    seq: int
    hash: int
    at_ms: int
    synced: bool
    table: "dict[RowKey, FleetRow]"


class Queue:
    """The base, the changes after it, and the newest table, which is what both make.

    `next` gives the same report until `kept`, `resync` or `merge` say otherwise: what was sent
    and not answered is sent again as it was.
    """

    def __init__(self, base: Base | None = None, deltas: "Iterable[Delta]" = ()) -> None:
        self.base = base
        self.deltas: deque[Delta] = deque(deltas)
        self.newest: dict[RowKey, FleetRow] = dict(base.table) if base else {}
        for delta in self.deltas:
            apply(self.newest, delta)
        self.hash = self.deltas[-1].after if self.deltas else base.hash if base else 0
        self._parts: deque[Outgoing] = deque()
        self._looked_ms = 0
        self._told_ms = 0
        self._sent: tuple[int, int] | None = None
        self._beat: Outgoing | None = None
        self._jump = _JUMP

    def restore(self, delta: Delta) -> None:
        """A change that waited on disk."""
        self.deltas.append(delta)
        apply(self.newest, delta)
        self.hash = delta.after

    def restore_kept(self, seq: int, at_ms: int, *, change: bool) -> None:
        """A note on disk that a report was kept: the first change, or that nothing changed."""
        if self.base is None:
            return
        after = self.base.hash
        if change:
            first = self.deltas.popleft()
            apply(self.base.table, first)
            after = first.after
        self.base = self.base._replace(seq=seq, hash=after, at_ms=at_ms)

    def look(self, seen: "Look") -> tuple[Delta, ...]:
        """Take what was seen; the changes that this added to the queue."""
        self._looked_ms = seen.at_ms
        if self.base is None:
            self.newest = dict(seen.table)
            self.hash = table_hash(self.newest.values())
            self.base = Base(0, self.hash, seen.at_ms, False, dict(self.newest))
            return ()
        if seen.table == self.newest:
            if not self.base.synced and not self.deltas and not self._parts:
                self.base = self.base._replace(at_ms=seen.at_ms)
            return ()
        rows, gone = diff(self.newest, seen.table)
        added = tuple(parted(self.newest, self.hash, tuple(rows), tuple(gone), seen.at_ms))
        self.deltas += added
        self.hash = added[-1].after if added else self.hash
        return added

    @property
    def crowded(self) -> bool:
        """Whether it is beyond its bounds, so that `merge` is due."""
        return len(self.deltas) > 1 and (
            len(self.deltas) > MOST_CHANGES
            or sum(delta.size for delta in self.deltas) > MOST_QUEUED
        )

    def merge(self, keep: float = 0.75) -> None:
        """Make one of the oldest changes, until `keep` of the bounds is not exceeded.

        A change that was sent stays as it is: the store may have it.
        """
        if self.base is None:
            return
        table = dict(self.base.table)
        first: Delta | None = None
        if self.deltas and self._sent == (self.base.seq + 1, self.deltas[0].after):
            first = self.deltas.popleft()
            apply(table, first)
        begin, before = dict(table), first.after if first else self.base.hash
        size = sum(delta.size for delta in self.deltas)
        count = len(self.deltas) + (first is not None) + 1
        last: Delta | None = None
        touched: set[RowKey] = set()
        while self.deltas and (
            last is None or count > MOST_CHANGES * keep or size + len(touched) > MOST_QUEUED * keep
        ):
            last = self.deltas.popleft()
            count -= 1
            size -= last.size
            touched.update(last.gone)
            touched.update(row.key for row in last.rows)
            apply(table, last)
        if last is not None:
            rows, gone = diff(begin, table)
            parts = parted(begin, before, tuple(rows), tuple(gone), last.at_ms)
            self.deltas.extendleft(reversed(parts))
        if first is not None:
            self.deltas.appendleft(first)

    def next(self, boot_ms: int) -> Outgoing | None:
        """What is to be reported next; nothing if the last look has been told already."""
        if self.base is None:
            return None
        if not self.base.synced:
            if not self._parts:
                self._parts = deque(_parts_of(self.base, max(self.base.seq + 1, boot_ms)))
            found = self._parts[0]
        elif self._beat is not None:
            # It has a number that the store may know by now; a change needs another one.
            found = self._beat
        elif self.deltas:
            found = Outgoing(self.base.seq + 1, False, self.base.hash, self.deltas[0])
        elif self._looked_ms > self._told_ms:
            same = Delta((), (), self.base.hash, len(self.base.table), self._looked_ms)
            found = Outgoing(self.base.seq + 1, False, self.base.hash, same)
        else:
            return None
        return found

    def sent(self, out: Outgoing) -> None:
        """It goes out now."""
        if self.base is not None and self.base.synced and not out.delta.size:
            self._beat = out
        self._sent = (out.seq, out.delta.after)

    def is_repeat(self, out: Outgoing) -> bool:
        """Whether this process has sent the very same before: then it may be there already."""
        return self._sent == (out.seq, out.delta.after)

    def kept(self, out: Outgoing) -> bool:
        """The store has it; true if it was the first change of the queue."""
        if self.base is None:
            return False
        self._jump, self._beat = _JUMP, None
        self._told_ms = max(self._told_ms, out.delta.at_ms)
        if not self.base.synced:
            self._parts.popleft()
            self.base = self.base._replace(seq=out.seq, synced=not self._parts)
            return False
        table = self.base.table
        change = bool(self.deltas) and self.deltas[0] is out.delta
        if change:
            self.deltas.popleft()
            apply(table, out.delta)
        self.base = Base(out.seq, out.delta.after, out.delta.at_ms, True, table)
        return change

    def resync(self, *, beyond: bool = False) -> None:
        """The store has another table, so the base is to be sent in full, then what follows it.

        With `beyond` the store knows higher numbers than ours: they go on far above.
        """
        if self.base is None:
            return
        self._parts.clear()
        self._sent = self._beat = None
        seq = self.base.seq
        if beyond:
            seq += self._jump
            self._jump = min(self._jump * 2, 1 << 50)
        at_ms = self.base.at_ms if self.deltas else max(self._looked_ms, self.base.at_ms)
        self.base = self.base._replace(seq=seq, synced=False, at_ms=at_ms)


def apply(table: "dict[RowKey, FleetRow]", delta: Delta) -> None:
    """Bring a table up to date."""
    for key in delta.gone:
        table.pop(key, None)
    for row in delta.rows:
        table[row.key] = row


def _hash_after(
    before: int,
    table: "dict[RowKey, FleetRow]",
    rows: "Sequence[FleetRow]",
    gone: "Sequence[RowKey]",
) -> int:
    """The table's hash after a change, from those of the rows that it touches."""
    was = [table[key] for key in gone]
    was += [table[row.key] for row in rows if row.key in table]
    return summed((before, *row_hashes(rows), *(-each for each in row_hashes(was))))


def parted(
    table: "dict[RowKey, FleetRow]",
    hash_before: int,
    rows: "Sequence[FleetRow]",
    gone: "Sequence[RowKey]",
    at_ms: int,
) -> list[Delta]:
    """A change in parts that a report may have; `table` is brought up to date."""
    left, going, after = tuple(rows), tuple(gone), hash_before
    found = []
    while left or going:
        now_gone, going = going[:ROWS_A_REPORT], going[ROWS_A_REPORT:]
        room = ROWS_A_REPORT - len(now_gone)
        now_rows, left = left[:room], left[room:]
        after = _hash_after(after, table, now_rows, now_gone)
        change = Delta(now_rows, now_gone, after, 0, at_ms)
        apply(table, change)
        found.append(change._replace(total=len(table)))
    return found


def _parts_of(base: Base, seq: int) -> list[Outgoing]:
    """A table as a full report and, where it is large, changes after it."""
    changes = parted({}, 0, tuple(base.table.values()), (), base.at_ms)
    changes = changes or [Delta((), (), 0, 0, base.at_ms)]
    before = (0, *(change.after for change in changes))
    return [
        Outgoing(seq + number, number == 0, 0 if number == 0 else before[number], change)
        for number, change in enumerate(changes)
    ]
