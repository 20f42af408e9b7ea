"""The claims that `portbook serve` hands out: opened if they can be, and said if not."""

import argparse
import sys

from portbook.cli.render import safe
from portbook.model import PortbookError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from portbook.claims.doors import Doors
    from portbook.claims.service import Service
    from portbook.model.claim import Claim
    from portbook.pages.listening import Place


def open_service(options: argparse.Namespace, sockets: "list[socket.socket]") -> "Service | None":
    """The service of claims; its Unix socket is added to `sockets`, unless systemd passed one.

    None with --no-claims, and where there can be none: the pages are served without.

    Raises:
        UsageError: the options contradict each other, or --store is the URL of nothing we know.
    """
    if options.no_claims:
        if options.durable or options.socket or options.store:
            raise UsageError("--no-claims leaves nothing for --durable, --socket and --store")
        return None
    import socket

    from portbook.claims import places
    from portbook.claims.direct import SCHEMES
    from portbook.claims.service import Kernel, Service
    from portbook.survey.choosing import in_use, numbers_for

    path: str | None = options.socket or places.own_socket()
    if any(each.family == socket.AF_UNIX for each in sockets):
        if options.socket:
            raise UsageError("the sockets come from systemd: --socket says nothing here")
        path = None
    kernel = Kernel(numbers_for, in_use, _seen)
    store = options.store or places.store_path()
    if "://" in store and not store.startswith(SCHEMES):
        raise UsageError("--store is neither a file nor a postgresql:// URL")
    try:
        service = Service(store, kernel, socket_path=path, durable=options.durable)
    except UsageError:
        raise
    except PortbookError as error:
        hint = f" ({safe(error.hint)})" if error.hint else ""
        print(f"portbook: no claims are handed out: {safe(str(error))}{hint}", file=sys.stderr)
        return None
    if service.listener is not None:
        sockets.append(service.listener.socket)
    return service


def open_doors(
    options: argparse.Namespace, places: "Iterable[Place]", passed: "list[socket.socket]"
) -> "Doors":
    """The datagrams beside each place, and the portserver; what cannot be opened is said."""
    from portbook.claims.doors import Doors
    from portbook.claims.places import PORTSERVER
    from portbook.pages.settings import PORT

    addresses = [(each.address, each.port) for each in places if each.port]
    name: str | None = options.portserver
    if name is None and any(port == PORT for _, port in addresses):
        name = PORTSERVER
    return Doors(addresses, passed=passed, name=name or None, say=_say)


def _say(line: str) -> None:
    print(f"portbook: {safe(line)}", file=sys.stderr, flush=True)


def _seen(claims: "tuple[Claim, ...]") -> "Iterable[Claim]":
    from portbook.survey.claiming import seen

    return seen(claims)
