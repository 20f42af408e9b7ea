"""Numbers that are free on every host of the fleet: used, claimed and registered by nobody."""

import argparse

from portbook.cli.fleet_source import (
    add_live,
    from_store,
    is_live,
    labels_of,
    present,
    settings_for,
)
from portbook.model import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.render import Style


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet free`."""
    parser.add_argument("--count", metavar="N", help="how many numbers (default: 1)")
    parser.add_argument(
        "--range", metavar="A-B", help="from these alone, whatever IANA registered there"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--tcp", action="store_true", help="free for TCP is enough")
    which.add_argument("--udp", action="store_true", help="free for UDP is enough")
    add_live(parser)


def main(options: argparse.Namespace) -> int:
    """Exit code 0: all that were asked for, 1: fewer, 3: all, but hosts are silent."""
    from portbook.cli.free import count_of_text, range_of_text

    size = count_of_text(options.count)
    first, last = (None, None) if options.range is None else range_of_text(options.range)
    kinds = ("tcp",) if options.tcp else ("udp",) if options.udp else ("tcp", "udp")
    labels, settings = labels_of(options), settings_for(options)
    if is_live(options, settings):
        from portbook.cli.fleet_live import ask_free

        found = ask_free(options, settings, size, (first, last), kinds, labels)
    else:
        from portbook.fleet.inventory_free import free

        found = from_store(
            settings,
            lambda link: free(link, size, labels=labels, first=first, last=last, transports=kinds),
        )
    if found.asked.asked == 0 or found.asked.answered == 0:
        raise UsageError("there is no such host, so every number is free", hint=_NOBODY)

    def lines(style: "Style") -> list[str]:
        return [
            style.paint(str(each.port), "green")
            + (f"  registered for {each.registered}" if each.registered else "")
            for each in found.ports
        ] or ["none is free on all of them"]

    present(options, "fleet-free", found, ("ports", "port", "fleet-free-port"), lines)
    if len(found.ports) < size:
        return 1
    return 3 if found.incomplete or found.asked.silent else 0


_NOBODY = "portbook fleet hosts"
