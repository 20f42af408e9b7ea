"""Listeners of every host of the fleet that fit a filter."""

import argparse

from portbook.cli.fleet_source import (
    add_live,
    code_of,
    from_store,
    is_live,
    labels_of,
    limit,
    present,
    settings_for,
    where_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.render import Style

USUAL_LIMIT = 1_000


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet ls`."""
    parser.add_argument("--where", metavar="FILTER", help="such as 'process=redis and reach=any'")
    parser.add_argument(
        "--limit", metavar="N", type=limit, default=USUAL_LIMIT, help="so many (1000); 0 for all"
    )
    add_live(parser)


def main(options: argparse.Namespace) -> int:
    """Exit code 0: some fit, 1: none, 3: hosts are silent, or not everything could be seen."""
    where = where_of(options)
    labels, settings = labels_of(options), settings_for(options)
    if is_live(options, settings):
        from portbook.cli.fleet_live import ask_ls

        found = ask_ls(options, settings, "ls", labels, options.limit)
    else:
        from portbook.fleet.inventory import ls

        found = from_store(
            settings, lambda link: ls(link, where, labels=labels, limit=options.limit)
        )

    def lines(style: "Style") -> list[str]:
        from portbook.cli.fleet_text import listener_lines

        return listener_lines(found.listeners, style)

    present(options, "fleet-ls", found, ("listeners", "listener", "fleet-listener"), lines)
    return code_of(found.asked, found.incomplete, found=bool(found.listeners))
