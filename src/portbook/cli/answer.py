"""Know every port: what it is meant to be, what holds it here, and whether it can be bound."""

import argparse
from collections.abc import Iterable, Sequence

from portbook.cli import render
from portbook.cli.arguments import Target, parse_target
from portbook.cli.chain import chain
from portbook.cli.gaps import tell_gaps
from portbook.cli.listing import holder_of
from portbook.cli.render import Column, Style, emit, emit_json, style_of, wrap
from portbook.model import Answer, Assignment, Bindable, Unknown, document

MOST_IN_FULL = 3
"""More ports than this are printed as one table."""

_LABEL = 11
_MOST_OTHER_USES = 6
_MOST_CANDIDATES = 4
_MOST_TRACES = 3


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook PORT`."""
    parser.add_argument("port", metavar="PORT", nargs="*", help="3255, 3255/tcp, 8000-8010, redis")
    parser.add_argument("--wide", action="store_true", help="cut nothing, show every use")
    parser.add_argument(
        "--why", action="store_true", help="only who holds it here, and why that is running"
    )


def main(options: argparse.Namespace) -> int:
    """Answer for each port; without one, the overview of this machine."""
    if not options.port:
        return _overview(options)
    from portbook.host import Host
    from portbook.survey import look_at

    host = Host(options.root)
    answers: list[Answer] = []
    for ports, transport in _merged([parse_target(text) for text in options.port]):
        answers += look_at(
            ports, transport, host=host, bind=not options.no_probe, source=options.source
        )
    gaps = tuple(dict.fromkeys(gap for answer in answers for gap in answer.incomplete))
    if options.jsonl:
        for answer in answers:
            emit_json(document("answer", answer), line=True)
    elif options.json and len(answers) == 1:
        emit_json(document("answer", answers[0]))
    elif options.json:
        emit_json(document("answers", {"answers": answers, "incomplete": gaps}))
    else:
        style = style_of(options.color)
        if options.wide:
            style = style._replace(cut=False)
        if options.why:
            lines = _chains(answers, style, now=host.now())
        elif len(answers) <= MOST_IN_FULL:
            lines = _in_full(answers, style, wide=options.wide, now=host.now())
        else:
            lines = _as_table(answers, style)
        emit(lines)
        tell_gaps(gaps, style)
    return 3 if gaps else 0


def _overview(options: argparse.Namespace) -> int:
    """Bare `portbook`: the same as `portbook ls`."""
    from portbook.cli import ls

    parser = argparse.ArgumentParser()
    ls.configure(parser)
    defaults = parser.parse_args([])
    return ls.main(argparse.Namespace(**{**vars(defaults), **vars(options)}))


def _merged(targets: Iterable[Target]) -> Iterable[tuple[list[int], str | None]]:
    """Neighbours with the same transport are read together; each port and transport once."""
    seen: set[tuple[int, str | None]] = set()
    groups: list[tuple[list[int], str | None]] = []
    for target in targets:
        fresh = [port for port in target.ports if (port, target.transport) not in seen]
        seen.update((port, target.transport) for port in fresh)
        if not groups or groups[-1][1] != target.transport:
            groups.append(([], target.transport))
        groups[-1][0].extend(dict.fromkeys(fresh))
    return [group for group in groups if group[0]]


def _in_full(answers: Sequence[Answer], style: Style, *, wide: bool, now: float) -> list[str]:
    lines: list[str] = []
    for answer in answers:
        if lines:
            lines.append("")
        lines += answer_lines(answer, style, wide=wide, now=now)
    return lines


def answer_lines(answer: Answer, style: Style, *, wide: bool, now: float) -> list[str]:
    """One port's answer for people."""
    kind = answer.range
    lines = [
        style.paint(str(answer.port), "bold")
        + f"  {kind.name} port ({kind.first}-{kind.last}{_RANGE_WORDS[kind.name]})",
        "",
    ]
    lines += _labelled("Registered", _registered(answer.assignments), style)
    lines += _labelled("Life", [_life(answer)], style)
    lines += _labelled("Traces", _traces(answer, wide=wide), style)
    lines += _labelled("Also used", _other_uses(answer, wide=wide), style)
    lines += _labelled("Here", _here(answer, now=now), style)
    if answer.traffic is not None:
        lines += _labelled("Last hour", [_last_hour(answer.traffic, now)], style)
    lines += _labelled(
        "Bindable", [_bindable(kind, b) for kind, b in answer.bindable.items()], style
    )
    most = None if wide else _MOST_CANDIDATES
    might = [f"{found.what}: {found.why}" for found in answer.candidates[:most]]
    lines += _labelled("Might be", might, style)
    return lines + _labelled("Note", _advice(answer), style)


def _last_hour(hour: dict[str, object], now: float) -> str:
    """The sentence of a port that is watched, without its number; and the end or begin of that."""
    from portbook.host.clock import iso

    said = str(hour["sentence"]).removeprefix(f"{hour['port']}: ")
    if not hour["watching"]:
        return f"{said} (watched until {hour['until']})"
    # ISO 8601 in UTC sorts by time.
    return (
        f"{said} (watched since {hour['since']})" if str(hour["since"]) > iso(now - 3500) else said
    )


_RANGE_WORDS = {
    "system": ", assigned by IETF review",
    "user": ", registered with IANA",
    "dynamic": ", never assigned",
}


def _labelled(label: str, entries: Iterable[str], style: Style) -> list[str]:
    indent = " " * (_LABEL + 1)
    lines: list[str] = []
    for entry in entries:
        first = indent if lines else f"{label:<{_LABEL}} "
        wrapped = wrap(render.safe(entry), style, indent, first)
        if not lines:
            wrapped[0] = style.paint(f"{label:<{_LABEL}}", "cyan") + wrapped[0][_LABEL:]
        lines += wrapped
    return lines


def _registered(assignments: Sequence[Assignment]) -> list[str]:
    """One line per service, its transports joined."""
    grouped: dict[tuple[str | None, ...], list[str]] = {}
    for row in assignments:
        key = (
            row.service,
            row.description,
            row.assignee,
            row.registered,
            row.reference,
            None if row.port == row.last_port else f"{row.port}-{row.last_port}",
        )
        grouped.setdefault(key, []).append(row.transport or "any transport")
    lines = []
    for (
        service,
        about,
        assignee,
        registered,
        reference,
        ports,
    ), transports in grouped.items():
        text = f"{service or '(no name)'} ({', '.join(transports)})"
        if ports:
            text += f" {ports}"
        # IANA says in the description which old spelling a name replaced: not worth the line.
        description = (about or "").partition(" IANA assigned this well-formed")[0]
        if description and description != service:
            text += f": {description}"
        facts = [
            f"by {assignee.replace('_', ' ')}" if assignee else "",
            f"in {registered}" if registered else "",
            reference or "",
        ]
        if said := ", ".join(fact for fact in facts if fact):
            text += f" - {said}"
        lines.append(text)
    return lines or ["nothing: IANA assigned this number to nobody"]


def _life(answer: Answer) -> str:
    life = answer.life
    sources = f"{life.sources_checked} public sources, as of {life.as_of}"
    having = len({trace.source for trace in life.evidence})
    if life.verdict == "orphan":
        return f"orphan: no public trace in {sources.replace('public ', '')}"
    if life.verdict == "young":
        return f"young: registered lately, no public trace yet in {sources.replace('public ', '')}"
    if life.verdict == "alive":
        return f"alive: found in {having} of {sources}"
    if life.verdict == "overtaken":
        from portbook.registry.candidates import displacing

        having = len(displacing(answer))
        return f"overtaken: {having} of {sources}, have the number, none for what is registered"
    return f"{life.verdict}: {_NO_LIFE[life.verdict]}"


def _traces(answer: Answer, *, wide: bool) -> list[str]:
    """Every source that has the number, with the products it names there."""
    products: dict[str, dict[str, None]] = {}
    for trace in answer.life.evidence:
        products.setdefault(trace.source, {})[trace.product] = None
    said = []
    for source, names in products.items():
        most = len(names) if wide else _MOST_TRACES
        text = ", ".join(list(names)[:most])
        said.append(f"{source} ({text}{f', +{left}' if (left := len(names) - most) > 0 else ''})")
    return ["; ".join(said)] if said else []


_NO_LIFE = {
    "unassigned": "no service is registered for this number",
    "reserved": "IANA keeps this number back",
    "dynamic": "for private and short-lived use; nobody can register it",
}


def _other_uses(answer: Answer, *, wide: bool) -> list[str]:
    lines = []
    if answer.unofficial:
        most = len(answer.unofficial) if wide else _MOST_OTHER_USES
        text = ", ".join(use.product for use in answer.unofficial[:most])
        if (left := len(answer.unofficial) - most) > 0:
            text += f" and {left} more (--wide shows them)"
        lines.append(text)
    lines += [
        f"{use.name} ({use.category}, {use.confidence} confidence) has it as a default"
        for use in answer.suspicious_uses
    ]
    return lines


def _chains(answers: Sequence[Answer], style: Style, *, now: float) -> list[str]:
    """--why: each port with a sentence per listener."""
    lines: list[str] = []
    for answer in answers:
        lines += _labelled(str(answer.port), _here(answer, now=now), style)
    return lines


def _here(answer: Answer, *, now: float) -> list[str]:
    if not answer.listeners:
        # Asked about SCTP or DCCP alone nothing was looked at, and `incomplete` says why.
        return [f"nothing listens on {answer.port}" if answer.bindable else "not looked at"]
    return [
        f"{row.socket.transport}: {chain(row, now=now)}. "
        f"{row.verdict.value.capitalize()}: {'; '.join(row.verdict.reasons)}"
        for row in answer.listeners
    ]


def _bindable(transport: str, bindable: Bindable) -> str:
    if isinstance(bindable.free, Unknown):
        text = f"{transport} unknown: {bindable.free.hint or bindable.free.unknown}"
    else:
        text = f"{transport} {'free' if bindable.free else 'taken'}"
        if bindable.free and any(reason.kind == "claimed" for reason in bindable.reasons):
            text += ", but spoken for"
    said = [reason.detail for reason in bindable.reasons]
    if not said and bindable.free is True:
        said = [_FREE[bindable.probe == "free", bindable.table == "free"]]
    if bindable.probe == "denied" and bindable.table != "taken":
        text = f"{transport} not permitted"
    return f"{text}: {'; '.join(dict.fromkeys(said))}" if said else text


_FREE = {
    (True, True): "bind() worked and the kernel's table agrees",
    (True, False): "bind() worked; the kernel's table could not be read in full",
    (False, True): "nothing in the kernel's table holds it",
    (False, False): "nothing was found that holds it",
}
"""By (bind() worked, the table shows everything and no holder)."""


def _advice(answer: Answer) -> list[str]:
    advice = answer.advice
    lines = []
    if advice.privileged:
        lines.append("privileged: binding it takes root or CAP_NET_BIND_SERVICE")
    if advice.ephemeral:
        lines.append("ephemeral: the kernel may hand it to any client program at any time")
    if advice.browser_blocked:
        lines.append("browsers refuse to open it (Fetch standard, bad port)")
    if advice.kernel_reserved:
        lines.append("kernel-reserved: left out when the kernel chooses a port by itself")
    return lines


def _as_table(answers: Sequence[Answer], style: Style) -> list[str]:
    columns = (
        Column("PORT", right=True),
        Column("REGISTERED", flexible=True),
        Column("LIFE"),
        Column("TCP"),
        Column("UDP"),
        Column("HERE", flexible=True),
    )
    rows = []
    for answer in answers:
        names = dict.fromkeys(row.service for row in answer.assignments if row.service)
        free = {
            kind: "?" if isinstance(b.free, Unknown) else "free" if b.free else "taken"
            for kind, b in answer.bindable.items()
        }
        here = dict.fromkeys(holder_of(row) for row in answer.listeners)
        rows.append(
            (
                str(answer.port),
                ", ".join(names) or "-",
                answer.life.verdict,
                free.get("tcp", "-"),
                free.get("udp", "-"),
                ", ".join(here) or "-",
            )
        )
    return render.table(columns, rows, style)
