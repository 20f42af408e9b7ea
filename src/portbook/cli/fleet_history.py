"""Who held a port, and when, on every host of the fleet."""

import argparse

from portbook.cli.fleet_source import (
    add_labels,
    code_of,
    from_store,
    labels_of,
    limit,
    ports_of,
    present,
    settings_for,
    since_of,
    where_of,
)
from portbook.model import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.render import Style


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet history`."""
    parser.add_argument("port", metavar="PORT", nargs="?", help="3255, 3255/udp, 8000-8010, redis")
    parser.add_argument("--host", metavar="HOST", help="only on this host, by its id")
    parser.add_argument("--since", metavar="TIME", help="2h, 2d, 1w ago, or an ISO date (UTC)")
    parser.add_argument("--where", metavar="FILTER", help="such as 'process=redis and reach=any'")
    parser.add_argument(
        "--limit", metavar="N", type=limit, default=1000, help="the newest N (1000); 0 for all"
    )
    add_labels(parser)


def main(options: argparse.Namespace) -> int:
    """Exit code 0: periods, 1: none, 3: hosts are silent, or not everything could be seen."""
    from portbook.fleet.filters import EVERYTHING, Check, Filter, Group
    from portbook.fleet.inventory import who_filter
    from portbook.fleet.inventory_time import history
    from portbook.fleet.settings import check_host

    parts: list[Filter] = [where_of(options)]
    if options.port is not None:
        parts.append(who_filter(*ports_of(options.port)))
    if options.host is not None:
        parts.append(Check("host", "is", (check_host(options.host),)))
    if parts == [EVERYTHING]:
        raise UsageError("no port, --host or --where is named", hint="portbook fleet history 3255")
    labels, since = labels_of(options), since_of(options.since)
    found = from_store(
        settings_for(options),
        lambda link: history(
            link, Group("all", tuple(parts)), since, labels=labels, limit=options.limit
        ),
    )

    def lines(style: "Style") -> list[str]:
        from portbook.cli.fleet_text import period_lines

        return period_lines(found.periods, style)

    present(options, "fleet-history", found, ("periods", "period", "fleet-period"), lines)
    return code_of(found.asked, found.incomplete, found=bool(found.periods))
