"""Why a port can or cannot be bound: the kernel's table and a real bind(), side by side."""

import argparse

from portbook.cli.arguments import parse_target
from portbook.cli.gaps import tell_gaps
from portbook.cli.listing import owner_text
from portbook.cli.render import Style, emit, emit_json, safe, style_of, wrap
from portbook.host import Host
from portbook.model import Bindable, Owner, Unknown, UsageError, document
from portbook.survey import Why, why
from portbook.survey.bindability import asked_of, why_body


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook why`."""
    parser.add_argument("port", metavar="PORT", help="3255, 3255/tcp or a service name")


def main(options: argparse.Namespace) -> int:
    """Exit code 0: free for every transport asked about, 1: not, 3: not all could be seen."""
    target = parse_target(options.port)
    if len(target.ports) != 1:
        many = ", ".join(str(port) for port in target.ports[:8])
        raise UsageError(f"{options.port} is {len(target.ports)} ports", hint=f"one of {many}")
    if target.transport in ("sctp", "dccp"):
        raise UsageError(f"{target.transport} cannot be tried", hint="tcp or udp")
    found = why(
        target.ports[0],
        target.transport,
        host=Host(options.root),
        bind=not options.no_probe,
        source=options.source,
    )
    asked = asked_of(found)
    if options.json or options.jsonl:
        emit_json(document("why", why_body(found)), line=options.jsonl)
    else:
        style = style_of(options.color)
        emit(why_lines(found, asked, style))
        tell_gaps(found.gaps, style)
    # A refusal is certain whatever is hidden; that nothing is in the way is not.
    if any(b.free is False for b in asked.values()):
        return 1
    return 3 if found.gaps or any(isinstance(b.free, Unknown) for b in asked.values()) else 0


def why_lines(found: Why, asked: dict[str, Bindable], style: Style) -> list[str]:
    """The answer for people: a line per transport, a line per reason, who holds it below."""
    lines = []
    for transport, bindable in asked.items():
        if isinstance(bindable.free, Unknown):
            word = "unknown"
        else:
            word = style.paint(*_WORD[bindable.free, bindable.probe == "denied"])
            if bindable.free and any(each.kind == "claimed" for each in bindable.reasons):
                word = style.paint("free, but spoken for", "yellow")
        lines.append(f"{found.port}/{transport}  {word}  {_both_answers(bindable)}")
        for reason in bindable.reasons:
            where = f" {reason.address}" if reason.address else ""
            lines += wrap(safe(f"{reason.kind}{where}: {reason.detail}"), style, "    ", "  ")
            if isinstance(reason.owner, Owner):
                lines += wrap(safe(f"held by {_sentence(reason.owner)}"), style, "      ", "    ")
    return lines


_WORD = {
    (True, False): ("free", "green"),
    (False, False): ("taken", "red"),
    (False, True): ("not permitted", "red"),
}
"""By (free, bind() denied)."""


def _both_answers(bindable: Bindable) -> str:
    probe = {
        "free": "bind() works",
        "taken": "bind() is refused",
        "denied": "bind() is not permitted",
        "not-asked": "bind() was not tried",
    }[bindable.probe]
    table = {"free": "no holder", "taken": "a holder", "unknown": "no holder, but not everything"}
    return f"(the table shows {table[bindable.table]}, {probe})"


def _sentence(owner: Owner) -> str:
    parts = [owner_text(owner)]
    if isinstance(owner.user, str) and isinstance(owner.name, str):
        parts.append(f"user {owner.user}")
    if isinstance(owner.unit, str) and isinstance(owner.name, str):
        parts.append(owner.unit)
    if isinstance(owner.started, str):
        parts.append(f"since {owner.started}")
    if isinstance(owner.cmdline, tuple) and not isinstance(owner.cmdline, Unknown):
        parts.append(" ".join(owner.cmdline)[:200])
    return ", ".join(part for part in parts if part)
