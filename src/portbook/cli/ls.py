"""Every listener of this machine: address, owner, registered service and verdict."""

import argparse
from collections.abc import Callable, Sequence

from portbook.cli import render
from portbook.cli.arguments import seconds_to
from portbook.cli.gaps import stream_gaps, tell_gaps
from portbook.cli.listing import address_of, holder_of, registered_text, speaks_text
from portbook.cli.render import Column, Style, emit, emit_json, style_of
from portbook.host import Host, clock
from portbook.model import Gap, Listener, Owner, Unknown, UsageError, document
from portbook.model.record import Record
from portbook.survey import Survey, hidden_owners, survey
from portbook.survey.listeners import listeners_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.cli.ls_template import Template

FORMATS = ("table", "csv", "tsv", "json", "jsonl", "prom", "markdown")

_SORT: dict[str, Callable[[Listener], tuple[str | int, ...]]] = {
    "port": lambda row: (row.socket.port, row.socket.transport, row.socket.address),
    "address": lambda row: (row.socket.address, row.socket.port),
    "process": lambda row: (holder_of(row).casefold(), row.socket.port),
    "user": lambda row: (str(row.user), row.socket.port),
    "verdict": lambda row: (row.verdict.value, row.socket.port),
    "reach": lambda row: (row.reach, row.socket.port),
}

