"""`portbook fleet remove HOST`: a host leaves, and what the store has of it is deleted."""

import argparse

from portbook.cli.render import emit, emit_json, safe
from portbook.model import document


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet remove`."""
    parser.add_argument("host_id", metavar="HOST", help="its id, as in `portbook fleet hosts`")
    parser.add_argument("--dry-run", action="store_true", help="say what would be deleted")


def main(options: argparse.Namespace) -> int:
    """Exit code 0: done, or with --dry-run said.

    Raises:
        UsageError: there is no such host; no store is named.
        PortbookError: as `remove`.
    """
    from portbook.fleet.removing import remove
    from portbook.fleet.settings import require_store, settings_of

    store = require_store(settings_of(options))
    done = remove(store, options.host_id, dry_run=options.dry_run)
    if options.json or options.jsonl:
        emit_json(document("fleet-remove", done), line=options.jsonl)
        return 0
    verb = "would be" if done.dry_run else "is"
    rows = f"{done.listeners} listeners, {done.versions} versions in its history"
    lines = [f"{done.host} {verb} removed: {rows}"]
    if done.login is not None:
        lines.append(f"its login {done.login} {verb} closed")
    if done.nkey is not None:
        lines.append("its key opens the bus until the next: portbook fleet nats-config")
    emit([safe(line) for line in lines])
    return 0
