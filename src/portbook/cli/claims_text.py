"""Claims, semaphores and reserved numbers as tables for people."""

from portbook.cli.lease_rows import (
    ClaimRow,
    ReservationRow,
    SemaphoreRow,
    left,
    short_id,
    since,
    user,
    who,
)
from portbook.cli.render import Column, Style, safe, table, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SHADES = {"bound": "green", "squatted": "red", "reserved": "cyan"}

_CLAIMS = (
    Column("PORT", right=True),
    Column("STATE"),
    Column("NAME", flexible=True),
    Column("WHO", flexible=True),
    Column("USER"),
    Column("SINCE"),
    Column("ENDS"),
    Column("CLAIM"),
)


def claims_lines(
    claims: "Sequence[ClaimRow]",
    semaphores: "Sequence[SemaphoreRow]",
    reservations: "Sequence[ReservationRow]",
    style: Style,
) -> list[str]:
    """One line per claim; who squats below; then the semaphores, then the reserved numbers."""
    lines = _claim_lines(claims, style) if claims else ["nothing is claimed"]
    if semaphores:
        lines += ["", *semaphore_lines(semaphores, style)]
    if reservations:
        lines += ["", *_reservation_lines(reservations, style)]
    return lines


def _claim_lines(claims: "Sequence[ClaimRow]", style: Style) -> list[str]:
    rows = _fitted(_CLAIMS, [_cells(row, style) for row in claims], style)
    lines = rows[:1]
    for row, line in zip(claims, rows[1:], strict=True):
        lines.append(
            line.replace(row.state, style.paint(row.state, _SHADES.get(row.state, "dim")), 1)
        )
        if row.state == "squatted" and row.bound is not None:
            by = row.bound
            holder = "a process that cannot be seen" if by.pid is None else f"process {by.pid}"
            named = f"{by.process} ({by.pid})" if by.process else holder
            lines.append(safe(f"    {named} listens on it and has not claimed it"))
    return lines


def _cells(row: ClaimRow, style: Style) -> tuple[str, ...]:
    span = str(row.port) if row.count == 1 else f"{row.port}-{row.port + row.count - 1}"
    where = "" if row.address == "*" else f" {row.address}"
    return (
        f"{span}/{row.transport}{where}",
        row.state,
        row.name or "-",
        who(row),
        user(row),
        since(row.created, short=style.cut),
        left(row.expires_in_ms, row.owner, row.process),
        short_id(row.id) if style.cut else row.id,
    )


_SEMAPHORES = (
    Column("SEMAPHORE", flexible=True),
    Column("UNITS", right=True),
    Column("WHO", flexible=True),
    Column("USER"),
    Column("SINCE"),
    Column("ENDS"),
    Column("PERMIT"),
)


def semaphore_lines(semaphores: "Sequence[SemaphoreRow]", style: Style) -> list[str]:
    """A line for each permit, then one for each who waits, in order."""
    cells = []
    for each in semaphores:
        name = f"{each.name} {each.in_use}/{each.limit}"
        for held in each.held:
            cells.append(
                (
                    name,
                    str(held.units),
                    who(held),
                    user(held),
                    since(held.created, short=style.cut),
                    left(held.expires_in_ms, held.owner, held.process),
                    short_id(held.id) if style.cut else held.id,
                )
            )
            name = ""
        for waiter in each.queue:
            place = f"waits, place {waiter.position}"
            began = since(waiter.created, short=style.cut)
            cells.append((name, str(waiter.units), who(waiter), user(waiter), began, place, "-"))
            name = ""
    return _fitted(_SEMAPHORES, cells, style)


_GIVE_WAY = ("USER", "SINCE")
"""What is left out where the width is not enough, the first one first."""
_LEAST = 16
"""Cells that a column which may be cut needs for its text to be of use."""


def _fitted(
    columns: "Sequence[Column]", rows: "Sequence[Sequence[str]]", style: Style
) -> list[str]:
    """The table without an empty USER, and without what its width has no room for."""
    kept = list(range(len(columns)))
    titles = [column.title for column in columns]
    if all(row[titles.index("USER")] == "" for row in rows):
        kept.remove(titles.index("USER"))

    def needed(index: int) -> int:
        widest = max(width(titles[index]), *(width(safe(row[index])) for row in rows))
        return min(widest, _LEAST) if columns[index].flexible else widest

    for title in _GIVE_WAY:
        if not style.cut or sum(map(needed, kept)) + 2 * (len(kept) - 1) <= style.width:
            break
        if titles.index(title) in kept:
            kept.remove(titles.index(title))
    return table(
        [columns[index] for index in kept],
        [[row[index] for index in kept] for row in rows],
        style,
    )


_RESERVATIONS = (
    Column("RESERVED", right=True),
    Column("NAME", flexible=True),
    Column("PROJECT", flexible=True),
    Column("USER"),
    Column("SINCE"),
)


def _reservation_lines(reservations: "Sequence[ReservationRow]", style: Style) -> list[str]:
    return table(
        _RESERVATIONS,
        [
            (
                str(each.port) if each.count == 1 else f"{each.port}-{each.port + each.count - 1}",
                each.name or each.key,
                each.project or "-",
                each.user,
                since(each.created, short=style.cut),
            )
            for each in reservations
        ],
        style,
    )
