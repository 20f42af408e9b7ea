"""Which errors are about a Unix socket: a path, and no port at all. Pure."""

import re

_UNIX = re.compile(
    r"\bunix\b|\.sock\b|\.s\.pgsql\.|(?<![\w./:-])/(?:var/)?run/"
    r"|(?:bind|listen|socket|address|on|to|in use|denied|eaddrinuse)\W{0,6}(?<![/\w])/[a-z._]",
    re.IGNORECASE,
)
_SURELY = re.compile(r"\bunix\b|\.sock\b", re.IGNORECASE)
_CALLED = re.compile(r"\bbind\(\s?[(b]{0,2}[\"']/")
_PATH = re.compile(r"(?<![\w./])/[\w.][^\s\"'`,;()\[\]]{0,200}")
_FOLLOWS = ("hint:", "do you already have another")
"""How servers go on about the error of the line above."""


def is_unix(line: str, above: list[str], *, strong: bool) -> bool:
    """Whether an error that names no port is about a socket in the file system.

    Args:
        line: the error's.
        above: the lines before it, in which a trace shows the call.
        strong: it is an error without a number, too.
    """
    if not strong:
        return _SURELY.search(line) is not None
    return _UNIX.search(line) is not None or any(map(_CALLED.search, above))


def follows(line: str) -> bool:
    """Whether a line goes on about the error above it."""
    lower = line.lower()
    return any(word in lower for word in _FOLLOWS)


def path_in(lines: list[str]) -> str | None:
    """The path of the socket, None where none is named."""
    for line in lines:
        found = _PATH.search(line)
        if found is not None:
            return found[0].rstrip(":.?!")
    return None
