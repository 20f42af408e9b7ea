"""Everything that an export has, in parts that are made one by one."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from portbook.pages.book import Book
from portbook.pages.export import assignees, crawlers, ports, services, shared, singles, years
from portbook.pages.export.folder import Folder
from portbook.pages.export.kind import Books, Kind
from portbook.pages.export.manifest import PORTS, Done, Part
from portbook.pages.export.plan import EXT, Plan
from portbook.pages.words import words
from portbook.registry.lookup import lookup

KINDS: dict[str, Kind] = {
    PORTS: ports,
    "years": years,
    "assignees": assignees,
    "shared": shared,
    "singles": singles,
    "services": services,
    "crawlers": crawlers,
}
"""Every kind of page, what takes longest first: so all workers are done at the same time."""


def parts(plan: Plan) -> dict[Part, tuple[str, ...]]:
    """Every part with the paths of its files; those of ports follow from their numbers."""
    found: dict[Part, tuple[str, ...]] = {}
    for name, kind in KINDS.items():
        some = kind.subjects(plan)
        for first in range(0, len(some), kind.PART):
            these = some[first : first + kind.PART]
            if name == PORTS:
                found[Part(name, these[0], these[-1])] = ()
            else:
                listed = (path for each in these for path in kind.paths(plan, each))
                found[Part(name, first, first + len(these) - 1)] = tuple(listed)
    return found


_TYPICAL = range(1200)
"""After so many numbers the tables are read whole: see `registry.lookup`."""

_CASES = (80, 3255, 4, 60000)
"""Pages that between them need every template and index of a port's page."""


class Maker:
    """Makes parts in one process, and keeps what they share."""

    def __init__(self, plan: Plan, folder: Folder) -> None:
        self._plan = plan
        self._folder = folder
        self._books: Books = {tag: Book(words(tag), plan.languages) for tag in plan.languages}
        self._subjects = {name: kind.subjects(plan) for name, kind in KINDS.items()}

    def prepare(self) -> None:
        """Read and compile what most pages need, before processes are made that share it."""
        for port in _TYPICAL:
            lookup(port)
        for port in _CASES:
            for _ in ports.files(self._plan, self._books, port):
                pass

    def make(self, part: Part) -> Done:
        """Write the files of a part.

        Raises:
            OSError: one cannot be written.
            TableFault: a table is broken.
        """
        kind, write = KINDS[part.kind], self._folder.write
        pages = files = size = 0
        for subject in self._of(part):
            for path, data in kind.files(self._plan, self._books, subject):
                write(path, data)
                pages += path.endswith(EXT)
                files += 1
                size += len(data)
        return Done(pages, files, size)

    def _of(self, part: Part) -> Iterator[object]:
        some = self._subjects[part.kind]
        if part.kind == PORTS:
            return iter(some[bisect_left(some, part.first) : bisect_right(some, part.last)])
        return iter(some[part.first : part.last + 1])
