"""What changed on the hosts of the fleet since a moment: the net effect, port by port.

What opened and closed again meanwhile is no change, and a restart that alters the PID alone is
none either: `portbook fleet history` has those.
"""

import argparse

from portbook.cli.fleet_source import (
    add_labels,
    code_of,
    from_store,
    labels_of,
    present,
    settings_for,
    since_of,
    where_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.render import Style


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet drift`."""
    parser.add_argument(
        "--since", metavar="TIME", default="1d", help="2h, 2d, 1w ago, or an ISO date, UTC (1d)"
    )
    parser.add_argument("--where", metavar="FILTER", help="what was or is fits 'reach=any'")
    add_labels(parser)


def main(options: argparse.Namespace) -> int:
    """Exit code 0: something changed, 1: nothing did, 3: hosts are silent or lack something."""
    from portbook.fleet.inventory_time import drift

    where, labels = where_of(options), labels_of(options)
    since = since_of(options.since) or 0.0
    found = from_store(settings_for(options), lambda link: drift(link, since, where, labels=labels))

    def lines(style: "Style") -> list[str]:
        from portbook.cli.fleet_text import change_lines

        return change_lines(found.changes, style)

    present(options, "fleet-drift", found, ("changes", "change", "fleet-change"), lines)
    return code_of(found.asked, found.incomplete, found=bool(found.changes))
