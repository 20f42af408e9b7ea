"""Who listens on a port, on every host of the fleet."""

import argparse

from portbook.cli.fleet_source import (
    add_live,
    code_of,
    from_store,
    is_live,
    labels_of,
    ports_of,
    present,
    settings_for,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.render import Style


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet who`."""
    parser.add_argument("port", metavar="PORT", help="3255, 3255/udp, 8000-8010 or a service name")
    add_live(parser)


def main(options: argparse.Namespace) -> int:
    """Exit code 0: somebody, 1: nobody, 3: hosts are silent, or not everything could be seen."""
    ports, transport = ports_of(options.port)
    labels, settings = labels_of(options), settings_for(options)
    if is_live(options, settings):
        from portbook.cli.fleet_live import ask_who

        found = ask_who(options, settings, ports, transport, labels)
    else:
        from portbook.fleet.inventory import who

        found = from_store(settings, lambda link: who(link, ports, transport, labels=labels))

    def lines(style: "Style") -> list[str]:
        from portbook.cli.fleet_text import listener_lines

        return listener_lines(found.listeners, style)

    present(options, "fleet-who", found, ("listeners", "listener", "fleet-listener"), lines)
    return code_of(found.asked, found.incomplete, found=bool(found.listeners))
