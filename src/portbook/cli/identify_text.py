"""How `portbook identify` tells its answer: a table, or one target with all its evidence."""

from collections.abc import Iterator, Sequence

from portbook.cli.listing import speaks_text
from portbook.cli.render import Column, Style, safe, table, wrap
from portbook.model import Speaks, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.identify import Row

_SHADES = {"certain": "green", "likely": "yellow", "guess": "dim"}


def answer_lines(rows: "Sequence[Row]", style: Style) -> list[str]:
    """One line for each target, its conflicts below; everything that is known for a lone one."""
    if len(rows) == 1:
        return list(_whole(rows[0], style))
    columns = (
        Column("PORT", right=True),
        Column("ADDRESS", flexible=True),
        Column("PROCESS", flexible=True),
        Column("REGISTERED", flexible=True),
        Column("SPEAKS", flexible=True),
        Column("SURE"),
    )
    cells = [
        (
            f"{row.port}/{row.transport}",
            _place(row),
            row.process or "?",
            ", ".join(row.registered[:2]) or "-",
            speaks_text(row.speaks),
            row.speaks.confidence or "-",
        )
        for row in rows
    ]
    if not rows:
        return []
    lines = table(columns, cells, style)
    told = dict.fromkeys(
        f"conflict on {row.port}/{row.transport}: {each}"
        for row in rows
        for each in row.speaks.conflicts
    )
    conflicts = [line for each in told for line in wrap(safe(each), style, "    ", "")]
    return [*lines, "", *conflicts] if conflicts else lines


def _place(row: "Row") -> str:
    address = f"[{row.address}]" if ":" in row.address else row.address
    return f"{row.host} ({address})" if row.host and row.host != row.address else address


def _whole(row: "Row", style: Style) -> Iterator[str]:
    """Everything about one target, a fact a line."""
    said = row.speaks
    yield safe(f"{row.port}/{row.transport} on {_place(row)}: {speaks_text(said)}")
    sure = said.confidence or "not recognised"
    facts = [("confidence", sure)]
    facts += [("process", row.process or "not visible")] if row.host is None else []
    facts += [("registered", ", ".join(row.registered) or "nothing")]
    facts += [("verdict", row.verdict)] if row.verdict else []
    facts += [("conflict", each) for each in said.conflicts]
    facts += [("evidence", each) for each in said.evidence]
    facts += list(_tls(said))
    facts += [("note", each) for each in said.notes]
    facts += [("also", speaks_text(each)) for each in said.also]
    if said.asked:
        asked = ", ".join(said.asked)
        plural = "" if said.connections == 1 else "s"
        sent = f"{said.sent_bytes} bytes on {said.connections} connection{plural}"
        facts.append(("asked", f"{asked}; {sent}, {said.took_ms:.0f} ms"))
    for name, text in facts:
        shade = _SHADES.get(text) if name == "confidence" else None
        for index, line in enumerate(wrap(safe(text), style, "")):
            shown = style.paint(line, shade) if shade else line
            yield f"  {name if not index else '':<11} {shown}"


def _tls(said: Speaks) -> Iterator[tuple[str, str]]:
    tls = said.tls
    if tls is None:
        return
    upgraded = ", begun in the clear" if tls.upgraded else ""
    chosen = f", ALPN {tls.alpn}" if tls.alpn else ""
    yield "tls", f"{tls.version or 'unknown version'}{chosen}{upgraded}"
    if isinstance(tls.names, Unknown):
        yield "certificate", tls.names.hint or tls.names.unknown
    elif tls.names or tls.issuer:
        until = f", until {tls.expires}" if isinstance(tls.expires, str) else ""
        yield "certificate", f"{', '.join(tls.names) or 'no name'}{until}"
