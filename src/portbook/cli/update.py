"""`portbook update`: a newer registry from IANA or from a file, and the way back."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from portbook.cli.progress import Bar
from portbook.cli.render import emit, emit_json, safe
from portbook.model import Assignment, TableFault, document

if TYPE_CHECKING:
    from portbook.registry.changes import Changes
    from portbook.registry.install import InUse
    from portbook.registry.offer import Offer

_SHOWN = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Import IANA's registry of ports and service names, as CSV or XML, for your lookups.\n"
        "Without an option it is downloaded from iana.org. It is checked before anything\n"
        "changes; if it does not fit, the table in use stays in use."
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--from",
        dest="origin",
        metavar="FILE|URL",
        help="import from a file or from another http or https address",
    )
    choice.add_argument(
        "--rollback",
        action="store_true",
        help="go back to the import before, or the built-in table",
    )
    choice.add_argument(
        "--status", action="store_true", help="say which table is in use and where it came from"
    )


def main(options: argparse.Namespace) -> int:
    """Run the command: 0 done, 1 nothing to roll back to.

    Raises:
        ImportRefused: what was offered is not the registry.
        DownloadFault: the network or the server failed.
        EnvironmentFault: the data folder cannot be used.
        TableFault: the table in use is broken.
    """
    from portbook.registry.install import in_use, roll_back

    if options.status:
        _report(options, "status", in_use())
        return 0
    if options.rollback:
        done = roll_back()
        outcome = "rolled-back" if done else "nothing-to-roll-back"
        _report(options, outcome, in_use())
        return 0 if done else 1
    changes = _update(options.origin)
    outcome = "current" if changes is None else "imported"
    _report(options, outcome, in_use(), changes)
    return 0


def _update(origin: str | None) -> "Changes | None":
    """Import from `origin`, or from IANA; what changed, or None if nothing was new."""
    from portbook.registry.install import install
    from portbook.registry.offer import IANA, is_address, read_file

    if origin is None:
        origin = IANA
    offer = _download(origin) if is_address(origin) else read_file(origin)
    return None if offer is None else install(offer)


def _download(address: str) -> "Offer | None":
    """The registry at `address`; None when the server says that it is the table in use."""
    from portbook.host import web
    from portbook.registry.offer import MOST_BYTES, Offer, printable, read_chunks

    source = printable(address)
    etag, last_modified = _validators(source)
    with Bar(unit="KiB", scale=1024) as bar:
        reply = web.fetch(
            address,
            etag=etag,
            last_modified=last_modified,
            limits=web.Limits(size=MOST_BYTES),
            progress=bar.show,
        )
        if reply.chunks is None:
            return None
        form, assignments = read_chunks(reply.chunks, source)
    return Offer(source, form, assignments, reply.etag, reply.last_modified)


def _validators(source: str) -> tuple[str | None, str | None]:
    """ETag and Last-Modified of the table in use, if it came from `source` and is sound."""
    from portbook.registry.install import in_use

    try:
        known = in_use()
    except TableFault:
        return None, None
    return (known.etag, known.last_modified) if known.source == source else (None, None)


def _report(
    options: argparse.Namespace, outcome: str, table: "InUse", changes: "Changes | None" = None
) -> None:
    if options.json or options.jsonl:
        from portbook.registry.changes import summary
        from portbook.registry.install import Report

        told = None if changes is None else summary(changes, most=_SHOWN)
        body = Report(outcome, table, told)
        emit_json(document("update", body), line=options.jsonl)
    else:
        emit(safe(line) for line in _lines(outcome, table, changes))


def _lines(outcome: str, table: "InUse", changes: "Changes | None") -> Iterator[str]:
    """The report for people."""
    what = f"{table.records:,} records"
    match outcome:
        case "imported":
            yield f"imported {what} from {table.source}"
        case "current":
            yield f"already current: {what} from {table.source}"
        case "rolled-back":
            yield f"rolled back to the {table.table} table: {what}"
        case "nothing-to-roll-back":
            yield f"nothing to roll back: the built-in table is in use, {what}"
        case _:
            yield f"table in use   {table.table}, {what}"
            for name, value in (
                ("from", table.source),
                ("form", table.form),
                ("imported", table.imported),
                ("ETag", table.etag),
                ("Last-Modified", table.last_modified),
                ("rollback to", table.rollback),
            ):
                if value is not None:
                    yield f"{name:<14} {value}"
    if changes is not None:
        yield ", ".join(f"{len(rows):,} {name}" for name, rows in changes._asdict().items())
        for sign, rows in zip("+-~", changes, strict=True):
            for row in rows[:_SHOWN]:
                yield f"  {sign} {_port(row)} {row.service}  {row.description or ''}".rstrip()
            if len(rows) > _SHOWN:
                yield f"  {sign} and {len(rows) - _SHOWN:,} more"


def _port(row: Assignment) -> str:
    ports = str(row.port) if row.port == row.last_port else f"{row.port}-{row.last_port}"
    return f"{ports}/{row.transport}" if row.transport else ports
