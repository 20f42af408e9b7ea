"""What the command of a container tells its program to listen on: a CMD, a compose `command`.

A number that stands in the default of a variable (`${PORT:-8000}`) is none: what the container is
given goes before it.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache

from portbook.lint.command_line import CommandPort, ports_in_command, ports_in_words
from portbook.lint.command_words import Word, plain_word
from portbook.lint.debuggers import DEBUGGERS
from portbook.lint.interpolation import within
from portbook.lint.parts import Written
from portbook.model.declared import Place
from portbook.model.record import Record

_MOST_TEXT = 4000
_MOST_WORDS = 500
_MOST_TOLD = 50
_HERE = re.compile(r"localhost|[\d.:*\[\]+]*")
_ELSEWHERE = re.compile(r"(?<!\S)(?:--host|-h)[ =\"',]+(?!localhost|\d|::|\*)[A-Za-z$]")
_DEFAULT = re.compile(r"\$\{\w{1,100}:?[-=][^{}\s]{0,100}\Z")
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"')
# Variables, programs side by side, and those that start others after a file of their own.
_UNSURE = re.compile(r"[$`]|(?<![&>])&(?![&>])|\b(?:concurrently|supervisord|honcho|foreman)\b")


class CommandText(Record):
    """A text or the words of a command; a port's offset is in `text`, a shell's or a list's."""

    text: str
    words: tuple[Word, ...] | None = None


class Told(Record):
    """A port that a command tells; `main`: no debugger's, and nothing else is told elsewhere."""

    port: CommandPort
    main: bool


def exec_form(text: str, start: int = 0) -> tuple[Word, ...] | None:
    """The words of `["gunicorn", "-b", ":8000"]`; None where a shell takes the text."""
    if not text.startswith("[") or len(text) > _MOST_TEXT:
        return None
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(whole, list) or not all(isinstance(each, str) for each in whole):
        return None
    found = []
    for string, each in zip(_STRING.finditer(text), whole, strict=False):
        if "\\" in string[0]:
            found.append(Word(each, (-1,) * len(each)))
        else:
            found.append(plain_word(each, start + string.start() + 1))
    return tuple(found)


def told_by(texts: Iterable[CommandText]) -> list[Told]:
    """The ports that commands of one container tell to listen on, each place once.

    Args:
        texts: its commands, each with offsets into one text that they share.
    """
    found: dict[int, Told] = {}
    for each in texts:
        text = each.text
        if len(text) > _MOST_TEXT or (each.words is not None and len(each.words) > _MOST_WORDS):
            continue
        sure = _UNSURE.search(text) is None
        ports = ports_in_command(text) if each.words is None else ports_in_words(each.words)
        for port in ports:
            before = text[max(0, port.offset - 210) : port.offset]
            if port.role != "listen" or _DEFAULT.search(before) or port.last > 65535:
                continue
            # `--host db --port 5432` is where another program is.
            if _HERE.fullmatch(port.address or "") is None or _ELSEWHERE.search(text):
                continue
            debugs = port.program == "debugpy" or "inspect" in before[-20:]
            main = sure and not debugs and port.first not in DEBUGGERS
            found.setdefault(port.offset, Told(port, main))
    return [found[offset] for offset in sorted(found)[:_MOST_TOLD]]


def in_image(entrypoint: str | None, command: str | None) -> list[tuple[str, Told]]:
    """What ENTRYPOINT and CMD tell: (which of both has the number, what it is)."""
    entry, cmd = entrypoint or "", command or ""
    text = f"{entry}\n{cmd}"
    shift = len(entry) + 1
    first, second = exec_form(entry), exec_form(cmd, shift)
    texts = []
    if entry and first is None:
        # A shell form takes no CMD.
        texts.append(CommandText(entry))
    else:
        if first is not None:
            texts.append(CommandText(text, (*first, *(second or ()))))
        if second is not None:
            texts.append(CommandText(text, second))
        elif cmd:
            # Blanks keep the offsets.
            texts.append(CommandText(" " * shift + cmd))
    found = []
    for told in told_by(texts):
        port = told.port
        if port.offset < shift:
            found.append(("ENTRYPOINT", told))
        else:
            found.append(("CMD", told._replace(port=port._replace(offset=port.offset - shift))))
    return found


@lru_cache(64)
def in_service(
    command: Written | None, words: tuple[Written, ...]
) -> tuple[tuple[Told, Place], ...]:
    """What a compose service's `command` or `entrypoint` tells, and the place of each number."""
    if words:
        return tuple(_of_list(words))
    if command is None or command.text.startswith(("[", "- ", "-\n")):
        return ()
    if len(command.text) > _MOST_TEXT:
        return ()
    return tuple(
        (told, within(command, told.port.offset, told.port.length))
        for told in told_by([CommandText(_folded(command.text))])
    )


def _of_list(words: tuple[Written, ...]) -> Iterator[tuple[Told, Place]]:
    starts, made, at = [], [], 0
    for each in words[:_MOST_WORDS]:
        starts.append(at)
        made.append(plain_word(each.text, at))
        at += len(each.text) + 1
    text = " ".join(each.text for each in words[:_MOST_WORDS])
    for told in told_by([CommandText(text, tuple(made))]):
        number = bisect_right(starts, told.port.offset) - 1
        inner = told.port.offset - starts[number]
        yield told, within(words[number], inner, told.port.length)


def _folded(text: str) -> str:
    """A YAML text as its shell would get it, with every character where it was."""
    head = text[:1]
    if head in ("'", '"') and len(text) > 1 and text.endswith(head):
        text = f" {text[1:-1]} "
    if head in ("|", ">"):
        first = text.partition("\n")[0]
        text = " " * len(first) + text[len(first) :]
    return text if head == "|" else text.replace("\n", " ")
