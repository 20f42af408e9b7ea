"""How `portbook watch` tells people: ports in sentences, sources in a table, how it knows."""

from collections.abc import Iterator, Sequence

from portbook.cli.render import Column, Style, cut, safe, table, wrap
from portbook.model.moments import spoken
from portbook.model.traffic import PortSeen, SourceSeen, Traffic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.survey.watching import Watched

_SHADES = {
    "client": "green",
    "health-check": "cyan",
    "probe": "yellow",
    "scan": "red",
    "backscatter": "dim",
    "unknown": "dim",
}
_MOST_PORTS = 20
"""Ports that have their sentence printed, those with most sources; a scan has thousands of them."""
_PORTS_SHOWN = 3
_WIDE = 120
"""Columns from which on the evidence stands beside the source, and not below it."""
_DAY = 86_400.0
_PASSED = {
    "elsewhere": "between others",
    "other-port": "of other ports",
    "fragment": "fragments",
    "cut": "cut short by the snap length",
    "not-ip": "not IP",
    "other-protocol": "of other protocols",
    "misquoted": "errors about packets of others",
    "other-icmp": "other ICMP",
    "link": "of a link type that is not read",
    "too-many-sources": "of too many sources",
}
"""How the reasons for which packets are passed over are told; in JSON they are the keys."""


def summary_lines(watched: "Watched", style: Style) -> list[str]:
    """Everything that people are shown of a capture, or at the end of a live watch."""
    traffic = watched.traffic
    lines = list(_port_lines(traffic.ports, style))
    if not traffic.sources_total:
        lines += [] if lines else ["nobody came"]
    else:
        lines += ["", *source_lines(traffic, style)]
        left = traffic.sources_total - len(traffic.sources)
        if left > 0:
            plural = "" if left == 1 else "s"
            lines.append(f"and {left:,} more source{plural} (--top 0 lists all of them)")
    lines += ["", *_basis(traffic, style)]
    if watched.calibration is not None:
        for each in watched.calibration.basis:
            lines += wrap(f"rates: {each}", style, "  ", "")
    return lines


def _port_lines(ports: Sequence[PortSeen], style: Style) -> Iterator[str]:
    most = sorted(ports, key=lambda port: -port.sources)[:_MOST_PORTS]
    for port in sorted(most, key=lambda port: (port.port, port.transport)):
        yield from wrap(safe(port.sentence), style, "  ", "")
    if len(ports) > _MOST_PORTS:
        yield f"and {len(ports) - _MOST_PORTS:,} more ports (--json has them)"


def source_lines(traffic: Traffic, style: Style) -> list[str]:
    """The table: a line for each source, its strongest evidence beside it or on the next line."""
    wide = not style.cut or style.width >= _WIDE
    dated = traffic.seconds > _DAY
    columns = [
        Column("VERDICT"),
        Column("SOURCE", flexible=True),
        Column("CONTACTS", right=True),
        Column("PORTS", flexible=True),
        Column("PACKETS", right=True),
        Column("LAST (UTC)"),
    ]
    rows = [
        (
            verdict_text(each),
            each.address,
            f"{each.contacts:,}",
            ports_text(each),
            f"{each.packets:,}" if each.packets else "-",
            each.last[:16].replace("T", " ") if dated else each.last[11:19],
        )
        for each in traffic.sources
    ]
    if wide:
        # The evidence is cut first: the rest of the line is what one looks for.
        plain = style._replace(cut=False, color=False)
        lines = table([*columns, Column("WHY")], _with_why(rows, traffic.sources), plain)
        if style.cut:
            lines = [cut(line, style.width) for line in lines]
        head, *body = lines
        return [style.paint(head, "bold"), *_painted(body, traffic.sources, style)]
    head, *body = table(columns, rows, style._replace(color=False))
    lines = [style.paint(head, "bold")]
    for line, each in zip(_painted(body, traffic.sources, style), traffic.sources, strict=True):
        lines.append(line)
        if each.evidence:
            below = safe(f"  {why_text(each)}")
            lines.append(style.paint(cut(below, style.width), "dim"))
    return lines


def _with_why(
    rows: Sequence[tuple[str, ...]], sources: Sequence[SourceSeen]
) -> list[tuple[str, ...]]:
    return [(*row, why_text(each)) for row, each in zip(rows, sources, strict=True)]


def _painted(lines: Sequence[str], sources: Sequence[SourceSeen], style: Style) -> Iterator[str]:
    """The lines with their verdict, which comes first, in its colour."""
    for line, each in zip(lines, sources, strict=True):
        length = len(each.verdict)
        yield style.paint(line[:length], _SHADES.get(each.verdict, "dim")) + line[length:]


def verdict_text(source: SourceSeen) -> str:
    """`scan (syn, zmap)`, `probe (zgrab)`, `client`."""
    inside = ", ".join(filter(None, (source.scan_type, source.tool)))
    return f"{source.verdict} ({inside})" if inside else source.verdict


def why_text(source: SourceSeen) -> str:
    """How sure it is, and the strongest evidence."""
    return f"{source.confidence}: {source.evidence[0]}" if source.evidence else source.confidence


def ports_text(source: SourceSeen) -> str:
    """`22 80 443 +97`."""
    shown = " ".join(str(port) for port in source.ports[:_PORTS_SHOWN])
    more = source.ports_total - min(_PORTS_SHOWN, len(source.ports))
    return f"{shown} +{more:,}" if more > 0 else shown


def event_line(at: str, before: str | None, source: SourceSeen, style: Style) -> str:
    """A source whose verdict is new or has changed: time, address, verdict, why."""
    was = f"was {before}; " if before else ""
    text = safe(verdict_text(source))
    head = safe(f"{at[11:19]}  {source.address:<15}  ")
    gap = " " * max(2, 20 - len(text))
    why = safe(f"{was}{why_text(source)}")
    if style.cut:
        why = cut(why, max(20, style.width - len(head) - len(text) - len(gap)))
    return head + style.paint(text, _SHADES.get(source.verdict, "dim")) + gap + why


def _basis(traffic: Traffic, style: Style) -> Iterator[str]:
    """What was read, which side is ours and how that is known, and what was not judged."""
    counts = f"{_packets(traffic.packets)} in {_span(traffic)}"
    if traffic.first and traffic.last:
        counts += f", {traffic.first} to {traffic.last}"
    if traffic.dropped is not None:
        counts += f"; the kernel dropped {traffic.dropped:,}"
    yield from wrap(safe(counts), style, "  ", "")
    addresses = ", ".join(traffic.ours.addresses[:4]) or "nobody"
    more = len(traffic.ours.addresses) - 4
    addresses += f" and {more} more" if more > 0 else ""
    yield from wrap(safe(f"ours: {addresses} ({traffic.ours.how})"), style, "  ", "")
    if traffic.passed:
        passed = (f"{number:,} {_PASSED.get(why, why)}" for why, number in traffic.passed)
        yield from wrap(safe(f"not judged: {', '.join(passed)}"), style, "  ", "")


def _packets(number: int) -> str:
    return f"{number:,} packet{'' if number == 1 else 's'}" if number else "no packet"


def _span(traffic: Traffic) -> str:
    return spoken(traffic.seconds)
