"""Answers about the fleet for people: tables of listeners, periods, changes and hosts."""

from collections.abc import Sequence

from portbook.cli.render import Column, Style, table
from portbook.model import Unknown
from portbook.model.fleet import FleetChange, FleetHost, FleetListener, FleetPeriod
from portbook.model.moments import spoken


def listener_lines(
    rows: Sequence[FleetListener], style: Style, *, audit: bool = False
) -> list[str]:
    """One listener a line; when each was seen, where that differs."""
    if not rows:
        return ["nothing listens there" if not audit else "nothing that does not belong"]
    aged = len({row.as_of for row in rows}) > 1
    spoke = any(row.speaks for row in rows)
    known = not any(isinstance(row.since, Unknown) for row in rows)
    columns = (
        *((Column("SEVERITY"),) if audit else ()),
        *(Column("HOST", flexible=True), Column("PORT", right=True)),
        *(Column("ADDRESS", flexible=True), Column("PROCESS", flexible=True)),
        *(Column("PLACE", flexible=True), Column("USER", flexible=True)),
        *((Column("SPEAKS", flexible=True),) if spoke else ()),
        Column("RULES", flexible=True) if audit else Column("VERDICT"),
        *((Column("SINCE"),) if known else ()),
        *((Column("AS OF"),) if aged else ()),
    )
    cells = [
        (
            *((row.severity or "low",) if audit else ()),
            host_text(row.host, row.name),
            f"{row.port}/{row.transport}",
            address_text(row),
            process_text(row),
            place_text(row),
            fact(row.user),
            *((row.speaks or "-",) if spoke else ()),
            (", ".join(row.rules) or row.verdict) if audit else row.verdict,
            *((plain(row.since),) if known else ()),
            *((plain(row.as_of),) if aged else ()),
        )
        for row in rows
    ]
    return table(columns, cells, style)


def period_lines(rows: Sequence[FleetPeriod], style: Style) -> list[str]:
    """One version of a listener a line, oldest first."""
    if not rows:
        return ["nothing is recorded about it"]
    columns = (
        *(Column("HOST", flexible=True), Column("PORT", right=True)),
        *(Column("ADDRESS", flexible=True), Column("PROCESS", flexible=True)),
        *(Column("PLACE", flexible=True), Column("USER", flexible=True), Column("VERDICT")),
        *(Column("FROM"), Column("UNTIL")),
    )
    cells = [
        (
            host_text(each.host, each.name),
            f"{each.listener.port}/{each.listener.transport}",
            address_text(each.listener),
            process_text(each.listener),
            place_text(each.listener),
            fact(each.listener.user),
            each.listener.verdict,
            plain(each.since),
            "still" if each.until is None else f"{plain(each.until)} {each.ended or ''}".rstrip(),
        )
        for each in rows
    ]
    return table(columns, cells, style)


_SIGNS = {"opened": "+", "closed": "-", "changed": "~"}


def change_lines(rows: Sequence[FleetChange], style: Style) -> list[str]:
    """One change a line: `+` opened, `-` closed, `~` changed, and what is other."""
    if not rows:
        return ["nothing changed"]
    columns = (
        *(Column(""), Column("HOST", flexible=True), Column("PORT", right=True)),
        *(Column("ADDRESS", flexible=True), Column("PROCESS", flexible=True)),
        *(Column("CHANGED", flexible=True), Column("AT")),
    )
    cells = []
    for each in rows:
        row = each.now or each.before
        if row is not None:
            cells.append(
                (
                    _SIGNS.get(each.kind, "?"),
                    host_text(each.host, each.name),
                    f"{row.port}/{row.transport}",
                    address_text(row),
                    process_text(row),
                    _difference(each) or each.kind,
                    plain(each.at),
                )
            )
    return table(columns, cells, style)


def _difference(change: FleetChange) -> str:
    """`process: nginx -> caddy`, for each field."""
    if change.now is None or change.before is None:
        return ""
    pairs = []
    for field in change.fields:
        was, now = (_told(getattr(row, field)) for row in (change.before, change.now))
        pairs.append(f"{field}: {was} -> {now}")
    return ", ".join(pairs)


def _told(value: object) -> str:
    if isinstance(value, tuple) and not isinstance(value, Unknown):
        return "+".join(map(str, value)) or "-"
    return fact(value)


def host_lines(rows: Sequence[FleetHost], style: Style) -> list[str]:
    """One host a line."""
    if not rows:
        return ["no host is enrolled"]
    columns = (
        *(Column("HOST", flexible=True), Column("STATE"), Column("LISTENERS", right=True)),
        *(Column("REPORTED"), Column("AGE", right=True), Column("LABELS", flexible=True)),
        *(Column("VERSION"), Column("LACKS", flexible=True)),
    )
    cells = [
        (
            host_text(row.host, row.name),
            row.state,
            str(row.listeners),
            "-" if row.as_of is None else plain(row.as_of),
            "-" if row.silent_s is None else spoken(row.silent_s),
            " ".join(f"{key}={value}" for key, value in row.labels) or "-",
            row.version or "-",
            _lacks(row),
        )
        for row in rows
    ]
    return table(columns, cells, style)


def _lacks(row: FleetHost) -> str:
    said = [f"also reported by {row.duplicate_of}"] if row.duplicate_of else []
    return "; ".join([*said, *row.gaps]) or "-"


def host_text(host: str, name: str) -> str:
    """Its id, and its name where that says more."""
    return host if name.lower() in ("", host) else f"{host} ({name})"


def address_text(row: FleetListener) -> str:
    """`0.0.0.0`, `[::]`; the network namespace behind, where it is not the host's own."""
    text = f"[{row.address}]" if ":" in row.address else row.address
    text += "" if row.state == "listen" or row.transport != "tcp" else f" ({row.state})"
    return f"{text} in {row.netns}" if row.netns else text


def process_text(row: FleetListener) -> str:
    """`redis-server (812)`; `hidden` where it could not be seen, `the kernel` for none."""
    if isinstance(row.process, str):
        return f"{row.process} ({row.pid})" if isinstance(row.pid, int) else row.process
    if row.process is None or row.process.unknown == "no-process":
        return "the kernel"
    return "hidden"


def place_text(row: FleetListener) -> str:
    """The container or the unit, `-` for none, `?` where that is not known."""
    for value in (row.container, row.unit):
        if isinstance(value, str) and value:
            return value
    return "?" if isinstance(row.container, Unknown) or isinstance(row.unit, Unknown) else "-"


def fact(value: object) -> str:
    """A fact as a cell has it."""
    if isinstance(value, Unknown):
        return "?"
    return "-" if value in (None, "") else str(value)


def plain(moment: object) -> str:
    """`2026-11-23 09:00:00`, in UTC."""
    return moment.replace("T", " ").removesuffix("Z") if isinstance(moment, str) else "?"
