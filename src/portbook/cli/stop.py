"""Stop what listens on a port: its unit, its container or its process; never a client of it."""

import argparse
import sys
from collections.abc import Sequence

from portbook.cli.arguments import parse_target
from portbook.cli.render import emit, emit_json, safe
from portbook.cli.stop_plan import Plan, Step, make_plan
from portbook.host import Host
from portbook.model import Gap, Listener, NotPermitted, UsageError, document
from portbook.model.moments import duration
from portbook.survey import survey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.stop_act import Outcome


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook stop`."""
    parser.add_argument("port", metavar="PORT", help="8080, 8080/tcp or a service name")
    parser.add_argument("--address", metavar="A", help="only what listens on this address")
    parser.add_argument("--all", action="store_true", help="every owner, where there are several")
    parser.add_argument("--tree", action="store_true", help="its descendants as well")
    parser.add_argument(
        "--force", action="store_true", help="kill what does not end; also a protected program"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--wait", metavar="TIME", default="5s", help="for its end (5s)")


def main(options: argparse.Namespace) -> int:
    """0 stopped (or with --dry-run: it could be), 1 nothing listens or it is still held."""
    target = parse_target(options.port)
    if len(target.ports) != 1:
        raise UsageError(f"{options.port} is {len(target.ports)} ports", hint="stop one at a time")
    try:
        patience = duration(options.wait)
    except ValueError as error:
        raise UsageError(f"--wait: {error}", hint="such as 5s, 1m") from None
    host = Host(options.root)
    if not host.live and not options.dry_run:
        raise UsageError("a recorded host cannot be changed", hint="--dry-run")
    port = target.ports[0]
    found = survey(host, source=options.source)
    rows = [
        row
        for row in found.listeners
        if row.socket.port == port
        and row.namespace is None
        and target.transport in (None, row.socket.transport)
        and options.address in (None, row.socket.address)
    ]
    if not rows:
        if options.json or options.jsonl:
            _print(options, port, "nothing", Plan((), ()), None, found.gaps)
        else:
            emit([f"nothing listens on {safe(options.port)}"])
        return 1
    plan = make_plan(host, rows, tree=options.tree, force=options.force)
    if options.dry_run:
        outcome = "refused" if plan.refused else "planned"
        _print(options, port, outcome, plan, None, found.gaps)
        return 4 if plan.refused else _several(plan, options, rows)
    return _stop(host, plan, rows, patience, options, port)


def _several(plan: Plan, options: argparse.Namespace, rows: Sequence[Listener]) -> int:
    """Refuse to guess which owner is meant.

    Raises:
        UsageError: there are several, and not all of them were asked for.
    """
    if len(plan.steps) > 1 and not options.all:
        said = "; ".join(_line(step) for step in plan.steps[:6])
        raise UsageError(
            f"{len(plan.steps)} different owners hold {options.port}: {said}",
            hint=f"--all, or narrow it: {rows[0].socket.port}/{rows[0].socket.transport}, "
            f"--address {rows[0].socket.address}",
        )
    return 0


def _stop(
    host: Host,
    plan: Plan,
    rows: Sequence[Listener],
    patience: float,
    options: argparse.Namespace,
    port: int,
) -> int:
    if plan.refused:
        first = plan.refused[0]
        raise NotPermitted(
            f"{first.what} is not stopped: {first.why}",
            hint=None if first.absolute else "--force stops it all the same",
        )
    _several(plan, options, rows)
    asks = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    if not options.yes:
        if not asks:
            raise UsageError(
                f"nobody can be asked whether to stop {plan.steps[0].said}",
                hint="--yes, or --dry-run to see what would be done",
            )
        for line in _lines(plan):
            print(line, file=sys.stderr)
        if not _asked("Stop it?"):
            emit(["nothing was done"])
            return 1
    from portbook.cli.stop_act import act

    done = act(
        host,
        plan,
        patience=patience,
        force=options.force,
        ask=_asked if asks and not options.yes else lambda _: False,
        source=options.source,
    )
    held = bool(done.still or done.again)
    _print(options, port, "still-held" if held else "stopped", plan, done, ())
    return 1 if held else 0


def _asked(question: str) -> bool:
    """Ask on the terminal; anything but a yes is a no."""
    print(f"{safe(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _print(
    options: argparse.Namespace,
    port: int,
    outcome: str,
    plan: Plan,
    done: "Outcome | None",
    gaps: Sequence[Gap],
) -> None:
    if options.json or options.jsonl:
        body = {
            "port": port,
            "outcome": outcome,
            "dry_run": options.dry_run,
            "steps": plan.steps,
            "refused": plan.refused,
            "ended": done.ended if done else (),
            "still": done.still if done else (),
            "again": done.again if done else (),
            "incomplete": gaps,
        }
        emit_json(document("stop", body), line=options.jsonl)
    elif done is None:
        emit(_lines(plan))
    else:
        emit(_told(port, plan, done))


def _lines(plan: Plan) -> list[str]:
    """The plan for people, the same before the act as in the dry run."""
    lines = [f"would stop {_line(step)}" for step in plan.steps]
    for step in plan.steps:
        lines += [
            f"  {'TERM' if step.kind == 'process' else 'runs'} {victim.pid}  "
            f"{safe(victim.name)}, user {safe(victim.user)}"
            for victim in step.processes
        ]
        if step.note:
            lines.append(f"  {safe(step.note)}: the process is signalled itself")
    lines += [f"refused: {safe(refusal.what)}: {safe(refusal.why)}" for refusal in plan.refused]
    return lines


def _line(step: Step) -> str:
    places = ", ".join(f"{s.address} {s.port}/{s.transport}" for s in step.sockets)
    return f"{safe(step.said)}, which holds {safe(places)}"


def _told(port: int, plan: Plan, done: "Outcome") -> list[str]:
    """What was done, and whether the port is free of it."""
    lines = []
    for each in done.ended:
        who = safe(each.what) + (f" ({each.pid})" if each.pid else "")
        lines.append(f"{who}: {_HOW.get(each.how, safe(each.how))}")
    if done.still:
        running = any(each.how == "running" for each in done.ended)
        hint = ": --force kills it" if running else ": --tree ends its descendants as well"
        lines.append(f"{port} is still held{hint}")
    elif done.again:
        lines.append(f"{port} is held again, by a new socket: something starts it anew")
    else:
        lines.append(f"{port} is no longer held by it")
    return lines


_HOW = {
    "TERM": "ended on TERM",
    "KILL": "killed",
    "gone": "had ended already; nothing was signalled",
    "let-go": "has closed the port meanwhile; nothing was signalled",
    "running": "has not ended on TERM",
    "done": "stopped",
}
