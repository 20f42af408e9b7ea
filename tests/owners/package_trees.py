"""Copies of recorded package databases that a test may damage."""

import shutil
from pathlib import Path

from command import recorded
from portbook.host import Host
from portbook.model import Package, Unknown
from portbook.owners.packages import packages_of

Answer = Package | None | Unknown


def copy_of(name: str, into: Path) -> Path:
    """A writable copy of a recording."""
    return Path(shutil.copytree(recorded(name), into / name, symlinks=True))


def ask(root: Path | str, *paths: str) -> tuple[Answer, ...]:
    """The packages of the paths on that recorded host, in the order asked."""
    found = packages_of(Host(str(root)), paths)
    return tuple(found[path] for path in paths)


def why(answer: Answer) -> str | None:
    """The reason of an Unknown; None for an answer."""
    return answer.unknown if isinstance(answer, Unknown) else None
