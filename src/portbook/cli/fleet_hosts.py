"""The hosts of the fleet: when they reported, which are silent, what they could not see."""

import argparse

from portbook.cli.fleet_source import (
    add_labels,
    code_of,
    from_store,
    labels_of,
    present,
    settings_for,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.render import Style


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet hosts`."""
    add_labels(parser)


def main(options: argparse.Namespace) -> int:
    """Exit code 0: all report, 1: there is none, 3: some are silent or lack something."""
    from portbook.fleet.inventory_hosts import hosts

    labels = labels_of(options)
    found = from_store(settings_for(options), lambda link: hosts(link, labels=labels))

    def lines(style: "Style") -> list[str]:
        from portbook.cli.fleet_text import host_lines

        return host_lines(found.hosts, style)

    present(options, "fleet-hosts", found, ("hosts", "host", "fleet-member"), lines)
    return code_of(found.asked, found.incomplete, found=bool(found.hosts))
