"""The port space as a picture: 65,536 ports on a Hilbert curve, in the terminal or as a file."""

import argparse
import os
import sys

from portbook.cli.arguments import parse_target
from portbook.cli.gaps import tell_gaps
from portbook.cli.map_curve import LAYOUTS
from portbook.cli.map_scheme import HERE, LIFE, RANGE, SCHEMES, YEAR, Picture, Scheme, year_name
from portbook.cli.render import emit, emit_json, safe, style_of
from portbook.model import LAST_PORT, RANGES, Gap, UsageError, document
from portbook.model.record import Record

_MOST_MARKS = 256


class Run(Record):
    """Neighbouring ports of one kind, `first` to `last`."""

    first: int
    last: int
    kind: str


class Marked(Record):
    """A port that was asked for by --port, and its kind."""

    port: int
    kind: str


class PortMap(Record):
    """Every port with its kind: `counts` of each kind, and `runs` from port 0 to 65535.

    `order` names the kinds, the most notable first. `written` are the files that were written.
    """

    by: str
    layout: str
    order: tuple[str, ...]
    counts: dict[str, int]
    runs: tuple[Run, ...]
    marked: tuple[Marked, ...]
    source: str
    written: tuple[str, ...]
    incomplete: tuple[Gap, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook map`."""
    parser.add_argument(
        "--by",
        choices=tuple(SCHEMES),
        default=LIFE.name,
        help="colour by life (default), registration year, range, or what listens here",
    )
    parser.add_argument(
        "--layout",
        choices=LAYOUTS,
        default=LAYOUTS[0],
        help="on a Hilbert curve (default), which keeps neighbours together, or in rows",
    )
    parser.add_argument("--port", metavar="P", action="append", help="mark these ports")
    parser.add_argument("--svg", metavar="FILE", help="write it as an SVG file")
    parser.add_argument("--png", metavar="FILE", help="write it as a PNG file (needs Pillow)")


def main(options: argparse.Namespace) -> int:
    """Draw in the terminal, or write the files and say so; exit code 3 where sockets are hidden."""
    marked = _marked(options.port or ())
    scheme = SCHEMES[options.by]
    codes, source, gaps = _codes(scheme, options)
    picture = Picture(scheme, codes, options.layout, marked, source)
    written = _write(picture, options)
    if options.json or options.jsonl:
        emit_json(document("map", _told(picture, written, gaps)), line=options.jsonl)
        return 3 if gaps else 0
    style = style_of(options.color)
    if written:
        emit(f"written: {safe(each)}" for each in written)
    else:
        from portbook.cli.map_text import Sheet, map_lines

        emit(map_lines(picture, Sheet(style, _depth(colored=style.color))))
    tell_gaps(gaps, style)
    return 3 if gaps else 0


def _marked(arguments: list[str] | tuple[()]) -> tuple[int, ...]:
    ports = sorted({port for text in arguments for port in parse_target(text).ports})
    if len(ports) > _MOST_MARKS:
        raise UsageError(f"{len(ports)} ports to mark: at most {_MOST_MARKS} can be told apart")
    return tuple(ports)


def _codes(scheme: Scheme, options: argparse.Namespace) -> tuple[bytes, str, tuple[Gap, ...]]:
    """The code of every port, where they are from, and what could not be seen."""
    if scheme is HERE:
        return _here(options)
    if scheme is RANGE:
        sizes = [(scheme.code(each.name), each.last - each.first + 1) for each in RANGES]
        codes = b"".join(bytes((code,)) * size for code, size in sizes)
        return codes, "Ranges of RFC 6335.", ()
    from portbook.registry import whole

    if scheme is YEAR:
        years = whole.years()
        known = {year: scheme.code(year_name(year)) for year in set(years)}
        return bytes(map(known.__getitem__, years)), "Dates of IANA's registry.", ()
    lives = whole.lives()
    known_lives = {kind.name: code for code, kind in enumerate(scheme.kinds)}
    source = f"Traces in {lives.sources_checked} public sources, as of {lives.as_of}."
    return bytes(map(known_lives.__getitem__, lives.values)), source, ()


def _here(options: argparse.Namespace) -> tuple[bytes, str, tuple[Gap, ...]]:
    """What this machine, or a recorded one, holds on each port; the most notable counts."""
    from portbook.host import Host, clock
    from portbook.survey import survey

    host = Host(options.root)
    found = survey(host, source=options.source)
    codes = bytearray(LAST_PORT + 1)
    for row in found.listeners:
        if row.socket.state == "bound":
            name = "bound"
        else:
            name = {"loopback": "loopback", "other-netns": "elsewhere"}.get(row.reach, "reachable")
        codes[row.socket.port] = max(codes[row.socket.port], HERE.code(name))
    return bytes(codes), f"Sockets of {host.name} at {clock.iso(host.now())}.", found.gaps


def _write(picture: Picture, options: argparse.Namespace) -> tuple[str, ...]:
    """Write what was asked for; nothing where one of the files cannot be drawn."""
    files = []
    if options.svg is not None:
        from portbook.cli.map_svg import svg

        files.append((options.svg, svg(picture).encode()))
    if options.png is not None:
        from portbook.cli.map_png import png

        files.append((options.png, png(picture)))
    if files:
        from portbook.cli.file_writing import write_file

        for path, data in files:
            write_file(path, data, what="the map")
    return tuple(path for path, _ in files)


def _told(picture: Picture, written: tuple[str, ...], gaps: tuple[Gap, ...]) -> PortMap:
    kinds = picture.scheme.kinds
    runs = []
    first = 0
    for port in range(1, LAST_PORT + 2):
        if port > LAST_PORT or picture.codes[port] != picture.codes[first]:
            runs.append(Run(first, port - 1, kinds[picture.codes[first]].name))
            first = port
    counts = picture.counts()
    return PortMap(
        picture.scheme.name,
        picture.layout,
        tuple(counts),
        counts,
        tuple(runs),
        tuple(Marked(port, picture.kind(port).name) for port in picture.marked),
        picture.source,
        written,
        gaps,
    )


def _depth(*, colored: bool) -> str:
    """How many colours stdout shows; none where its encoding has no half blocks."""
    from portbook.cli.map_text import INDEXED, PLAIN, TRUE

    try:
        "▀".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return PLAIN
    if not colored:
        return PLAIN
    return TRUE if os.environ.get("COLORTERM") in ("truecolor", "24bit") else INDEXED
