"""The list in the folder of what was asked for and which parts are done: `.portbook-export`.

Its first line tells what is to be made, each further one that a part was, in JSON. A part is told
when all of its files are there, so a run that was cut short is continued by the next one. When
everything is done the parts are put into their order, so that the same book has the same bytes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portbook.model import EnvironmentFault
from portbook.model.record import Record
from portbook.pages.export.folder import Folder
from portbook.pages.export.plan import EACH, EXT, Plan, port_paths, spelled

NAME = ".portbook-export"
_VERSION = 1
PORTS = "ports"


class Part(Record):
    """Some of the pages of one kind, by their places among all of that kind, both inclusive."""

    kind: str
    first: int
    last: int


class Done(Record):
    """What a part came to."""

    pages: int = 0
    files: int = 0
    bytes: int = 0


class Manifest(Record):
    """What is to be made, and what is.

    `paths` has every part with the paths of its files, in which a leading `*/` stands for each
    language; none with those of ports, which follow from their numbers.
    """

    fingerprint: str
    plan: Plan
    paths: Mapping[Part, tuple[str, ...]]
    done: Mapping[Part, Done]

    def files_of(self, part: Part) -> Iterator[str]:
        """The files of a part."""
        if part.kind != PORTS:
            for path in self.paths.get(part, ()):
                yield from spelled(path, self.plan)
            return
        for port in range(part.first, part.last + 1):
            if self.plan.has(port):
                for path in port_paths(port, self.plan):
                    yield from spelled(path, self.plan)

    def files(self) -> Iterator[str]:
        """Every file that it may have made."""
        for part in self.paths:
            yield from self.files_of(part)

    def folders(self) -> list[str]:
        """The folders of those, each behind the one that it is in; without the one of all."""
        found: set[str] = set()
        for part, some in self.paths.items():
            of_part = port_paths(part.first, self.plan) if part.kind == PORTS else some
            for path in of_part:
                for each in spelled(path, self.plan):
                    below = each.rpartition("/")[0]
                    while below and below not in found:
                        found.add(below)
                        below = below.rpartition("/")[0]
        return sorted(found)

    def pages(self) -> int:
        """How many pages there will be."""
        other = (path for some in self.paths.values() for path in some if path.endswith(EXT))
        ports = sum(last + 1 - first for first, last in self.plan.ports)
        spoken = len(self.plan.languages)
        return ports * spoken + sum(spoken if path.startswith(EACH) else 1 for path in other)


def read(folder: Folder) -> Manifest | None:
    """The manifest of a folder; None where the folder is empty.

    Raises:
        EnvironmentFault: the folder has other things in it.
    """
    found = folder.read(NAME)
    if found is None:
        others = [name for name in folder.names() if not name.startswith(NAME)]
        if others:
            raise EnvironmentFault(
                f"{folder.path} has other things in it, such as {min(others)}",
                hint="name a folder that is new, empty, or made by portbook export-site",
            )
        return None
    try:
        return _parsed(found.decode().splitlines(keepends=True))
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise EnvironmentFault(
            f"{folder.path}/{NAME} cannot be understood",
            hint="another version of portbook may have made it: remove the folder",
        ) from None


def _parsed(lines: Sequence[str]) -> Manifest:
    head = json.loads(lines[0])
    if head["portbook-export"] != _VERSION:
        raise ValueError(head["portbook-export"])
    plan = Plan(
        tuple(map(_inside, head["languages"])),
        tuple((int(first), int(last)) for first, last in head["ports"]),
        bool(head["json"]),
        str(head["base_url"]),
    )
    paths = {_part(part): tuple(map(_inside, some)) for part, some in head["paths"]}
    done = {}
    for line in lines[1:]:
        # The last line of a run that was killed may lack its end: the part counts as not done.
        if line.endswith("\n"):
            told = json.loads(line)
            done[_part(told[:3])] = Done(*map(int, told[3:]))
    return Manifest(str(head["fingerprint"]), plan, paths, done)


def _part(told: Sequence[Any]) -> Part:
    kind, first, last = told
    return Part(str(kind), int(first), int(last))


def _inside(path: str) -> str:
    """A path that leads nowhere else: old files are removed by it.

    Raises:
        ValueError: it does.
    """
    if not all(name not in ("", ".", "..") for name in path.split("/")):
        raise ValueError(path)
    return path


def begin(folder: Folder, manifest: Manifest) -> None:
    """Write what is to be made, and what is done of it."""
    head = {
        "portbook-export": _VERSION,
        "fingerprint": manifest.fingerprint,
        "languages": manifest.plan.languages,
        "ports": manifest.plan.ports,
        "json": manifest.plan.twins,
        "base_url": manifest.plan.base_url,
        "paths": [(part, some) for part, some in manifest.paths.items()],
    }
    lines = [_line(head), *(_line((*part, *done)) for part, done in sorted(manifest.done.items()))]
    folder.replace(NAME, "".join(lines).encode())


def tell(folder: Folder, part: Part, done: Done) -> None:
    """Add that a part is done."""
    folder.append(NAME, _line((*part, *done)).encode())


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
