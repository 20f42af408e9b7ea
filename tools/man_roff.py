"""Text as roff: what makes a manual page say exactly what it was given."""

import re

_SIGNS = {
    "\\": r"\(rs",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
    '"': r"\(dq",
}
"""Signs that a formatter would read as its own or set as another one."""


def text(words: str) -> str:
    """`words` as text of a line: no sign of it is an instruction, and all of it is ASCII."""
    made = "".join(
        _SIGNS.get(sign) or (sign if sign.isascii() else f"\\[u{ord(sign):04X}]") for sign in words
    )
    # A full stop at the start of a line would make it a request.
    return rf"\&{made}" if made.startswith(".") else made


def filled(words: str) -> str:
    """A paragraph: white space is one blank, and each sentence begins a line."""
    return re.sub(r"(?<=[a-z0-9)]\.) (?=[A-Z])", "\n", text(" ".join(words.split())))


def verbatim(lines: list[str]) -> list[str]:
    """Lines as they are, in type of one width."""
    return [".RS 4", ".EX", *(text(line.rstrip()) for line in lines), ".EE", ".RE"]


def bold(words: str) -> str:
    """What is typed as it stands."""
    return rf"\fB{text(words)}\fR"


def italic(words: str) -> str:
    """What stands for something."""
    return rf"\fI{text(words)}\fR"


def together(made: str) -> str:
    """Roff that is not broken at its blanks."""
    return made.replace(" ", r"\ ")


def item(tag: str, about: str) -> list[str]:
    """An entry of a list: what it is about, already roff, and what it is."""
    return [".TP", tag, filled(about) or r"\&"]


def usage(words: str) -> list[str]:
    """A line of usage as argparse makes it, an option or argument to a line."""
    made, depth, held = [], 0, ""
    for word in words.split():
        held = f"{held} {word}" if held else word
        depth += word.count("[") - word.count("]")
        if depth <= 0:
            made.append(together(_marked(held)))
            depth, held = 0, ""
    return made


def _marked(words: str) -> str:
    """Options bold, what stands for something italic."""
    made = ""
    for part in re.split(r"(--?[a-z][a-z-]*|[A-Z][A-Z0-9_]*)", words):
        shape = bold if part[:1] == "-" and part[1:] else italic if part[:1].isupper() else text
        made += shape(part) if part else ""
    return made