_SHADES = {"expected": "green", "mismatch": "yellow", "suspicious": "red", "unknown": "dim"}


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook ls`."""
    parser.add_argument("--tcp", action="store_true", help="only TCP")
    parser.add_argument("--udp", action="store_true", help="only UDP")
    parser.add_argument("--port", metavar="P", action="append", help="only these ports")
    parser.add_argument("--user", metavar="U", help="only sockets of this user (name or id)")
    parser.add_argument("--unit", metavar="N", help="only what runs in this systemd unit")
    parser.add_argument("--process", metavar="NAME", help="only owners whose name holds NAME")
    parser.add_argument(
        "--all-netns", action="store_true", help="other network namespaces too (containers, ...)"
    )
    parser.add_argument("--identify", action="store_true", help="ask each listener what it speaks")
    parser.add_argument("--wide", action="store_true", help="cut nothing; every owner a line")
    parser.add_argument("--sort", metavar="KEY", default="port", help=", ".join(_SORT))
    parser.add_argument(
        "--watch", metavar="SECONDS", type=seconds_to(86400), help="again and again"
    )
    parser.add_argument("--format", metavar="FORM", help=f"{', '.join(FORMATS)}")
    parser.add_argument(
        "--template", metavar="TEXT", help="a line for each: '{port}/{transport} {owner.name}'"
    )


def main(options: argparse.Namespace) -> int:
    """List once, or with --watch until interrupted."""
    shape = _shape(options)
    if options.sort not in _SORT:
        raise UsageError(f"cannot sort by {options.sort!r}", hint=f"one of {', '.join(_SORT)}")
    wanted = _filters(options)
    host = Host(options.root)
    if options.watch is None:
        return _show(host, _look(host, options, wanted, shape), wanted, options, shape)
    import gc

    gc.enable()
    while True:
        if shape.clears and render.is_terminal():
            render.clear_screen()
        host = Host(options.root)
        _show(host, _look(host, options, wanted, shape), wanted, options, shape)
        shape = shape._replace(header=False)
        clock.sleep(options.watch)


class _Shape(Record):
    """How the listeners are printed. `header`: csv and tsv have not begun yet."""

    format: str
    template: "Template | None" = None
    header: bool = True

    @property
    def clears(self) -> bool:
        """Whether each look with --watch takes the place of the one before."""
        return self.format in ("table", "markdown", "template")


def _shape(options: argparse.Namespace) -> _Shape:
    """The one form that the options ask for.

    Raises:
        UsageError: they ask for several, or for none that there is.
    """
    asked = {name for name in ("json", "jsonl") if getattr(options, name)}
    if options.json and options.jsonl:
        asked = {"jsonl"}  # as with every command
    if options.format is not None:
        if options.format not in FORMATS:
            raise UsageError(
                f"no format {options.format[:40]!r}", hint=f"one of {', '.join(FORMATS)}"
            )
        asked.add(options.format)
    if options.template is not None:
        asked.add("--template")
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(sorted(asked))}: one form at a time")
    if options.template is not None:
        from portbook.cli.ls_template import parse

        return _Shape("template", parse(options.template))
    shape = _Shape(next(iter(asked), "table"))
    if shape.format == "prom" and options.watch is not None:
        raise UsageError(
            "prom tells of one moment, and --watch of many",
            hint="portbook metrics --textfile FILE, by a timer; or portbook serve and /metrics",
        )
    return shape


def _look(
    host: Host, options: argparse.Namespace, wanted: Callable[[Listener], bool], shape: _Shape
) -> Survey:
    """The listeners; D-Bus is asked where its facts will be printed.

    With --identify those that are wanted are asked what they speak.
    """
    bus = options.wide or shape.format in ("json", "jsonl")
    if shape.template is not None:
        bus = any(map(shape.template.names, ("unit_facts", "activation")))
    found = survey(host, source=options.source, all_netns=options.all_netns, bus=bus)
    if not options.identify:
        return found
    from portbook.cli.asking import ask_listeners

    return ask_listeners(host, found, wanted, wire=not options.no_probe)


def _show(
    host: Host,
    found: Survey,
    wanted: Callable[[Listener], bool],
    options: argparse.Namespace,
    shape: _Shape,
) -> int:
    rows = sorted(filter(wanted, found.listeners), key=_SORT[options.sort])
    gaps = (*found.gaps, *hidden_owners(rows))
    if shape.format == "jsonl":
        for row in rows:
            emit_json(document("listener", row), line=True)
        stream_gaps(gaps)
    elif shape.format == "json":
        emit_json(document("listeners", listeners_body(host, rows, gaps)), line=bool(options.watch))
    else:
        style = style_of(options.color)
        if options.wide:
            style = style._replace(cut=False)
        if shape.format == "table":
            lines = wide_lines if options.wide else narrow_lines
            emit(lines(rows, style, asked=options.identify) or ["no listener"])
        else:
            emit(_formed(shape, rows, gaps, clock.iso(host.now()) if options.watch else None))
        tell_gaps(gaps, style)
    if gaps:
        return 3
    return 0 if rows or not _is_filtered(options) else 1


def _formed(
    shape: _Shape, rows: Sequence[Listener], gaps: Sequence[Gap], at: str | None
) -> list[str]:
    """The lines of a form that is no JSON; `at` is when this was, with --watch."""
    if shape.template is not None:
        return [shape.template.line(row) for row in rows]
    from portbook.cli import ls_formats

    if shape.format == "csv":
        return ls_formats.csv_lines(rows, at, header=shape.header)
    if shape.format == "tsv":
        return ls_formats.tsv_lines(rows, at, header=shape.header)
    if shape.format == "prom":
        return ls_formats.prom_lines(rows, gaps)
    return [*ls_formats.markdown_lines(rows), *([""] if at else [])]


def _is_filtered(options: argparse.Namespace) -> bool:
    return any(
        (options.tcp, options.udp, options.port, options.user, options.unit, options.process)
    )


def _filters(options: argparse.Namespace) -> Callable[[Listener], bool]:
    """One predicate from all filters; those of one kind add up, kinds narrow."""
    from portbook.cli.arguments import parse_target

    transports = {kind for kind in ("tcp", "udp") if getattr(options, kind)}
    targets = [parse_target(text) for text in options.port or ()]

    def keep(row: Listener) -> bool:
        found = row.socket
        return (
            (not transports or found.transport in transports)
            and (
                not targets
                or any(
                    found.port in ports and transport in (None, found.transport)
                    for ports, transport in targets
                )
            )
            and (options.user is None or options.user in (row.user, str(found.uid)))
            and (options.unit is None or any(_in_unit(o, options.unit) for o in row.owners))
            and (options.process is None or any(_named(o, options.process) for o in row.owners))
        )

    return keep


def _in_unit(owner: Owner, unit: str) -> bool:
    return isinstance(owner.unit, str) and unit in (owner.unit, owner.unit.rpartition(".")[0])


def _named(owner: Owner, text: str) -> bool:
    return isinstance(owner.name, str) and text.casefold() in owner.name.casefold()


def narrow_lines(rows: Sequence[Listener], style: Style, *, asked: bool = False) -> list[str]:
    """One line per listener, in the width of the terminal; with what it speaks where `asked`."""
    columns = (
        Column("PORT", right=True),
        Column("ADDRESS", flexible=True),
        Column("OWNER", flexible=True),
        Column("USER", flexible=True),
        Column("REGISTERED", flexible=True),
        *((Column("SPEAKS", flexible=True),) if asked else ()),
        Column("VERDICT"),
    )
    cells = [
        (
            f"{row.socket.port}/{row.socket.transport}",
            _place_and_address(row),
            holder_of(row),
            row.user if isinstance(row.user, str) else "?",
            registered_text(row),
            *((speaks_text(row.speaks),) if asked else ()),
            row.verdict.value,
        )
        for row in rows
    ]
    return _shaded(render.table(columns, cells, style), rows, style) if rows else []


def _place_and_address(row: Listener) -> str:
    """The address, behind the label of its network namespace where that is not ours."""
    state = row.socket.state
    text = address_of(row) + (f" ({state})" if state in ("bound", "published") else "")
    return f"{row.namespace}: {text}" if row.namespace else text


def _shaded(lines: list[str], rows: Sequence[Listener], style: Style) -> list[str]:
    """The verdict at the end of each line in its colour."""
    if not style.color:
        return lines
    for index, row in enumerate(rows, start=1):
        value = row.verdict.value
        if value in _SHADES and lines[index].endswith(value):
            lines[index] = lines[index].removesuffix(value) + style.paint(value, _SHADES[value])
    return lines


def wide_lines(rows: Sequence[Listener], style: Style, *, asked: bool = False) -> list[str]:
    """One line per owner, with everything that fits nowhere else."""
    columns = tuple(
        Column(title, right=title in ("PORT", "PID", "QUEUE"))
        for title in (
            "PORT",
            "ADDRESS",
            "STATE",
            "REACH",
            "PID",
            "OWNER",
            "USER",
            "UNIT",
            "FROM",
            "QUEUE",
            "STARTED",
            "REGISTERED",
            *(("SPEAKS",) if asked else ()),
            "VERDICT",
            "COMMAND",
        )
    )
    cells = []
    for row in rows:
        found = row.socket
        queue = f"{found.queued}/{found.backlog}" if isinstance(found.backlog, int) else "-"
        for owner in row.owners or (None,):
            pid, name, place, origin, started, command = _owner_cells(owner)
            cells.append(
                (
                    f"{found.port}/{found.transport}",
                    _place_and_address(row),
                    found.state,
                    row.reach,
                    pid,
                    name,
                    row.user if isinstance(row.user, str) else "?",
                    place,
                    origin,
                    queue,
                    started,
                    ", ".join(dict.fromkeys(row.assignments)) or "-",
                    *((speaks_text(row.speaks),) if asked else ()),
                    row.verdict.value,
                    command,
                )
            )
    return render.table(columns, cells, style) if rows else []


def _owner_cells(owner: Owner | None) -> tuple[str, str, str, str, str, str]:
    """PID, name, unit or container, package or project, start time, command line."""
    if owner is None:
        return "-", "the kernel", "-", "-", "-", "-"
    from portbook.cli.listing import origin_text, owner_text, place_text

    name = owner.name if isinstance(owner.name, str) else owner_text(owner)
    if owner.exe_deleted is True:
        name += " (executable deleted)"
    return (
        str(owner.pid) if isinstance(owner.pid, int) else "?",
        name,
        place_text(owner),
        origin_text(owner),
        owner.started if isinstance(owner.started, str) else "?",
        "?" if isinstance(owner.cmdline, Unknown) else " ".join(owner.cmdline) or "-",
    )
