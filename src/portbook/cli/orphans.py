"""The tombstones: registrations that nothing public uses any more, with counts."""

import argparse

from portbook.cli.render import Column, emit, emit_json, style_of, table
from portbook.model import RANGES, document
from portbook.registry.orphans import OrphanReport, Tombstone, orphans


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook orphans`."""
    names = ", ".join(known.name for known in RANGES)
    parser.add_argument("--range", metavar="NAME", help=f"only this range: {names}")
    parser.add_argument("--assignee", metavar="X", help="only of this assignee, as IANA names it")
    parser.add_argument("--year", metavar="Y", type=int, help="only registered in this year")
    parser.add_argument("--wide", action="store_true", help="cut nothing")


def main(options: argparse.Namespace) -> int:
    """Exit code 1 where there is no such registration."""
    report = orphans(range_name=options.range, assignee=options.assignee, year=options.year)
    if options.jsonl:
        for row in report.rows:
            emit_json(document("tombstone", row), line=True)
    elif options.json:
        emit_json(document("orphans", {**report._asdict(), "incomplete": ()}))
    else:
        style = style_of(options.color)
        style = style._replace(cut=style.cut and not options.wide)
        rows = [_cells(row) for row in report.rows]
        emit([*summary(report), "", *table(_COLUMNS, rows, style)] if rows else summary(report))
    return 0 if report.rows else 1


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


def _cells(row: Tombstone) -> tuple[str, ...]:
    ports = str(row.port) if row.port == row.last_port else f"{row.port}-{row.last_port}"
    return (
        ports,
        row.service,
        ",".join(row.transports) or "-",
        row.registered or "-",
        (row.assignee or "-").replace("_", " "),
        row.description or "-",
    )
