"""`portbook fleet retain`: make the months of the history ahead, drop those that are old."""

import argparse

from portbook.cli.render import emit, emit_json
from portbook.model import UsageError, document


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet retain`."""
    parser.add_argument(
        "--keep", default="400d", metavar="TIME", help="how much history is kept (400d)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")


def main(options: argparse.Namespace) -> int:
    """Exit code 0: done, or with --dry-run said.

    Raises:
        UsageError: a time that is none; no store is named.
        PortbookError: as `retain`.
    """
    from portbook.fleet.retaining import retain
    from portbook.fleet.settings import require_store, settings_of
    from portbook.model.moments import duration

    try:
        keep = duration(options.keep)
    except ValueError as error:
        raise UsageError(f"--keep: {error}", hint="such as 90d, 400d, 104w") from None
    if keep < 86_400:
        raise UsageError("--keep: a day at least")
    done = retain(require_store(settings_of(options)), keep=keep, dry_run=options.dry_run)
    if options.json or options.jsonl:
        emit_json(document("fleet-retain", done), line=options.jsonl)
        return 0
    would = "would be " if options.dry_run else ""
    emit(
        [
            f"history since {done.kept_since} is kept",
            f"months {would}made: {', '.join(done.made) or 'none'} ({done.moved} rows moved)",
            (
                f"months {would}dropped: {', '.join(done.dropped) or 'none'}"
                f" ({done.dropped_rows} rows of no month)"
            ),
        ]
    )
    return 0
