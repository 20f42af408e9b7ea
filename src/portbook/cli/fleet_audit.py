"""Which listeners of all hosts of the fleet do not belong."""

import argparse

from portbook.cli.fleet_source import (
    add_live,
    code_of,
    from_store,
    is_live,
    labels_of,
    present,
    settings_for,
    where_of,
)
from portbook.model.verdict import SEVERITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.render import Style


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet audit`."""
    parser.add_argument("--where", metavar="FILTER", help="only among these listeners")
    parser.add_argument(
        "--fail-on",
        choices=SEVERITIES,
        default="medium",
        help="exit with 1 on findings as severe as this (default: medium)",
    )
    add_live(parser)


def main(options: argparse.Namespace) -> int:
    """Exit code 1: findings at or above --fail-on; 3: hosts are silent, or not all was seen; 0."""
    from portbook.fleet.inventory import audit, is_failed, worst_first

    where = where_of(options)
    labels, settings = labels_of(options), settings_for(options)
    if is_live(options, settings):
        from portbook.cli.fleet_live import ask_ls

        found = ask_ls(options, settings, "audit", labels, 0)
        found = found._replace(listeners=worst_first(found.listeners))
    else:
        found = from_store(settings, lambda link: audit(link, where, labels=labels))

    def lines(style: "Style") -> list[str]:
        from portbook.cli.fleet_text import listener_lines

        return listener_lines(found.listeners, style, audit=True)

    present(options, "fleet-audit", found, ("listeners", "listener", "fleet-listener"), lines)
    if is_failed(found.listeners, options.fail_on):
        return 1
    return code_of(found.asked, found.incomplete, found=True)
