"""Who held a port, and when: reads what `portbook record` has recorded."""

import argparse

from portbook.cli.arguments import moment_of, parse_target
from portbook.cli.gaps import gap_lines
from portbook.cli.render import Column, Style, emit, emit_json, safe, style_of, table
from portbook.host import clock
from portbook.host.history_reader import HistoryReader
from portbook.host.history_store import default_path
from portbook.model import Gap, PortbookError, Unknown, UsageError, document
from portbook.model.moments import spoken
from portbook.model.record import Record
from portbook.model.timeline import ClockStep, Holder, Pause, Period, Recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FOREVER = 253402300799.0
_WHY = {
    "not-running": "no recorder was running",
    "asleep": "the machine was asleep",
    "stalled": "the recorder got no time",
    "not-written": "the disk was full or failed",
}


class NoRecord(PortbookError):
    """Nothing was recorded yet."""

    exit_code = 1


class History(Record):
    """The document: what was asked, how far the record goes, and what it has, newest last."""

    since: str | None
    until: str | None
    recorded: Recording
    periods: tuple[Period, ...]
    pauses: tuple[Pause, ...]
    clock_steps: tuple[ClockStep, ...]
    incomplete: tuple[Gap, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook history`."""
    parser.add_argument("port", metavar="PORT", nargs="?", help="only this port, range or service")
    parser.add_argument("--since", metavar="TIME", help="2h, 2d, 1w ago, or an ISO date (UTC)")
    parser.add_argument("--until", metavar="TIME", help="the same")
    parser.add_argument("--database", metavar="FILE", help="instead of the user's history.sqlite")
    parser.add_argument(
        "--limit", metavar="N", type=int, default=1000, help="the newest N (1000); 0 for all"
    )
    parser.add_argument("--wide", action="store_true", help="cut nothing")


def main(options: argparse.Namespace) -> int:
    """Exit code 1 where nothing was recorded, 3 where the record does not cover what was asked."""
    now = clock.now()
    since = moment_of("--since", options.since, now)
    until = moment_of("--until", options.until, now)
    if since is not None and until is not None and since > until:
        raise UsageError("--since is after --until")
    if options.limit < 0:
        raise UsageError("--limit is 0 or more")
    path = options.database or default_path()
    keep, span = _wanted(options.port)
    try:
        with HistoryReader(path) as reader:
            found = _read(reader, since, until, keep, span, options.limit)
    except FileNotFoundError:
        raise NoRecord(f"there is no record at {path}", hint=_START) from None
    if found is None:
        raise NoRecord(f"nothing was recorded yet in {path}", hint=_START)
    if options.jsonl:
        for period in found.periods:
            emit_json(document("period", period), line=True)
    elif options.json:
        emit_json(document("history", found))
    else:
        style = style_of(options.color)
        emit(history_lines(found, style._replace(cut=style.cut and not options.wide)))
    if found.incomplete:
        return 3
    return 0 if found.periods else 1


_START = "portbook record"


def _wanted(text: str | None) -> "tuple[Callable[[Period], bool], tuple[int, int]]":
    """Which periods are asked for, and between which ports they are."""
    if text is None:
        return lambda _: True, (0, 65535)
    target = parse_target(text)
    ports = frozenset(target.ports)

    def keep(period: Period) -> bool:
        return period.port in ports and target.transport in (None, period.transport)

    return keep, (min(ports), max(ports))


def _read(
    reader: HistoryReader,
    since: float | None,
    until: float | None,
    keep: "Callable[[Period], bool]",
    span: tuple[int, int],
    limit: int,
) -> History | None:
    recorded = reader.recording()
    if recorded is None:
        return None
    first, last = since or 0.0, _FOREVER if until is None else until
    newest: list[Period] = []
    left_out = False
    for period in reader.periods(first, last, span):
        if keep(period):
            left_out = bool(limit) and len(newest) == limit
            if left_out:
                break
            newest.append(period)
    asked = [None if at is None else clock.iso(at) for at in (since, until)]
    gaps = list(_uncovered(asked[0], asked[1], recorded))
    if left_out:
        gaps.append(Gap("older periods", f"only the newest {limit} are shown", "--limit 0"))
    return History(
        asked[0],
        asked[1],
        recorded,
        tuple(reversed(newest)),
        reader.pauses(first, last),
        reader.clock_steps(first, last),
        tuple(gaps),
    )


def _uncovered(since: str | None, until: str | None, recorded: Recording) -> "Iterator[Gap]":
    """What was asked about and lies outside of the record."""
    if since is not None and since < recorded.since:
        yield Gap(f"the time before {recorded.since}", "the record begins then")
    if not recorded.running and (until is None or until > recorded.until):
        yield Gap(f"the time since {recorded.until}", "no recorder is running", _START)


def history_lines(found: History, style: Style) -> list[str]:
    """The answer for people."""
    columns = (
        Column("PORT", right=True),
        Column("ADDRESS", flexible=True),
        Column("HOLDER", flexible=True),
        Column("USER", flexible=True),
        Column("UNIT", flexible=True),
        Column("FROM"),
        Column("UNTIL"),
    )
    cells = [
        (
            f"{row.port}/{row.transport}",
            (f"[{row.address}]" if ":" in row.address else row.address)
            + ("" if row.state != "bound" else " (bound)"),
            _name(row.holder),
            row.holder.user if isinstance(row.holder.user, str) else "?",
            _place(row.holder),
            ("" if row.since_exact else "before ") + _plain(row.since),
            _until(row),
        )
        for row in found.periods
    ]
    recorded = found.recorded
    lines = table(columns, cells, style) if cells else ["nothing was recorded about it"]
    running = "recording goes on" if recorded.running else "no recorder is running"
    lines.append(
        f"recorded from {_plain(recorded.since)} to {_plain(recorded.until)} UTC, a sample every "
        f"{spoken(recorded.every)}; {running}"
    )
    lines += [
        f"not recorded: {_plain(pause.since)} to {_plain(pause.until)}, "
        + safe(_WHY.get(pause.why, pause.why))
        for pause in found.pauses
    ]
    lines += [
        f"the clock was set by {step.seconds:+.0f} s at {_plain(step.at)}"
        for step in found.clock_steps
    ]
    return [*lines, *gap_lines(found.incomplete, style)]


def _until(row: Period) -> str:
    if row.until is None:
        return "still"
    return ("" if row.until_exact else "after ") + _plain(row.until)


def _plain(stamp: str) -> str:
    return stamp.replace("T", " ").removesuffix("Z")


def _name(holder: Holder) -> str:
    if isinstance(holder.name, str):
        return f"{holder.name} ({holder.pid})" if isinstance(holder.pid, int) else holder.name
    if isinstance(holder.name, Unknown) and holder.name.unknown == "no-process":
        return "the kernel"
    return "hidden"


def _place(holder: Holder) -> str:
    if isinstance(holder.container, Unknown) or isinstance(holder.unit, Unknown):
        return "?"
    if holder.container:
        return f"{holder.container.engine} {holder.container.id[:12]}"
    return holder.unit or "-"
