"""A number for good: the same for this project and this name, until `portbook unreserve`.

A reservation keeps other users of portbook off the number. --kernel keeps the kernel from giving it
to an outgoing connection, and --systemd-unit lets systemd listen on it.
"""

import argparse
import os

from portbook.claims.answers import reservation_document
from portbook.cli.arguments import port_number
from portbook.cli.free import count_of_text, near_of_text
from portbook.cli.lease_rows import People
from portbook.cli.render import Column, emit, emit_json, is_terminal, style_of, table
from portbook.cli.telling import say
from portbook.host import reserved_ports
from portbook.model import BadPort, EnvironmentFault, UsageError, document
from portbook.model.claim import Reservation
from portbook.model.record import Record
from portbook.survey.claiming import open_claims
from portbook.survey.numbers_kept import checked_name, keep_number, project_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.claims.access import Access

DURABLE = "/etc/sysctl.d/60-portbook.conf"


class Reserved(Record):
    """A reservation: `count` ports from `port` on; `created` is a time in UTC (ISO 8601)."""

    key: str
    uid: int
    port: int
    count: int  # type: ignore[assignment]  # the JSON name; nobody counts in a record
    project: str | None
    name: str | None
    created: str


class KernelLine(Record):
    """The setting with what the kernel keeps back already and the reservations; if it was made."""

    line: str
    applied: bool


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook reserve`."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="what it is for: web, db, ...")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--port", metavar="P", help="this number")
    which.add_argument("--near", metavar="P", help="the nearest to this one")
    parser.add_argument("--count", metavar="N", help="so many neighbours (default: 1)")
    parser.add_argument("--project", metavar="DIR", default=".", help="for the project of DIR")
    parser.add_argument("--list", action="store_true", help="every reservation of this machine")
    parser.add_argument(
        "--kernel",
        action="store_true",
        help="print the sysctl line that keeps the kernel from giving the reserved numbers away",
    )
    parser.add_argument("--apply", action="store_true", help="with --kernel: set it now (as root)")
    parser.add_argument(
        "--systemd-unit", metavar="FILE", help="write a .socket unit for the number; - is stdout"
    )
    parser.add_argument("--force", action="store_true", help="let it replace a file")


def main(options: argparse.Namespace) -> int:
    """Exit code 0; 1 where the number is not to be had, or there is none to list."""
    _check(options)
    access = open_claims()
    try:
        found = access.reservations() if options.name is None else (_made(options, access),)
        lines = None
        if options.kernel:
            lines = _kernel_line(access.reservations(), apply=options.apply)
    finally:
        access.close()
    unit = None
    if options.systemd_unit is not None:
        unit = socket_unit(found[0])
        _write_unit(options, unit)
    if options.json or options.jsonl:
        body = {
            "reservations": tuple(reservation_document(each) for each in found),
            "kernel": lines,
            "unit": unit,
            "incomplete": (),
        }
        emit_json(document("reserve", body), line=options.jsonl)
    else:
        _print(options, found, lines)
    return 1 if options.list and not found else 0


def _check(options: argparse.Namespace) -> None:
    """Refuse what does not go together."""
    if options.name is None and not (options.list or options.kernel):
        raise UsageError("a number is reserved under a name", hint="portbook reserve web")
    if options.list and options.name is not None:
        raise UsageError("--list is about every reservation, and takes no name")
    if options.apply and not options.kernel:
        raise UsageError("--apply is what --kernel can do", hint="--kernel --apply")
    if options.systemd_unit is None:
        if options.force:
            raise UsageError("--force is what --systemd-unit can do")
        return
    if options.name is None:
        raise UsageError("a unit is for one number", hint="portbook reserve web --systemd-unit -")
    if options.systemd_unit == "-" and (options.kernel or options.json or options.jsonl):
        raise UsageError("stdout is for one thing only", hint="--systemd-unit FILE")
    if options.systemd_unit != "-" and os.path.lexists(options.systemd_unit) and not options.force:
        raise EnvironmentFault(f"{options.systemd_unit} is there already", hint="--force")


def _made(options: argparse.Namespace, access: "Access") -> Reservation:
    name = checked_name(options.name)
    port = None if options.port is None else port_number(options.port)
    if port == 0:
        raise BadPort("0 asks the kernel for any number, and cannot be reserved")
    near = None if options.near is None else near_of_text(options.near)
    count = count_of_text(options.count)
    project = project_of(options.project)
    for gap in project.gaps:
        say(f"incomplete: {gap.what}: {gap.why}")
    return keep_number(access, project, name, port=port, near=near, count=count)


def _kernel_line(reservations: tuple[Reservation, ...], *, apply: bool) -> KernelLine:
    """What the kernel keeps back already, and every reservation."""
    ours = [(each.port, each.port + each.size - 1) for each in reservations]
    ranges = reserved_ports.merged([*reserved_ports.reserved_now(), *ours])
    if apply:
        reserved_ports.apply(ranges)
    return KernelLine(reserved_ports.sysctl_line(ranges), apply)


def _print(
    options: argparse.Namespace, found: tuple[Reservation, ...], lines: KernelLine | None
) -> None:
    if options.list:
        emit(_listing(options, found))
    elif lines is not None or options.systemd_unit == "-":
        for each in found if options.name is not None else ():
            say(_sentence(each))
    elif is_terminal():
        emit(_sentence(each) for each in found)
    else:
        emit(str(each.port) for each in found)
    if lines is None:
        return
    emit([lines.line])
    word = "it is set until the machine restarts" if lines.applied else "with root: --apply sets it"
    say(f"{word}; to keep it, put the line into {DURABLE}")


def _sentence(each: Reservation) -> str:
    number = str(each.port)
    if each.size > 1:
        number = f"{each.port}-{each.port + each.size - 1}"
    return f"{number} is {each.name}'s, of {each.project}"


def _listing(options: argparse.Namespace, found: tuple[Reservation, ...]) -> list[str]:
    if not found:
        say("nothing is reserved")
        return []
    columns = (
        Column("PORT", right=True),
        Column("NAME"),
        Column("USER"),
        Column("SINCE"),
        Column("PROJECT", flexible=True),
    )
    people = People()
    rows = []
    for each in found:
        last = f"-{each.port + each.size - 1}" if each.size > 1 else ""
        since = str(reservation_document(each)["created"])[:10]
        where = each.project or each.key
        rows.append((f"{each.port}{last}", each.name or "", people.user(each.uid), since, where))
    return table(columns, rows, style_of(options.color))


def socket_unit(each: Reservation) -> str:
    """A systemd.socket(5) unit that listens on the number, on IPv4 and IPv6."""
    about = "".join(
        sign if sign.isprintable() else "?" for sign in f"{each.name} of {each.project}"
    ).replace("%", "%%")
    lines = [
        "# written by portbook reserve --systemd-unit",
        "[Unit]",
        f"Description=Port {each.port}, reserved for {about}",
        "",
        "[Socket]",
        *(f"ListenStream={port}" for port in range(each.port, each.port + each.size)),
        "",
        "[Install]",
        "WantedBy=sockets.target",
    ]
    return "\n".join(lines) + "\n"


def _write_unit(options: argparse.Namespace, unit: str) -> None:
    from portbook.cli.file_writing import write_file

    if options.systemd_unit == "-":
        emit([unit.rstrip("\n")])
        return
    write_file(options.systemd_unit, unit.encode(), what="the unit")
    base = os.path.basename(options.systemd_unit)
    say(f"written: {options.systemd_unit}; systemd starts {base.removesuffix('.socket')}.service")
