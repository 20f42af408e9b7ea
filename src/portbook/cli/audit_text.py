"""The findings of an audit for people."""

from collections.abc import Sequence

from portbook.cli.gaps import gap_lines
from portbook.cli.listing import address_of, holder_of
from portbook.cli.render import Style, safe, wrap
from portbook.model import Unknown
from portbook.model.finding import Finding, Holder, Kept
from portbook.model.verdict import SEVERITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.audit import Audit

_SHADES = {"high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}


def audit_lines(found: "Audit", style: Style, *, compared: bool) -> list[str]:
    """Findings worst first, then the drift, then what it all rests on."""
    lines: list[str] = []
    for group in _together(found.findings):
        lines += [*_finding(group, style), ""]
    if compared:
        lines += _drift(found, style)
    lines += [_summary(found)]
    return [*lines, *gap_lines(found.gaps, style)]


def _together(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings that differ in the address alone: one server on IPv4 and IPv6 is one thing."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for each in findings:
        row = each.listener
        same = (each.severity, each.rule, row.socket.port, row.socket.transport, row.reach)
        groups.setdefault((*same, each.known, holder_of(row)), []).append(each)
    return list(groups.values())


def _finding(group: Sequence[Finding], style: Style) -> list[str]:
    first = group[0]
    row = first.listener
    addresses = ", ".join(dict.fromkeys(address_of(each.listener) for each in group))
    who = "nobody visible" if row.socket.state == "hidden" else holder_of(row)
    mark = " (in the baseline)" if first.known else ""
    rest = f"  {row.socket.port}/{row.socket.transport}  {addresses}  {who}  {first.rule}{mark}"
    return [
        style.paint(f"{first.severity:<6}", _SHADES[first.severity]) + safe(rest),
        *wrap(safe(first.reason), style, "        "),
        *wrap(safe(f"next: {first.next}"), style, "        "),
    ]


def _drift(found: "Audit", style: Style) -> list[str]:
    lines = [f"+ {_kept(entry)}" for entry in found.drift.added]
    lines += [f"- {_kept(entry)}" for entry in found.drift.gone]
    lines += [
        f"~ {_kept(each.now)}, before: {_holders(each.before.holders)}"
        for each in found.drift.changed
    ]
    if not lines:
        return ["no drift from the baseline"]
    return [line for text in lines for line in wrap(safe(text), style, "    ", "")] + [""]


def _kept(entry: Kept) -> str:
    return f"{entry.port}/{entry.transport}  {entry.reach}  {_holders(entry.holders)}"


def _holders(holders: Sequence[Holder]) -> str:
    return ", ".join(dict.fromkeys(_holder(each) for each in holders)) or "the kernel"


def _holder(holder: Holder) -> str:
    for value in holder:
        if isinstance(value, str):
            return value
    return "hidden" if any(isinstance(value, Unknown) for value in holder) else "the kernel"


def _summary(found: "Audit") -> str:
    count = {
        severity: sum(each.severity == severity for each in found.findings)
        for severity in SEVERITIES
    }
    told = ", ".join(f"{number} {severity}" for severity, number in count.items() if number)
    sockets = len(found.rows)
    text = f"{sockets} {'listener' if sockets == 1 else 'listeners'}: {told or 'no finding'}"
    already = sum(each.known for each in found.findings)
    if already:
        text += f" ({already} in the baseline)"
    if found.tried:
        text += f"; {found.tried:,} ports tried with bind()"
    return text
