"""The fleet that `portbook serve` shows: its store, or a line that says why there is none."""

import argparse
import sys

from portbook.cli.render import safe
from portbook.model import EnvironmentFault, PortbookError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.pages.fleet.desk import FleetDesk


def configure(parser: argparse.ArgumentParser) -> None:
    """The option of the fleet."""
    parser.add_argument(
        "--fleet-store",
        metavar="URL",
        help="show the hosts of a fleet too: postgresql://… (PORTBOOK_FLEET_STORE)",
    )


def store_of(options: argparse.Namespace) -> str:
    """The URL of the fleet's store: the option, the variable, the file; "" where none is named.

    A file or variable that does not fit takes only the fleet's pages away, and that is said.

    Raises:
        UsageError: the option is no URL of a store.
        EnvironmentFault: the option is given, and psycopg is not installed.
    """
    from portbook.fleet.settings import settings_of

    asked = options.fleet_store
    try:
        url = settings_of(argparse.Namespace(store=asked)).store
        if url:
            _require(url)
    except PortbookError as error:
        if asked:
            raise
        hint = f" ({safe(error.hint)})" if error.hint else ""
        print(f"portbook: no fleet is shown: {safe(str(error))}{hint}", file=sys.stderr)
        return ""
    return url or ""


def open_desk(url: str) -> "FleetDesk | None":
    """Who asks the store; nothing is asked before a visitor does."""
    if not url:
        return None
    from portbook.pages.fleet.desk import FleetDesk

    return FleetDesk(url)


def _require(url: str) -> None:
    from importlib.util import find_spec

    if not url.startswith(("postgresql://", "postgres://")):
        raise UsageError(
            "the store of a fleet is named by a URL", hint="postgresql://user@host/database"
        )
    if find_spec("psycopg") is None:
        raise EnvironmentFault(
            "a fleet's store needs psycopg, which is not installed",
            hint='pip install "portbook[fleet]"',
        )
