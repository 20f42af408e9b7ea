"""Record who holds which port: samples the listeners again and again, and keeps the changes."""

import argparse
import signal
import sys

from portbook.cli.render import emit, emit_json, safe
from portbook.host import Host, clock
from portbook.host.database import NotWritten
from portbook.host.history_store import LEAST_BYTES, HistoryWriter, default_path
from portbook.host.signals import Ending, Watch
from portbook.model import Owner, Socket, Unknown, UsageError, document
from portbook.model.moments import duration, spoken
from portbook.model.timeline import (
    Change,
    Held,
    Instant,
    compare,
    held,
    identity_of,
    interruption,
)
from portbook.owners import owners_of
from portbook.sockets import read_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from portbook.model.timeline import Identity

HEARTBEAT = 30.0
"""Seconds after which the record is told that nothing changed: so exact is the edge of a pause."""
REFRESH = 300.0
"""Seconds after which every owner is searched anew: a socket can be handed on unseen."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook record`."""
    parser.add_argument("--every", metavar="TIME", default="10s", help="1s, 10s (default), 5m")
    parser.add_argument("--for", dest="span", metavar="TIME", help="end after this time")
    parser.add_argument("--once", action="store_true", help="one sample, then end")
    parser.add_argument("--database", metavar="FILE", help="instead of the user's history.sqlite")
    parser.add_argument(
        "--limit-size", metavar="MB", type=float, default=64.0, help="forget the oldest beyond (64)"
    )


class Sampler:
    """Takes samples cheaply: the kernel's table every time, owners only of what is new in it."""

    def __init__(self, host: Host, source: str | None) -> None:
        self._host = host
        self._source = source
        self._rows: dict[Identity, Held] = {}
        self._watch = Watch()
        self._refreshed = clock.monotonic()

    def sample(self) -> "dict[Identity, Held]":
        """The sockets that hold a port now, each with its holder.

        Raises:
            EnvironmentFault: the table cannot be read.
        """
        table = read_table(self._host, source=self._source)
        # A table from another source shows other rows, and they would all seem to be changes.
        self._source = table.source
        pids = table.pids or (None,) * len(table.sockets)
        found = {identity_of(row): (row, pid) for row, pid in zip(table.sockets, pids, strict=True)}
        now = clock.monotonic()
        stale = self._stale(refresh=now - self._refreshed >= REFRESH)
        if now - self._refreshed >= REFRESH:
            self._refreshed = now
        known = self._rows
        rows = {}
        asked: dict[Identity, tuple[Socket, int | None]] = {}
        for key, pair in found.items():
            was = known.get(key)
            if was is None or was.state != pair[0].state or key in stale:
                asked[key] = pair
            else:
                rows[key] = was
        if asked or len(rows) != len(known):
            rows |= self._owned(asked, named=bool(table.pids))
            self._rows = {key: rows[key] for key in found if key in rows}
            self._watch.keep(
                row.holder.pid for row in rows.values() if isinstance(row.holder.pid, int)
            )
        return self._rows

    def _stale(self, *, refresh: bool) -> "set[Identity]":
        if refresh:
            return set(self._rows)
        ended = self._watch.ended()
        if not ended:
            return set()
        return {key for key, row in self._rows.items() if row.holder.pid in ended}

    def _owned(
        self, asked: "dict[Identity, tuple[Socket, int | None]]", *, named: bool
    ) -> "dict[Identity, Held]":
        """Rows with their holders; one that shows none may have closed: it is looked at twice."""
        owners = self._owners(asked, named=named)
        unseen = [key for key, found in owners.items() if not _is_seen(found)]
        if unseen and not named:
            again = {
                identity_of(row) for row in read_table(self._host, source=self._source).sockets
            }
            for key in unseen:
                if key not in again:
                    del owners[key]
            owners |= self._owners({key: asked[key] for key in unseen if key in again}, named=False)
        return {key: held(asked[key][0], found) for key, found in owners.items()}

    def _owners(
        self, asked: "dict[Identity, tuple[Socket, int | None]]", *, named: bool
    ) -> "dict[Identity, Sequence[Owner]]":
        if not asked:
            return {}
        sockets = [row for row, _ in asked.values()]
        pids = [pid for _, pid in asked.values()] if named else ()
        return dict(zip(asked, owners_of(self._host, sockets, pids), strict=True))

    def close(self) -> None:
        """Let go of the processes that are watched."""
        self._watch.close()


def _is_seen(owners: "Sequence[Owner]") -> bool:
    """Whether a process was seen, or one is there and hidden from us."""
    return not owners or any(
        not isinstance(owner.pid, Unknown) or owner.pid.unknown == "denied" for owner in owners
    )


