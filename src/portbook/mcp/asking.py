"""The tools that look: explain a port, who holds it, why it cannot be bound, which one is free.

Each gives the document that the command of the same question prints, and some lines about it. They
only read, but for the bind() of an instant with which `portbook why` asks the kernel, too.
"""

from portbook.host import Host
from portbook.mcp.plain_text import first_rows, gap_lines, leave_out, tamed
from portbook.mcp.sentences import bindable_line, listener_line, reason_lines, registered_line
from portbook.mcp.told import Told
from portbook.mcp.whereabouts import folder_or_own
from portbook.model import UsageError, document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_LISTENERS = 25
"""Listeners of one port in one answer: a server with a worker for each core has as many sockets."""
MOST_REFUSED = 25
_MOST_LINES = 12


def explain(asked: "dict[str, Any]") -> Told:
    """`portbook PORT`.

    Raises:
        UsageError: neither or both of port and service, or a service with several numbers.
    """
    from portbook.survey import look

    port = _number(asked)
    answer = look(port, asked.get("transport"), host=Host())
    found = _document("answer", answer, asked)
    first_rows(found, "listeners", MOST_LISTENERS)
    life = answer.life
    lines = [
        f"{port} is a {answer.range.name} port. {registered_line(answer)}",
        f"life: {life.verdict}, from {life.sources_checked} public sources as of {life.as_of}",
    ]
    if answer.unofficial:
        names = ", ".join(use.product for use in answer.unofficial[:6])
        lines.append(f"also used by {names}{_more(len(answer.unofficial) - 6)}")
    lines += [
        f"known abuse: {use.name} ({use.category}, {use.confidence} confidence)"
        for use in answer.suspicious_uses[:6]
    ]
    lines += [f"here: {listener_line(row)}" for row in answer.listeners[:_MOST_LINES]]
    if not answer.listeners:
        lines.append("here: nothing listens on it")
    lines += _and_more(len(answer.listeners) - _MOST_LINES)
    lines += [bindable_line(port, kind, each) for kind, each in answer.bindable.items()]
    lines += [f"note: {_ADVICE[name]}" for name, true in answer.advice._asdict().items() if true]
    return Told(found, (*lines, *gap_lines(found)))


_ADVICE = {
    "ephemeral": "the kernel may give this number to any outgoing connection",
    "browser_blocked": "browsers refuse to open it",
    "privileged": "binding it takes root or CAP_NET_BIND_SERVICE",
    "kernel_reserved": "the kernel leaves it out when it chooses a number itself",
}


def _number(asked: "dict[str, Any]") -> int:
    port, service = asked.get("port"), asked.get("service")
    if (port is None) == (service is None):
        raise UsageError("explain_port needs either port or service")
    if port is not None:
        return int(port)
    from portbook.registry.lookup import lookup

    entries = lookup(str(service), asked.get("transport"))
    if len(entries) == 1:
        return entries[0].port
    if not entries:
        raise UsageError(f"the service {service!r} is registered without a port")
    many = ", ".join(str(entry.port) for entry in entries[:8])
    raise UsageError(f"{service!r} has {len(entries)} ports", hint=f"ask for one of {many}")


def who_holds(asked: "dict[str, Any]") -> Told:
    """`portbook ls`, or the part of it that concerns one port."""
    from portbook.survey import hidden_owners, survey
    from portbook.survey.listeners import listeners_body

    host = Host()
    port, transport = asked.get("port"), asked.get("transport")
    found = survey(host, all_netns=asked["all_namespaces"])
    rows = [
        row
        for row in found.listeners
        if port in (None, row.socket.port) and transport in (None, row.socket.transport)
    ]
    rows.sort(key=lambda row: (row.socket.port, row.socket.transport, row.socket.address))
    gaps = (*found.gaps, *hidden_owners(rows))
    # What is left out need not be made: of 2,000 listeners that would be most of the time.
    shown, left = rows[: asked["limit"]], max(0, len(rows) - asked["limit"])
    told = _document("listeners", listeners_body(host, shown, gaps), asked)
    if left:
        leave_out(told, f"{left} more listeners", f"only {len(shown)} are shown", "a larger limit")
    where = "" if port is None else f" on {port}"
    over = "" if transport is None else f" over {transport}"
    lines = [f"nothing listens{where}{over}"] if not rows else []
    if len(rows) > 1:
        lines.append(f"{len(rows)} listeners{where}{over}:")
    lines += [listener_line(row) for row in shown]
    return Told(told, (*lines, *gap_lines(told)))


def why_not(asked: "dict[str, Any]") -> Told:
    """`portbook why`."""
    from portbook.survey import why
    from portbook.survey.bindability import asked_of, why_body

    found = why(asked["port"], asked.get("transport"), host=Host())
    lines = []
    for kind, each in asked_of(found).items():
        lines.append(bindable_line(found.port, kind, each))
        lines += reason_lines(each, _MOST_LINES)
    told = _document("why", why_body(found), asked)
    for kind in asked_of(found):
        first_rows(told, "reasons", MOST_LISTENERS, within=told[kind])
    return Told(told, (*lines, *gap_lines(told)))


def free(asked: "dict[str, Any]") -> Told:
    """`portbook free`.

    Raises:
        UsageError: half a range, or one that has fewer numbers than are asked for.
    """
    from portbook.survey.numbers_kept import project_of
    from portbook.survey.picking import Wanted, free_body, suggest

    first, last = asked.get("first"), asked.get("last")
    if (first is None) != (last is None):
        raise UsageError("a range needs both first and last")
    if first is not None and first > last:
        raise UsageError(f"the range {first}-{last} runs backwards")
    folder = asked.get("folder")
    where = folder_or_own(folder)
    if folder is not None:
        project_of(folder)
    transport = asked.get("transport")
    wanted = Wanted(
        size=asked["count"],
        contiguous=asked["contiguous"],
        near=asked.get("near"),
        first=first,
        last=last,
        transports=("tcp", "udp") if transport is None else (transport,),
        folder=where,
    )
    found = suggest(wanted, Host())
    told = _document("free", free_body(found), asked)
    first_rows(told, "refused", MOST_REFUSED, called="numbers that were passed over")
    lines = [f"{each.port} is free: {'; '.join(each.why)}" for each in found.ports[:_MOST_LINES]]
    lines += _and_more(len(found.ports) - _MOST_LINES)
    if len(found.ports) < wanted.size:
        lines.append(f"{len(found.ports) or 'none'} of {wanted.size} that were asked for")
    if found.refused:
        codes = ", ".join(dict.fromkeys(each.because for each in found.refused))
        lines.append(f"passed over: {len(found.refused)} ({codes})")
    return Told(told, (*lines, *gap_lines(told)))


def _document(name: str, body: object, asked: "dict[str, Any]") -> "dict[str, Any]":
    made: dict[str, Any] = tamed(
        document(name, body), command_lines=asked.get("command_lines", False)
    )
    return made


def _more(number: int) -> str:
    return f" and {number} more" if number > 0 else ""


def _and_more(number: int) -> list[str]:
    return [f"and {number} more"] if number > 0 else []
