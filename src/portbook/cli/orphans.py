"""The tombstones: registrations that nothing public uses any more, with counts."""

import argparse

from portbook.cli.render import Column, Style, emit, emit_json, style_of, table
from portbook.model import RANGES, UsageError, document
from portbook.registry.orphans import OrphanReport, orphans
from portbook.registry.registrations import Registration


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook orphans`."""
    names = ", ".join(known.name for known in RANGES)
    parser.add_argument("--range", metavar="NAME", help=f"only this range: {names}")
    parser.add_argument("--assignee", metavar="X", help="only of this assignee, as IANA names it")
    parser.add_argument("--year", metavar="Y", type=int, help="only registered in this year")
    parser.add_argument("--all", action="store_true", help="also those that are no orphans")
    parser.add_argument(
        "--stats", action="store_true", help="count the whole registry instead: the census"
    )
    parser.add_argument("--wide", action="store_true", help="cut nothing")


def main(options: argparse.Namespace) -> int:
    """Exit code 1 where there is no such registration."""
    if options.stats:
        return _stats(options)
    report = orphans(
        range_name=options.range,
        assignee=options.assignee,
        year=options.year,
        everything=options.all,
    )
    if options.jsonl:
        kind = "registration" if options.all else "tombstone"
        for row in report.rows:
            emit_json(document(kind, row), line=True)
    elif options.json:
        emit_json(document("orphans", {**report._asdict(), "incomplete": ()}))
    else:
        emit(_lines(report, _style(options), everything=options.all))
    return 0 if report.rows else 1


_LIFE = Column("LIFE")
_COLUMNS = (
    Column("PORT", right=True),
    Column("SERVICE", flexible=True),
    Column("TRANSPORT"),
    Column("REGISTERED"),
    Column("BY", flexible=True),
    Column("DESCRIPTION", flexible=True),
)


def summary(report: OrphanReport) -> list[str]:
    """How many registrations live and how many do not, and by which sources."""
    total = sum(report.counts.values())
    counts = ", ".join(f"{number:,} {life}" for life, number in report.counts.items())
    orphaned = f"{report.counts['orphan']:,} of {total:,} registered services"
    sources = f"{report.sources_checked} sources, as of {report.as_of}"
    return [f"{orphaned} have no public trace in {sources}", f"({counts})"]


def _stats(options: argparse.Namespace) -> int:
    """The census: always of everything, so what selects registrations is refused."""
    selecting = {
        "--range": options.range is not None,
        "--assignee": options.assignee is not None,
        "--year": options.year is not None,
        "--all": options.all,
    }
    given = [option for option, is_given in selecting.items() if is_given]
    if given:
        raise UsageError(
            f"--stats counts the whole registry: it goes with no {given[0]}",
            hint=f"leave out {' and '.join(given)}, or --stats",
        )
    from portbook.registry.census import census

    found = census()
    if options.json or options.jsonl:
        emit_json(document("census", {**found._asdict(), "incomplete": ()}), line=options.jsonl)
    else:
        from portbook.cli.census_text import census_lines
        from portbook.cli.render import is_terminal

        emit(census_lines(found, _style(options), bars=is_terminal()))
    return 0


def _style(options: argparse.Namespace) -> Style:
    style = style_of(options.color)
    return style._replace(cut=style.cut and not options.wide)


def _lines(report: OrphanReport, style: Style, *, everything: bool) -> list[str]:
    if not report.rows:
        return summary(report)
    rows = [_cells(row, everything=everything) for row in report.rows]
    columns = (*_COLUMNS[:3], _LIFE, *_COLUMNS[3:]) if everything else _COLUMNS
    return [*summary(report), "", *table(columns, rows, style)]


def _cells(row: Registration, *, everything: bool) -> tuple[str, ...]:
    ports = str(row.port) if row.port == row.last_port else f"{row.port}-{row.last_port}"
    return (
        ports,
        row.service,
        ",".join(row.transports) or "-",
        *((row.life,) if everything else ()),
        row.registered or "-",
        (row.assignee or "-").replace("_", " "),
        row.description or "-",
    )
