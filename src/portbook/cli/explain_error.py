"""Why, for the port that a program's error names: `npm run dev 2>&1 | portbook explain-error`.

The program's output is read from stdin or a FILE, and nothing of it is passed on. Ctrl-C ends the
reading as an end of the input does: what was read by then is answered.
"""

import argparse
import os
import stat
import sys

from portbook.cli.gaps import tell_gaps
from portbook.cli.render import Style, emit, emit_json, safe, style_of, wrap
from portbook.cli.telling import say
from portbook.cli.why import why_lines
from portbook.host import Host
from portbook.model import EnvironmentFault, Gap, Unknown, document
from portbook.survey.bindability import Why
from portbook.survey.error_text import LONGEST, ErrorText, UnixSocket, read_errors
from portbook.survey.explaining import Explained, explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD = 256 << 10
_TAIL = LONGEST - _HEAD - 1
"""Bytes of a long output that are kept: where a server fails to start, and where it ended."""
_CHUNK = 64 << 10
_WORDS = {
    "in-use": "in use",
    "denied": "not permitted",
    "unavailable": "not on this machine's addresses",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook explain-error`."""
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="a program's output (default: stdin)"
    )


def main(options: argparse.Namespace) -> int:
    """0: what was named can be bound now, 1: not, or no port was named, 3: cannot be told."""
    read = read_errors(_input(options.file))
    found = explain(read, Host(options.root), bind=not options.no_probe, source=options.source)
    gaps = tuple(dict.fromkeys(gap for each in found for gap in each.why.incomplete))
    if options.json or options.jsonl:
        body = {"found": found, "incomplete": gaps}
        emit_json(document("explain-error", body), line=options.jsonl)
    elif found:
        style = style_of(options.color)
        emit(_lines(found, style))
        tell_gaps(gaps, style)
    for each_socket in read.sockets:
        say(f"portbook: {_socket(each_socket)}")
    if not found:
        _say_none(read)
        return 1
    return _code(found, gaps)


def _socket(each: UnixSocket) -> str:
    if each.path is None:
        return f"a Unix socket, which has no port: {each.line}"
    return f"{each.path} is a Unix socket, which has no port: {each.line}"


def _code(found: "Sequence[Explained]", gaps: tuple[Gap, ...]) -> int:
    if any(each.free is False for each in found):
        return 1
    return 3 if gaps or any(isinstance(each.free, Unknown) for each in found) else 0


def _say_none(read: ErrorText) -> None:
    if read.sockets:
        say("hint: ss -xlp shows who listens on it; if nobody does, the file is a leftover")
    elif read.unnumbered is not None:
        say(f"portbook: an error, but no port in it or near it: {read.unnumbered}")
        say("hint: portbook why PORT, with the port that the program is given")
    else:
        say("portbook: no error about a port in this output")
        say("hint: errors are on stderr: COMMAND 2>&1 | portbook explain-error")


def _input(path: str) -> bytes:
    """The beginning and the end of a program's output.

    Raises:
        EnvironmentFault: it cannot be read.
    """
    try:
        if path != "-":
            with open(path, "rb", buffering=0) as file:
                return _read(file.fileno())
        if sys.stdin is None:
            raise EnvironmentFault("standard input is closed", hint="name a FILE")
        if sys.stdin.isatty():
            say("paste the program's output, then Ctrl-D")
        return _read(sys.stdin.fileno())
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        where = "standard input" if path == "-" else path
        raise EnvironmentFault(f"cannot read {where}: {said}") from error


def _read(number: int) -> bytes:
    facts = os.fstat(number)
    skips = stat.S_ISREG(facts.st_mode) and facts.st_size > LONGEST
    head, tail = bytearray(), bytearray()
    try:
        while chunk := os.read(number, _CHUNK):
            room = _HEAD - len(head)
            head += chunk[:room] if room > 0 else b""
            tail += chunk[room:] if room > 0 else chunk
            if skips and room <= len(chunk):
                os.lseek(number, -_TAIL, os.SEEK_END)
                tail, skips = bytearray(), False
            if len(tail) > 2 * _TAIL:
                del tail[:-_TAIL]
    except KeyboardInterrupt:
        # The program that wrote got it, too. Whoever gave us nothing wants no answer.
        if not head:
            raise
    if len(tail) > _TAIL:
        del tail[:-_TAIL]
        head += b"\n"
    return bytes(head + tail)


def _lines(found: "Sequence[Explained]", style: Style) -> list[str]:
    """For each port the program's words, the answer of `portbook why`, and the ways out."""
    lines: list[str] = []
    for each in found:
        if lines:
            lines.append("")
        says = f"says {each.program}" if each.program else "it says"
        head = f"{each.port}/{each.transport}: {_WORDS[each.error]}, {says}:"
        lines.append(style.paint(safe(head), "bold"))
        lines += wrap(safe(each.line), style, "    ", "    ")
        if each.number_line is not None:
            lines += wrap(safe(f"the port is from: {each.number_line}"), style, "    ", "  ")
        now = Why(each.port, each.why.tcp, each.why.udp, each.why.incomplete)
        lines += why_lines(now, {each.transport: each.bindable}, style)
        for text in _ways(each):
            lines += wrap(safe(text), style, "    ", "  ")
    return lines


def _ways(each: Explained) -> list[str]:
    """What to do about it."""
    free = f"portbook free --near {each.port}: a number that is free"
    if each.error == "unavailable" and each.ours is not True:
        missing = (
            f"{each.address} is no address of this machine: 127.0.0.1, or 0.0.0.0 for every one"
        )
        return [
            missing if each.ours is False else "which address is it given? ip address lists ours"
        ]
    if each.number_line is not None and each.bindable.free is True:
        return [
            f"{each.port} is a guess from that line, and it is free: it was probably another port",
            "portbook why PORT, with the port that the program is given",
        ]
    if isinstance(each.free, Unknown):
        return [f"portbook {each.port}: all that is known of it"]
    kinds = {reason.kind for reason in each.bindable.reasons}
    if each.free:
        if "claimed" in kinds:
            return ["it can be bound now, but somebody claimed it: portbook claims", free]
        if each.error == "denied":
            return ["it can be bound now by this user: was the program another user's?"]
        return ["it can be bound now, whoever had it is gone: start the program again"]
    if "privileged" in kinds:
        return ["portbook free: a number that needs no privilege", free]
    return [
        f"portbook stop {each.port} --dry-run: what would be ended to free it",
        free,
        "portbook run -- COMMAND: a port of its own that nobody else takes",
    ]
