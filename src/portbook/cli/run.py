"""Run a program with a port of its own that nobody else can take: stable by project and name."""

import argparse
import errno
import os
import sys

from portbook.cli import leases, run_text
from portbook.cli.run_plan import Given, check_host, environment, filled, ready_seconds, wanted
from portbook.host import children, clock, holding, lives
from portbook.model.claim import ClaimRefused
from portbook.model.errors import EnvironmentFault, UsageError
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from portbook.claims.access import Access
    from portbook.cli.run_plan import Wanted
    from portbook.model.claim import Claim, ClaimRequest

READY_SECONDS = 30.0
_TRIES = 8
"""Numbers to try where another program takes each between the claim and the hold."""

_LOOK = 0.2
"""Seconds between two looks at closed connections."""
_CROWDED = 30.0
"""Seconds to wait for a turn at the store, with many shells at once on a busy machine."""
_TURN = 4.0
"""What took that long was waiting for others (claims.direct.PATIENCE is 5)."""


class Running(Record):
    """A program that is about to start, and what it gets.

    `ports` has the number of each variable; `url` is null over UDP; `pid` is that of `portbook
    run`, `command` what it starts.
    """

    port: int
    ports: dict[str, int]
    host: str
    url: str | None
    transport: str
    project: str | None
    name: str | None
    claim: str
    token: int
    pid: int
    command: tuple[str, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook run`."""
    parser.usage = "portbook run [options] [--] CMD [ARGUMENTS]"
    parser.add_argument("--name", metavar="N", help="the same number for this project and name")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--port", metavar="P", help="exactly this one")
    which.add_argument("--near", metavar="P", help="the free one that is nearest to P")
    which.add_argument("--range", metavar="A-B", help="one from A to B")
    parser.add_argument(
        "--env", metavar="VAR", action="append", default=[], help="a port for each; the first: PORT"
    )
    parser.add_argument("--host", metavar="ADDR", default="127.0.0.1", help="what HOST says")
    parser.add_argument("--wait", metavar="TIME", type=leases.wait, default=0.0, help="for it")
    parser.add_argument(
        "--udp", dest="transport", action="store_const", const="udp", default="tcp", help="over UDP"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--fd", action="store_true", help="pass a listening socket (LISTEN_FDS)")
    how.add_argument(
        "--release-at-exec", action="store_true", help="for servers without SO_REUSEADDR"
    )
    parser.add_argument(
        "--ready",
        metavar="TIME",
        nargs="?",
        type=ready_seconds,
        const=READY_SECONDS,
        help="say when it listens, and end it if it does not within TIME (30s)",
    )
    parser.add_argument("--ready-http", metavar="PATH", help="ready when this page is answered")
    parser.add_argument("--quiet", action="store_true", help="say only what went wrong")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="CMD")


def main(options: argparse.Namespace) -> int:
    """The program's exit code; 1 where the port is not to be had, 126 and 127 as a shell.

    Raises:
        ClaimRefused: somebody has the port.
        NotStarted: there is no such program.
        UsageError: the options do not fit.
    """
    from portbook.survey.claiming import open_claims

    _check(options)
    folder = os.getcwd()
    requests = wanted(options, folder)
    access = open_claims()
    given: list[Given] = []
    held: list[_socket.socket] = []
    try:
        unused = run_text.near_not_used(access, requests[0].request, requests[0].request.near)
        if unused and not options.quiet:
            run_text.say(unused)
        for each in requests:
            _obtain(access, each, options, given, held)
        access.close()
        child = _run(options, access, given, held, requests[0].request.project)
    finally:
        for socket in held:
            socket.close()
        _release(access, given)
    if child is not None:
        sys.stdout.flush()
        children.end_as(child)
    return 1


def _check(options: argparse.Namespace) -> None:
    if options.command[:1] == ["--"]:
        del options.command[0]
    if not options.command:
        raise UsageError("which program?", hint="portbook run --name web -- npm run dev")
    check_host(options.host)
    if options.fd and options.transport == "udp":
        raise UsageError("--fd passes a listening socket, and UDP has none")
    if options.ready_http is not None:
        if not options.ready_http.startswith("/") or not options.ready_http.isprintable():
            raise UsageError("--ready-http takes a path, such as /health")
        options.ready = options.ready or READY_SECONDS
    if options.ready is not None and options.transport == "udp" and options.ready_http is not None:
        raise UsageError("--ready-http is for TCP")


def _obtain(
    access: "Access",
    each: "Wanted",
    options: argparse.Namespace,
    given: list[Given],
    held: "list[_socket.socket]",
) -> None:
    """Claim a port and hold it with a socket.

    Raises:
        ClaimRefused: somebody has it; said is who.
    """
    request = each.request
    for _ in range(_TRIES):
        try:
            claim = _claim(access, request)
        except ClaimRefused as error:
            raise run_text.refused(error, access, request) from None
        given.append(Given(each.variable, claim))
        try:
            if options.fd:
                held.append(holding.listen(claim.port, _listen_address(options.host)))
            else:
                fixed = request.port is not None or request.key is not None
                held.append(_hold(options, claim.port, fixed=fixed))
        except OSError as error:
            # Between the claim and the hold: a program that asks nobody.
            _release(access, [given.pop()])
            if request.port is not None or request.key is not None:
                refusal = ClaimRefused("in_use", f"{claim.port}: {error.strerror}")
                raise run_text.refused(refusal, access, request, claim.port) from None
            request = request._replace(avoid=(*request.avoid, claim.port))
        else:
            return
    raise ClaimRefused("in_use", f"other programs took {_TRIES} numbers as they were claimed")


def _hold(options: argparse.Namespace, port: int, *, fixed: bool) -> "_socket.socket":
    """The socket that keeps the number.

    A server without SO_REUSEADDR is kept off by closed connections too: of several numbers it
    gets another, and for its only one it is waited as long as was asked.
    """
    deadline = clock.monotonic() + options.wait
    while True:
        try:
            return holding.hold(port, options.transport, unused=options.release_at_exec)
        except OSError as error:
            if not fixed or not options.release_at_exec or error.errno != errno.EADDRINUSE:
                raise
        if clock.monotonic() >= deadline:
            break
        clock.sleep(min(_LOOK, max(0.0, deadline - clock.monotonic())))
    made = holding.hold(port, options.transport)
    run_text.say(*run_text.closed_connections(port))
    return made


def _claim(access: "Access", request: "ClaimRequest") -> "Claim":
    """One claim. Where many are at work on the store at once we wait for our turn longer.

    Raises:
        ClaimRefused: it is not to be had.
        EnvironmentFault: the store is not to be had.
    """
    deadline = clock.monotonic() + _CROWDED
    while True:
        began = clock.monotonic()
        try:
            return access.claim(request)[0]
        except EnvironmentFault:
            # Whatever else is wrong with the store is found at once.
            if clock.monotonic() - began < _TURN or clock.monotonic() > deadline:
                raise


def _listen_address(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    return holding.EVERY_ADDRESS if host in ("0.0.0.0", "::", "*") else host


def _run(
    options: argparse.Namespace,
    access: "Access",
    given: list[Given],
    held: "list[_socket.socket]",
    project: str | None,
) -> children.Child | None:
    """Start the program and see it through; None where it did not become ready."""
    from portbook.cli.run_watch import Watching

    arguments = filled(options.command, given, options.host)
    if not options.quiet:
        run_text.say(run_text.began(given, project))
    if options.json or options.jsonl:
        _document(options, given, arguments, project)
    if options.transport == "udp" or options.release_at_exec:
        while held:
            held.pop().close()
    with children.Attention() as attention:
        child = children.start(
            arguments,
            environment(given, options.host),
            attention,
            passed=[each.fileno() for each in held] if options.fd else (),
        )
        if options.fd:
            while held:
                held.pop().close()
        with children.Watcher(_ending(child.pid, given[0].claim.id)):
            watching = Watching(options, access, given, held, child)
            while not attention.wait(child, watching.pause()):
                watching.look()
            return watching.ended()


def _ending(pid: int, claim_id: str) -> "Callable[[], None]":
    """What is done if we are killed; nothing of it is loaded before."""
    started = lives.start_of(pid)

    def end() -> None:
        from portbook.survey.running import end_family

        end_family(pid, started, claim_id)

    return end


def _document(
    options: argparse.Namespace, given: list[Given], arguments: list[str], project: str | None
) -> None:
    from portbook.cli.render import emit_json
    from portbook.model.document import document

    body = Running(
        port=given[0].port,
        ports={each.variable: each.port for each in given},
        host=options.host,
        url=run_text.url(options.host, given[0].port) if options.transport == "tcp" else None,
        transport=options.transport,
        project=project,
        name=options.name,
        claim=given[0].claim.id,
        token=given[0].claim.token,
        pid=os.getpid(),
        command=tuple(arguments),
    )
    emit_json(document("run", body), line=True)
    sys.stdout.flush()


def _release(access: "Access", given: list[Given]) -> None:
    """Give back what is ours; our end does it as well, so nothing here keeps us from ending."""
    from portbook.model.errors import PortbookError

    try:
        for each in given:
            access.release(each.claim.id, each.claim.token)
        access.close()
    except (PortbookError, OSError):
        return
