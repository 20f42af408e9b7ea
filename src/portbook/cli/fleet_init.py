"""`portbook fleet init`: make the store's schema, or bring it to the newest version."""

import argparse

from portbook.cli.render import emit, emit_json, safe
from portbook.model import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.fleet.migrating import Migrated


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet init`."""
    parser.add_argument(
        "--dry-run", action="store_true", help="print the SQL that would be run, change nothing"
    )


def main(options: argparse.Namespace) -> int:
    """Exit code 0: the schema is the newest, or with --dry-run could be.

    Raises:
        UsageError: no store is named.
        PortbookError: as `migrate`.
    """
    from portbook.fleet.migrating import migrate
    from portbook.fleet.settings import require_store, settings_of

    done = migrate(require_store(settings_of(options)), dry_run=options.dry_run)
    if options.json or options.jsonl:
        emit_json(document("fleet-init", done), line=options.jsonl)
    elif options.dry_run:
        emit(f"{statement.strip()};\n" for statement in done.statements)
    else:
        emit(lines(done))
    return 0


def lines(done: "Migrated") -> list[str]:
    """What was done, for people."""
    if done.applied:
        before = f"from {done.version_before}" if done.version_before else "new"
        said = [f"{done.store}: schema {done.version} ({before}): {', '.join(done.applied)}"]
    else:
        said = [f"{done.store}: schema {done.version}, as it was"]
    if done.roles:
        said.append(f"roles made: {', '.join(done.roles)}")
    return [safe(each) for each in (*said, *(f"note: {gap}" for gap in done.gaps))]
