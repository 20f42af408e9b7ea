"""How `portbook watch` tells people: ports in sentences, sources in a table, how it knows."""

from collections.abc import Iterator, Sequence

from portbook.cli.render import Column, Style, cut, safe, table, width, wrap
from portbook.cli.watch_ports import port_lines
from portbook.model.moments import spoken
from portbook.model.traffic import SourceSeen, Traffic

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
_PORTS_SHOWN = 3
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


def summary_lines(watched: "Watched", style: Style, *, verbose: bool = False) -> list[str]:
    """Everything that people are shown of a capture, or at the end of a live watch."""
    traffic = watched.traffic
    lines = list(port_lines(traffic.ports, style))
    if not traffic.sources_total:
        lines += [] if lines else ["nobody came"]
    else:
        lines += ["", *source_lines(traffic, style, verbose=verbose)]
        left = traffic.sources_total - len(traffic.sources)
        if left > 0:
            plural = "" if left == 1 else "s"
            lines.append(f"and {left:,} more source{plural} (--top 0 lists all of them)")
    lines += ["", *_basis(watched, style)]
    if watched.calibration is not None:
        for each in watched.calibration.basis:
            lines += wrap(f"rates: {each}", style, "  ", "")
    return lines


def source_lines(traffic: Traffic, style: Style, *, verbose: bool = False) -> list[str]:
    """The table: a line for each source, then what speaks against its verdict.

    The strongest evidence stands beside the source where every line has room for it, else below.
    With `verbose` everything that speaks for the verdict and against it is told.
    """
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
    plain = style._replace(cut=False, color=False)
    why = [(*row, why_text(each)) for row, each in zip(rows, traffic.sources, strict=True)]
    head, *body = table([*columns, Column("WHY")], why, plain)
    beside = not style.cut or max(map(width, (head, *body))) <= style.width
    if not beside:
        head, *body = table(columns, rows, style._replace(color=False))
    lines = [style.paint(head, "bold")]
    # In a pipe a reason is one line, however long.
    below = style if style.cut else style._replace(cut=True, width=1 << 20)
    for line, each in zip(_painted(body, traffic.sources, style), traffic.sources, strict=True):
        lines.append(line)
        for reason in _below(each, beside=beside, verbose=verbose):
            lines += [style.paint(part, "dim") for part in wrap(safe(reason), below, "    ", "  ")]
    return lines


def _below(source: SourceSeen, *, beside: bool, verbose: bool) -> Iterator[str]:
    """The reasons that have lines of their own."""
    if source.evidence and not beside:
        yield why_text(source)
    if verbose:
        yield from (f"also: {each}" for each in source.evidence[1:])
    for each in source.against if verbose else source.against[:1]:
        yield f"against: {each}"


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


def _basis(watched: "Watched", style: Style) -> Iterator[str]:
    """What was read, which side is ours and how that is known, and what was not judged."""
    traffic = watched.traffic
    counts = f"{_packets(traffic.packets)} in {_span(traffic)}"
    if watched.by_connections:
        counts = f"connections were looked at for {_span(traffic)}, no packets"
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
