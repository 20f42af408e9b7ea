"""Serve the book: a page for every port, on this machine alone unless told otherwise."""

import argparse
import gc
import re
import sys

from portbook.cli import serve_fleet
from portbook.cli.render import emit, emit_json, safe
from portbook.cli.serve_claims import open_doors, open_service
from portbook.cli.serve_watch import hours_for, start_watch, watched_ports
from portbook.host import Host
from portbook.model import EnvironmentFault, Owner, PortbookError, UsageError, document
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from asyncio import AbstractEventLoop

    from portbook.claims.service import Service
    from portbook.pages.listening import Place, PortTaken
    from portbook.pages.settings import Settings

_NAME = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))(?::(\d{1,5}))?")
_USUAL_PORTS = (80, 443)


class Serving(Record):
    """A server that answers.

    `url` is where to look, `addresses` where it listens (`127.0.0.1:3255`, `unix:/path`). `live`:
    it shows this machine to who has the token in `token_file`, which is null where it does not, or
    where the token could not be kept. `socket` is the Unix socket of the claims, `store` their
    file; both are null where there are no claims, and `socket` where systemd passed one.
    """

    url: str
    addresses: tuple[str, ...]
    pid: int
    live: bool
    token_file: str | None
    socket: str | None = None
    store: str | None = None


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook serve`."""
    parser.add_argument("--host", metavar="H", help="an address or name (default: loopback)")
    parser.add_argument("--port", metavar="P", help="default: 3255; 0 takes any that is free")
    parser.add_argument("--expose", action="store_true", help="allow more than loopback")
    parser.add_argument(
        "--name",
        metavar="NAME[:PORT]",
        action="append",
        default=[],
        help="a further name under which it may be asked for",
    )
    parser.add_argument("--no-live", action="store_true", help="show nothing of this machine")
    parser.add_argument("--no-claims", action="store_true", help="hand out no claims on ports")
    parser.add_argument("--durable", action="store_true", help="claims survive a power cut too")
    parser.add_argument("--socket", metavar="PATH", help="the Unix socket of the claims")
    parser.add_argument(
        "--portserver", metavar="NAME", help="answer clients of portpicker (3255: @portbook)"
    )
    parser.add_argument("--store", metavar="PATH", help="the file of the claims")
    parser.add_argument(
        "--watch",
        metavar="PORT[,PORT]",
        action="append",
        default=[],
        help="watch who calls these ports, and show the last hour",
    )
    serve_fleet.configure(parser)
    parser.add_argument("--open", action="store_true", help="open a browser")
    parser.add_argument("--tls-cert", metavar="FILE", help="speak HTTPS with this certificate")
    parser.add_argument("--tls-key", metavar="FILE", help="its key, if it is in another file")
    parser.add_argument("--log", action="store_true", help="a line on stderr for each request")


def main(options: argparse.Namespace) -> int:
    """0 when it was asked to end, 1 if somebody has the port, 130 by Ctrl-C.

    Raises:
        EnvironmentFault: the packages for the pages are missing, or an address, a file.
        NotPermitted: the port is a privileged one.
        UsageError: the options do not fit.
    """
    try:
        from portbook.pages import listening, serving
        from portbook.pages.app import make_app
        from portbook.pages.connection import Crowd, Limits
        from portbook.pages.metrics import Measured
        from portbook.pages.service_connection import ServiceConnection
        from portbook.pages.settings import PORT
        from portbook.pages.site import Site
        from portbook.pages.words import languages, words
        from portbook.registry.lookup import lookup
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("portbook"):
            raise
        raise EnvironmentFault(
            f"the pages need {(missing.name or '').partition('.')[0]}, which is not installed",
            hint='pip install "portbook[pages]"',
        ) from None
    if options.tls_key and not options.tls_cert:
        raise UsageError("--tls-key without --tls-cert")
    tls = serving.tls_context(options.tls_cert, options.tls_key) if options.tls_cert else None
    names = [parse_name(name) for name in options.name]
    wanted = watched_ports(options.watch)
    fleet_store = serve_fleet.store_of(options)
    others: list[socket.socket] = []
    sockets = _sockets(options, others)
    places = [listening.place_of(each) for each in sockets]
    settings = _settings(options, places, names, fleet=bool(fleet_store))
    lookup(settings.port or PORT)  # the tables are there, and can be read
    for tag in languages():
        words(tag)  # so is every language
    site = Site(settings)
    site.fleet = serve_fleet.open_desk(fleet_store)
    service = open_service(options, sockets)
    doors = open_doors(options, places, others) if service else None
    watched = service.watched if service else 0
    limits = Limits(connections=serving.connection_limit(len(sockets), others=watched))
    crowd = Crowd(limits, ServiceConnection if service else None)
    site.metrics.crowd = crowd
    if site.live is not None:
        from portbook.pages.live import Live, take_short_turns

        take_short_turns()
        site.live = Live(lambda: Host(options.root), source=options.source)
        site.metrics.age = site.live.age
        site.edition.then = site.live.forget
        site.metrics.hours = lambda: hours_for(wanted)
    app = Measured(make_app(site), site.metrics, log=options.log)

    def begin(loop: "AbstractEventLoop") -> None:
        if service is not None:
            from portbook.pages.front import Front

            site.desk = service.start(loop)
            site.desk.changed.add(site.streams.wake)
            if doors is not None:
                doors.start(loop, site.desk)
            crowd.front = Front(site.desk, settings, site.tokens, site.metrics)

    def ready() -> None:
        site.edition.expected = True
        # It is off while a command starts. What is there now stays: it need never be looked at.
        gc.enable()
        gc.freeze()
        # A request leaves some 30 objects: with the usual 700 every 20th would wait for a look.
        gc.set_threshold(20_000, 20, 20)
        site.feedback.start()
        _tell(options, settings, places, service)
        if options.open:
            code = site.tokens.make_code() if settings.token_file else ""
            _browse(_url(settings, places), code)

    def ending() -> None:
        site.draining = True
        site.streams.end()
        if doors is not None:
            doors.drain()
        if service is not None:
            service.drain()

    events = serving.Events(ready, ending, begin)
    watch = start_watch(options, wanted)
    try:
        return serving.serve(app, sockets, crowd, tls=tls, events=events)
    finally:
        if watch is not None:
            watch.close()
        if doors is not None:
            doors.close()
        if service is not None:
            service.close()
        site.feedback.close()
        if site.fleet is not None:
            site.fleet.close()
        if site.live is not None:
            site.live.close()


def _sockets(options: argparse.Namespace, others: "list[socket.socket]") -> "list[socket.socket]":
    """Listening sockets: systemd's if it passes some, else our own; `others` are for claims."""
    from portbook.cli.arguments import port_number
    from portbook.pages import listening
    from portbook.pages.settings import PORT

    found = listening.passed(others)
    if found:
        if options.host is not None or options.port is not None:
            raise UsageError("the sockets come from systemd: --host and --port say nothing here")
    else:
        port = PORT if options.port is None else port_number(options.port)
        addresses: tuple[str, ...] = listening.LOOPBACK
        if options.host not in (None, "localhost"):
            from portbook.host.names import addresses_of

            addresses = addresses_of(options.host)
        _require_expose(options, addresses)
        try:
            found = listening.listen(addresses, port, optional=addresses is listening.LOOPBACK)
        except listening.PortTaken as taken:
            raise _held(taken) from None
    _require_expose(
        options,
        [each.address for each in map(listening.place_of, found) if not each.is_local],
    )
    return found


def _require_expose(options: argparse.Namespace, addresses: "tuple[str, ...] | list[str]") -> None:
    from portbook.pages.listening import is_loopback

    for address in addresses:
        if not options.expose and not is_loopback(address):
            raise UsageError(
                f"{address} is reached from other machines", hint="--expose, if that is meant"
            )


def _held(taken: "PortTaken") -> "PortTaken":
    """The error that names who has the port."""
    from portbook.cli.open import is_portbook
    from portbook.pages.listening import PortTaken

    by, hint = holder(taken.address, taken.port), ""
    if is_portbook(taken.address, taken.port):
        by, hint = f"another portbook: {by}", "portbook open, or serve --port 0"
    return PortTaken(taken.address, taken.port, by, hint)


def holder(address: str, port: int) -> str:
    """Who holds an address of this machine: `python3 (pid 123, user root)`."""
    from portbook.cli.listing import owner_text
    from portbook.survey import why

    found = why(port, "tcp", bind=False)
    reasons = found.tcp.reasons if found.tcp else ()
    fitting = [each for each in reasons if each.address in (address, "0.0.0.0", "::")]
    for reason in (*fitting, *reasons):
        owner = reason.owner
        if not isinstance(owner, Owner):
            continue
        if not isinstance(owner.name, str) or not isinstance(owner.pid, int):
            return owner_text(owner)
        user = f", user {owner.user}" if isinstance(owner.user, str) else ""
        return f"{owner.name} (pid {owner.pid}{user})"
    return reasons[0].detail if reasons else "somebody who cannot be seen"


class Name(Record):
    """A host name for the Host header, in lower case, with the port where it says one."""

    host: str
    port: int | None


def parse_name(text: str) -> Name:
    """`book.example.org`, `book.example.org:443`, `[2001:db8::1]`.

    Raises:
        UsageError: it is none of these.
    """
    found = _NAME.fullmatch(text)
    port = int(found[2]) if found and found[2] else None
    if found is None or (port is not None and not 0 < port < 65536):
        raise UsageError(f"--name: {text[:100]!r} is no host name", hint="book.example.org[:443]")
    return Name(found[1].lower(), port)


def _settings(
    options: argparse.Namespace, places: "list[Place]", extra: list[Name], *, fleet: bool
) -> "Settings":
    """What was decided, and the token's file if something needs it and there can be one."""
    from portbook.host.feedback_store import default_path as feedback_path
    from portbook.pages.settings import Settings
    from portbook.pages.tokens import default_path, kept_token

    token_file = ""
    if fleet or not options.no_live:
        try:
            kept_token(default_path())
            token_file = default_path()
        except PortbookError as error:
            said = f"portbook: nobody can enter the live parts: {safe(str(error))}"
            print(said, f"hint: {safe(error.hint or '')}", sep="\n", file=sys.stderr)
    return Settings(
        names=host_names(places, extra),
        port=next((each.port for each in places if each.port), 0),
        live=not options.no_live,
        exposed=any(not each.is_local for each in places),
        secure=options.tls_cert is not None,
        token_file=token_file,
        feedback_file=feedback_path(),
    )


def host_names(places: "list[Place]", extra: list[Name]) -> frozenset[str]:
    """The values of a Host header that are meant for us, given where we listen.

    A browser leaves out the usual ports, 80 and 443. A further name without a port is meant for
    our own ports, and for a proxy in front of us on a usual one.
    """
    import os

    names: set[str] = set()
    for each in places:
        if not each.port:
            names.add("localhost")
            continue
        if each.is_wildcard:
            hosts = {"127.0.0.1", "[::1]", os.uname().nodename.lower()}
        else:
            hosts = {f"[{each.address}]" if ":" in each.address else each.address}
        if each.is_local or each.is_wildcard:
            hosts.add("localhost")
        hosts |= {name.host for name in extra if name.port is None}
        names |= {f"{host}:{each.port}" for host in hosts}
        if each.port in _USUAL_PORTS:
            names |= hosts
    for name in extra:
        if name.port is not None:
            names.add(f"{name.host}:{name.port}")
        if name.port in (None, *_USUAL_PORTS):
            names.add(name.host)
    return frozenset(names)


def _url(settings: "Settings", places: "list[Place]") -> str:
    from portbook.pages.listening import place

    scheme = "https" if settings.secure else "http"
    for each in places:
        if each.port:
            address = each.address
            if each.is_wildcard:
                address = "::1" if ":" in address else "127.0.0.1"
            return f"{scheme}://{place(address, each.port)}/"
    return f"{scheme}://localhost/"


def _tell(
    options: argparse.Namespace,
    settings: "Settings",
    places: "list[Place]",
    service: "Service | None",
) -> None:
    """Say that it answers: the document, or the address on stdout and the rest on stderr."""
    import os

    url = _url(settings, places)
    if options.json or options.jsonl:
        told = Serving(
            url,
            tuple(map(str, places)),
            os.getpid(),
            settings.live,
            settings.token_file or None,
            service.listener.path if service and service.listener else None,
            service.path if service else None,
        )
        emit_json(document("serve", told), line=True)
        return
    emit([url])
    lines = [f"also on {each}" for each in map(str, places[1:])]
    if settings.token_file:
        option = "" if settings.port == 3255 else f" --port {settings.port}"
        way = f"portbook open{option}, or the token in {settings.token_file}"
        lines.append(f"to see this machine too: {way}")
    if service is not None and service.listener is not None:
        lines.append(f"claims on {service.listener.path} too")
    lines.append("Ctrl-C ends")
    for line in lines:
        print(safe(line), file=sys.stderr)


def _browse(url: str, code: str) -> None:
    """Open a browser without waiting for it."""
    from threading import Thread

    from portbook.cli.open import entrance, open_browser

    address = entrance(url, "/", code) if code else url
    Thread(target=open_browser, args=(address,), name="browser", daemon=True).start()
