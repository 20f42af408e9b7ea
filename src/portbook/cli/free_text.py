"""The answer of `portbook free` for people."""

from collections.abc import Sequence

from portbook.cli.render import Style, safe, wrap
from portbook.survey.picking import FreePort, RefusedPort, Suggestion, Wanted

_MOST_REFUSED = 10
"""Lines of refused numbers without --explain."""
_WIDEST_LIST = 16
"""Characters of a list of numbers; `15 numbers: ...` is longer and has a line of its own."""


def free_lines(
    wanted: Wanted, found: Suggestion, style: Style, *, explain: bool, shown: bool
) -> list[str]:
    """A number per line, and behind them the reasons where somebody reads them (`shown`)."""
    if not shown:
        return [str(each.port) for each in found.ports]
    lines = [style.paint(str(each.port), "green") for each in found.ports]
    lines += _reasons(found.ports, style)
    lines += _passed_over(wanted, found, style, explain=explain)
    if len(found.ports) < wanted.size:
        lines += wrap(_too_few(wanted, found), style, "  ", "")
    if found.ports:
        first = found.ports[0].port
        text = f"only a suggestion: portbook run --port {first} -- COMMAND holds it"
        lines.append("")
        lines += [style.paint(line, "dim") for line in wrap(text, style, "  ", "")]
    return lines


def _reasons(ports: Sequence[FreePort], style: Style) -> list[str]:
    """What is true of all of them once, and then what is true of one alone."""
    if not ports:
        return []
    shared = [why for why in ports[0].why if all(why in each.why for each in ports)]
    lines = []
    for why in shared:
        lines += wrap(safe(why), style, "    ", "  - ")
    for each in ports:
        for why in each.why:
            if why not in shared:
                lines += wrap(safe(f"{each.port}: {why}"), style, "    ", "  - ")
    return lines


def _passed_over(wanted: Wanted, found: Suggestion, style: Style, *, explain: bool) -> list[str]:
    """The refused numbers, neighbours with the same reason in one line."""
    if not found.refused:
        return []
    rows = _grouped(found.refused)
    count = len(found.refused)
    if not explain and wanted.near is None and found.ports:
        numbers = "1 number was" if count == 1 else f"{count} numbers were"
        text = f"{numbers} passed over (--explain says why)"
        return ["", *(style.paint(line, "dim") for line in wrap(text, style, "  ", ""))]
    if not explain and wanted.near is not None:
        near = wanted.near
        rows.sort(key=lambda row: min(abs(row[0] - near), abs(row[1] - near)))
    left = 0 if explain else max(0, len(rows) - _MOST_REFUSED)
    rows = sorted(rows[: len(rows) - left])
    names = [str(a) if a == b else f"{a}-{b}" for a, b, _, _ in rows]
    widest = max(map(len, names))
    codes = max(len(because) for _, _, because, _ in rows)
    lines = ["", style.paint("passed over", "bold")]
    for name, (_, _, because, detail) in zip(names, rows, strict=True):
        first = f"  {name:<{widest}}  {because:<{codes}}  "
        lines += wrap(safe(detail), style, " " * len(first), first)
    if left:
        lines.append(style.paint(f"  and {left} more lines (--explain shows them)", "dim"))
    return lines


def _grouped(refused: Sequence[RefusedPort]) -> list[tuple[int, int, str, str]]:
    """(first, last, code, detail) of neighbours that were refused for the same reason."""
    rows: list[tuple[int, int, str, str]] = []
    for each in refused:
        if rows:
            first, last, because, detail = rows[-1]
            if last + 1 == each.port and (because, detail) == (each.because, each.detail):
                rows[-1] = (first, each.port, because, detail)
                continue
        rows.append((each.port, each.port, each.because, each.detail))
    return rows


def _too_few(wanted: Wanted, found: Suggestion) -> str:
    some = "none" if not found.ports else f"only {len(found.ports)}"
    asked = "a number" if wanted.size == 1 else f"{wanted.size} numbers"
    if wanted.contiguous and wanted.size > 1:
        asked = f"{wanted.size} neighbours"
    where = ""
    if wanted.first is not None:
        where = f" from {wanted.first} to {wanted.last}"
    return f"{some} to be had: {asked}{where} asked for, {len(found.refused)} passed over"
