"""The port space as a picture: 65,536 ports on a Hilbert curve, in the terminal or as a file."""

import argparse
import os
import sys

from portbook.cli.arguments import parse_target
from portbook.cli.gaps import tell_gaps
from portbook.cli.render import emit, emit_json, safe, style_of
from portbook.model import UsageError, document
from portbook.pages.portmap.codes import Codes, held_by, registered
from portbook.pages.portmap.curve import LAYOUTS
from portbook.pages.portmap.document import port_map
from portbook.pages.portmap.scheme import HERE, LIFE, SCHEMES, Picture, Scheme

_MOST_MARKS = 256


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
    codes = _codes(SCHEMES[options.by], options)
    picture, gaps = codes.picture(options.layout, marked), codes.gaps
    written = _write(picture, options)
    if options.json or options.jsonl:
        emit_json(document("map", port_map(picture, gaps, written)), line=options.jsonl)
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


def _codes(scheme: Scheme, options: argparse.Namespace) -> Codes:
    """The kind of every port: by the registry, or as this machine or a recorded one has it."""
    if scheme is not HERE:
        return registered(scheme)
    from portbook.host import Host

    return held_by(Host(options.root), options.source)


def _write(picture: Picture, options: argparse.Namespace) -> tuple[str, ...]:
    """Write what was asked for; nothing where one of the files cannot be drawn."""
    files = []
    if options.svg is not None:
        from portbook.pages.portmap.svg import svg

        files.append((options.svg, svg(picture).encode()))
    if options.png is not None:
        from portbook.pages.portmap.png import png

        files.append((options.png, png(picture)))
    if files:
        from portbook.cli.file_writing import write_file

        for path, data in files:
            write_file(path, data, what="the map")
    return tuple(path for path, _ in files)


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
