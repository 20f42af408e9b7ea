"""The project that a folder belongs to, and the port numbers that its files name."""

import os
import re

from portbook.host import Host
from portbook.model import LAST_PORT, Gap
from portbook.model.record import Record

_MOST_FILES = 64
_MOST_BYTES = 1 << 20
_MOST_FOLDERS = 32
_SPAN = re.compile(r"(?<![\w.])([0-9]{1,5})(?:-([0-9]{1,5}))?(?![\w.])", re.ASCII)
_ADDRESS = re.compile(r"://[^/\s]*?:([0-9]{1,5})(?![0-9])", re.ASCII)
_LONGEST_SPAN = 1000


class Project(Record):
    """A project: its top folder, and the numbers that its compose and .env files name.

    `named` has for each number the file, relative to `root`, that names it first.
    """

    root: str
    named: dict[int, str]
    gaps: tuple[Gap, ...]


def project_root(host: Host, folder: str) -> str:
    """The nearest folder, `folder` or above, that is under version control; else `folder`.

    A git worktree is a project of its own: there `.git` is a file.
    """
    start = here = os.path.realpath(folder)
    while True:
        try:
            host.stamp(f"{here.rstrip('/')}/.git")
        except OSError:
            above = os.path.dirname(here)
            if above == here:
                return start
            here = above
        else:
            return here


def read_project(host: Host, folder: str) -> Project:
    """The project of `folder`, with what is named in it between `folder` and its top.

    Reads at most 64 files of 1 MB each; what is left out is a gap.
    """
    root = project_root(host, folder)
    named: dict[int, str] = {}
    gaps: list[Gap] = []
    left = _MOST_FILES
    for here in _folders(root, os.path.realpath(folder)):
        try:
            names = sorted(name for name in host.names(here) if _is_compose(name) or _is_env(name))
        except OSError as error:
            gaps.append(Gap(f"the files of {here}", error.strerror or str(error)))
            continue
        if len(names) > left:
            why = f"{len(names) - left} files more than {_MOST_FILES}"
            gaps.append(Gap(f"the ports in the files of {here}", why))
        for name in names[:left]:
            path = f"{here.rstrip('/')}/{name}"
            shown = os.path.relpath(path, root)
            try:
                numbers = _ports_of(host, path, name)
            except IsADirectoryError:
                continue
            except OSError as error:
                gaps.append(Gap(f"the ports in {shown}", error.strerror or str(error)))
                continue
            if numbers is None:
                gaps.append(Gap(f"the ports in {shown}", "longer than 1 MB"))
                continue
            for port in numbers:
                named.setdefault(port, shown)
        left -= min(left, len(names))
    return Project(root, named, tuple(gaps))


def _folders(root: str, folder: str) -> list[str]:
    """From the top of the project down to the folder."""
    found = [folder]
    while found[-1] != root and len(found) < _MOST_FOLDERS:
        found.append(os.path.dirname(found[-1]))
    return found[::-1]


def _is_compose(name: str) -> bool:
    return name.startswith(("compose.", "docker-compose.")) and name.endswith((".yaml", ".yml"))


def _is_env(name: str) -> bool:
    return name == ".env" or name.startswith(".env.")


def _ports_of(host: Host, path: str, name: str) -> set[int] | None:
    """The numbers in one file; None where it is too long to be read."""
    # A link is followed, but a FIFO or a device at its end is not opened.
    data = host.regular(os.path.realpath(path), _MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        return None
    text = data.decode("utf-8", "surrogateescape")
    return compose_ports(text) if _is_compose(name) else env_ports(text)


def env_ports(text: str) -> set[int]:
    """The numbers of `WEB_PORT=8080` and `DB=postgres://db:5432/x` in a .env file."""
    found: set[int] = set()
    for line in text.splitlines():
        key, equals, value = line.partition("#")[0].partition("=")
        if not equals:
            continue
        if "PORT" in key.upper():
            found |= _numbers(value)
        if "://" in value:
            found |= {int(each) for each in _ADDRESS.findall(value) if 0 < int(each) <= LAST_PORT}
    return found


def compose_ports(text: str) -> set[int]:
    """The numbers under `ports:` of a compose file, host side and container side alike.

    It is read line by line, so that a file with an error in it still says what it says: below a
    line `ports:` or `expose:`, what is indented deeper or is a list item is about ports.
    """
    found: set[int] = set()
    depth: int | None = None
    for raw in text.splitlines():
        line = raw.partition(" #")[0].rstrip()
        bare = line.lstrip()
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(bare)
        if depth is not None and (indent > depth or (indent == depth and bare.startswith("-"))):
            found |= _numbers(bare)
            continue
        depth = None
        key, colon, rest = bare.partition(":")
        if colon and key.strip("'\"") in ("ports", "expose"):
            depth = indent
            found |= _numbers(rest)
    return found


def _numbers(text: str) -> set[int]:
    """Every port or span of ports in a piece of text; parts of an IPv4 address are none."""
    found: set[int] = set()
    for match in _SPAN.finditer(text):
        first, last = int(match[1]), int(match[2] or match[1])
        if 0 < first <= last <= LAST_PORT and last - first < _LONGEST_SPAN:
            found.update(range(first, last + 1))
    return found