def main(options: argparse.Namespace) -> int:
    """0 when it ended as it should, also by SIGTERM; 130 by Ctrl-C."""
    every, span = _time("--every", options.every), None
    if every < 0.1:
        raise UsageError("--every is at least 0.1s")
    if options.span is not None:
        span = _time("--for", options.span)
    limit = options.limit_size * (1 << 20)
    if not LEAST_BYTES <= limit <= 1 << 40:
        raise UsageError("--limit-size is 1 to 1048576 (MB)")
    host = Host(options.root)
    # A long run makes garbage; what is loaded now is none and need not be looked at again.
    import gc

    gc.collect()
    gc.freeze()
    gc.enable()
    path = options.database or default_path()
    sampler = Sampler(host, options.source)
    with Ending() as ending, HistoryWriter(path, limit=int(limit)) as writer:
        recorder = _Recorder(host, sampler, writer, every, lines=options.jsonl)
        if not (options.json or options.jsonl or options.once):
            print(f"recording every {spoken(every)} to {safe(path)}; Ctrl-C ends", file=sys.stderr)
        try:
            recorder.run(ending, 0.0 if options.once else span)
        finally:
            sampler.close()
    if options.json:
        body = {"database": path, "samples": recorder.samples, "changes": recorder.changes}
        emit_json(document("record", body | {"incomplete": ()}))
    elif not options.jsonl:
        samples = f"{recorder.samples} {'sample' if recorder.samples == 1 else 'samples'}"
        changes = f"{recorder.changes} {'change' if recorder.changes == 1 else 'changes'}"
        emit([f"{samples}, {changes} in {safe(path)}"])
    return 130 if ending.asked == signal.SIGINT else 0


def _time(option: str, text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}", hint="such as 90s, 15m, 2h, 1d") from None


def _boot(host: Host) -> str:
    """Which boot this is: socket numbers mean nothing across two of them."""
    try:
        return host.text("/proc/sys/kernel/random/boot_id", 64).strip()
    except OSError:
        return ""


class _Recorder:
    """The loop: sample, compare, write, wait."""

    def __init__(
        self, host: Host, sampler: Sampler, writer: HistoryWriter, every: float, *, lines: bool
    ) -> None:
        self._host = host
        self._sampler = sampler
        self._writer = writer
        self._every = every
        self._lines = lines
        self._known: dict[Identity, Held] = {}
        self._last: float | None = None
        self._before: Instant | None = None
        self._failing = False
        self._pause: str | None = None
        self._written = 0.0
        self.samples = 0
        self.changes = 0

    def run(self, ending: Ending, span: float | None) -> None:
        """Until `span` seconds have passed (0: one sample) or we are asked to end.

        Raises:
            EnvironmentFault: the first sample cannot be taken or written, or a later one not read.
        """
        began = clock.monotonic()
        turn = 0
        while True:
            self._sample()
            now = clock.monotonic()
            # Turns are kept by the number of the turn, so that they do not drift.
            turn = max(turn + 1, int((now - began) / self._every))
            due = began + turn * self._every
            if span is not None and due - began > span:
                ending.wait(0 if span == 0 else began + span - now)
                break
            if ending.wait(due - now):
                break
        self._end()

    def _sample(self) -> None:
        at = Instant(self._host.now(), clock.monotonic(), clock.boottime())
        rows = self._sampler.sample()
        self.samples += 1
        if self._before is None:
            self._begin(at.utc)
        step = 0.0
        pause = self._pause
        if self._before is not None:
            why, step = interruption(self._before, at, self._every)
            pause = pause or why
        last = self._last if pause else None
        if pause == "not-running" and last is not None and 0 <= at.utc - last <= 2 * self._every:
            # No sample was missed. What changed meanwhile is not exact all the same.
            pause = None
        changes: tuple[Change, ...] = ()
        if rows is not self._known:
            exact_last = clock.iso(last) if last is not None else None
            if self._last is None:
                # The very first sample: everything was there before.
                exact_last = clock.iso(at.utc)
            changes = compare(self._known, rows, at=clock.iso(at.utc), last=exact_last)
        quiet = not changes and not pause and not step
        due = at.awake - self._written >= HEARTBEAT
        if (due or not quiet) and not self._write(at, changes, last, pause, step):
            return
        self._known, self._last, self._before, self._pause = rows, at.utc, at, None
        self.changes += len(changes)
        if self._lines:
            for change in changes:
                emit_json(document("change", change), line=True)

    def _begin(self, at: float) -> None:
        left = self._writer.left()
        if left is not None:
            self._last, self._pause = left.last, "not-running"
            boot = _boot(self._host)
            self._known = left.rows if left.boot == boot else {}
            if left.boot != boot:
                self._close(left.rows, left.last)
        self._writer.begin(at if left is None else left.last, self._every, _boot(self._host))

    def _close(self, rows: "dict[Identity, Held]", last: float) -> None:
        """No socket outlives a restart of the machine, even where another has its number."""
        gone = compare(rows, {}, at=clock.iso(last), last=clock.iso(last))
        self._writer.write(last, gone, last=last)
        self.changes += len(gone)

    def _write(
        self,
        at: Instant,
        changes: "Sequence[Change]",
        last: float | None,
        pause: str | None,
        step: float,
    ) -> bool:
        try:
            self._writer.write(at.utc, changes, last=last, pause=pause, step=step)
        except NotWritten as fault:
            if self._before is None:
                raise
            if not self._failing:
                print(f"portbook: error: {safe(str(fault))}; trying again", file=sys.stderr)
            self._failing, self._pause = True, self._pause or "not-written"
            return False
        if self._failing:
            print("portbook: writing works again", file=sys.stderr)
        self._failing, self._written = False, at.awake
        return True

    def _end(self) -> None:
        """The record goes to the last sample."""
        if self._last is not None and not self._failing:
            try:
                self._writer.write(self._last)
            except NotWritten as fault:
                print(f"portbook: error: {safe(str(fault))}", file=sys.stderr)
