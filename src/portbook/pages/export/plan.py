"""What an export is to contain, and where its pages stand. Everything else follows from it."""

import re

from portbook.model import LAST_PORT
from portbook.model.record import Record
from portbook.pages.book import Place

EXT = ".html"
ALL_PORTS = ((0, LAST_PORT),)
EACH = "*/"
"""What stands for the folder of every language in the path of a file."""

_REFUSED = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%#&]|^[. ]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.ASCII)
_LONGEST = 120  # bytes; of the 255 of most file systems, for what archives put around a name


class Plan(Record):
    """What was asked for.

    `ports` are inclusive ranges, ascending and apart. `twins`: the JSON documents as well.
    `base_url` is where the files will be published, with a slash at its end; empty where that is
    not known.
    """

    languages: tuple[str, ...]
    ports: tuple[tuple[int, int], ...] = ALL_PORTS
    twins: bool = True
    base_url: str = ""

    def has(self, port: int) -> bool:
        """Whether the page of that port is among them."""
        return any(first <= port <= last for first, last in self.ports)


def port_paths(port: int, plan: Plan) -> tuple[str, ...]:
    """The files about one port: a page in each language, and the document."""
    page = f"{EACH}{port}{EXT}"
    return (page, f"{port}.json") if plan.twins else (page,)


def spelled(path: str, plan: Plan) -> tuple[str, ...]:
    """`*/redis.html` as the path in each language."""
    if path.startswith(EACH):
        return tuple(f"{tag}/{path[len(EACH) :]}" for tag in plan.languages)
    return (path,)


def place(path: str) -> Place:
    """Where the page with that address (`/3255`, `/year/2002`) stands among the files."""
    deep = path.count("/") - 1
    return Place(path=path, base="../" * deep, ext=EXT, root="../" * (deep + 1), served=False)


def is_file_name(name: str) -> bool:
    """Whether a file may have that name, with an ending, on every system.

    Names of devices are none on Windows, whatever follows their first dot.
    """
    return (
        name.isprintable()
        and 0 < len(name.encode("utf-8", "replace")) <= _LONGEST
        and not _REFUSED.search(name)
        and not _DEVICES.fullmatch(name.casefold())
    )
