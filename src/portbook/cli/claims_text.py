"""Claims, semaphores and reserved numbers as tables for people."""

from portbook.cli.lease_rows import ClaimRow, ReservationRow, SemaphoreRow, left, who
from portbook.cli.render import Column, Style, safe, table

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
    rows = table(_CLAIMS, [_cells(row) for row in claims], style)
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


def _cells(row: ClaimRow) -> tuple[str, ...]:
    span = str(row.port) if row.count == 1 else f"{row.port}-{row.port + row.count - 1}"
    where = "" if row.address == "*" else f" {row.address}"
    return (
        f"{span}/{row.transport}{where}",
        row.state,
        row.name or "-",
        who(row),
        row.user,
        row.created,
        left(row.expires_in_ms, row.owner, row.process),
        row.id,
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
                    held.user,
                    held.created,
                    left(held.expires_in_ms, held.owner, held.process),
                    held.id,
                )
            )
            name = ""
        for waiter in each.queue:
            place = f"waits, place {waiter.position}"
            cells.append(
                (name, str(waiter.units), who(waiter), waiter.user, waiter.created, place, "-")
            )
            name = ""
    return table(_SEMAPHORES, cells, style)


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
                each.created,
            )
            for each in reservations
        ],
        style,
    )
