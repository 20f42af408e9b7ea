"""README and its kind: addresses of this machine that prose names, and the commands it gives."""

import re
from collections.abc import Iterator

from portbook.lint.command_text import Text, declared_in, folder_runs, plain_text
from portbook.lint.reading import Reading
from portbook.lint.source import Source
from portbook.model.declared import Declared

FORM = "readme"

_KINDS = ("md", "markdown", "rst", "txt", "adoc")
_ADDRESS = re.compile(
    r"(?<![\w.-])(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(\d{1,5})(?![\w:]|\.\d|-\d)"
)
_SCHEME = re.compile(r"(?<![a-z0-9+])([a-z][a-z0-9+]{1,15})://(?:[^\s/@'\"<>()]{1,200}@)?\Z")
_MOST_BEFORE = 220
_FENCE = re.compile(r"[ ]{0,8}(`{3,}|~{3,})[ ]*(\w*)")
_BLOCK = re.compile(
    r"^\.\. (?:code-block|code|sourcecode):: *(\w*)[^\n]*\n((?:[ \t]+[^\n]*(?:\n|\Z)|\s*\n)+)",
    re.MULTILINE,
)
_SHELLS = frozenset(("", "sh", "bash", "shell", "zsh", "console", "shellsession", "terminal"))
_PROMPT = re.compile(r"^[ \t]*(?:\$|%|>)[ \t]+", re.MULTILINE)


def wants(source: Source) -> bool:
    """Whether it is a text of a kind that people write."""
    _, dot, kind = source.name.rpartition(".")
    return not dot or kind.lower() in _KINDS


def read(source: Source) -> Reading:
    """The numbers that prose names; those of a command, and of another scheme, have a `product`."""
    found: list[Declared] = list(_prose(source))
    taken = {each.place for each in found}
    for text in _commands(source):
        for each in declared_in(source, text, who=source.name, form=FORM, runs=folder_runs(source)):
            if each.role not in ("client", "container") and each.place not in taken:
                product = each.product or "command"
                found.append(each._replace(role="mention", product=product))
    return Reading(tuple(dict.fromkeys(found)))


def _prose(source: Source) -> Iterator[Declared]:
    for named in _ADDRESS.finditer(source.text):
        number = int(named[1])
        if not number:
            continue
        start = named.start()
        before = _SCHEME.search(source.text[max(0, start - _MOST_BEFORE) : start])
        scheme = before[1] if before is not None else None
        speaks = scheme if scheme in ("http", "https") else None
        yield Declared(
            source.place(named.start(1), len(named[1])),
            number,
            number,
            "mention",
            source.name,
            FORM,
            speaks=speaks,
            product=None if speaks == scheme or scheme in ("ws", "wss") else scheme,
            runs=folder_runs(source),
        )


def _commands(source: Source) -> Iterator[Text]:
    """The blocks of shell commands, without prompts; of a block with prompts those lines alone."""
    directives = ((found[1], found.span(2)) for found in _BLOCK.finditer(source.text))
    for language, (start, end) in [*_fenced(source.text), *directives]:
        if language.lower() not in _SHELLS:
            continue
        prompts = list(_PROMPT.finditer(source.text, start, end))
        if not prompts:
            yield plain_text(source, start, end)
        done = start
        for prompt in prompts:
            # What stands before a continued line is a part of its command.
            if prompt.start() >= done:
                done = _line_end(source.text, prompt.end(), end)
                yield plain_text(source, prompt.end(), done)


def _fenced(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The language and the span of each block between fences."""
    fence = language = ""
    begins = at = 0
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if found is not None and not fence:
            fence, language, begins = found[1], found[2], at + len(line)
        elif found is not None and found[1].startswith(fence):
            yield language, (begins, at)
            fence = ""
        at += len(line)
    if fence:
        yield language, (begins, at)


def _line_end(text: str, start: int, end: int) -> int:
    """The end of a line and of those that continue it."""
    at = start
    while True:
        found = text.find("\n", at, end)
        if found < 0:
            return end
        if text[found - 1 : found] != "\\":
            return found
        at = found + 1
