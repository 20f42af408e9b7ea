"""Which addresses have a page of the book, and how each is spelled. Asks the registry alone."""

import re

from portbook.model import DYNAMIC, LAST_PORT, Transport
from portbook.registry.registrations import assignees, years
from portbook.registry.tables import open_services

_ALWAYS = frozenset(("/", "/here", "/map", "/method", "/orphans", "/search"))
_PORT = re.compile(r"/(0|[1-9][0-9]{0,4})(?:/([a-z]+))?", re.ASCII)
_THOUSAND = re.compile(r"/orphans/(0|[1-9][0-9]?)", re.ASCII)
_YEAR = re.compile(r"/year/([0-9]{4})", re.ASCII)
_ASSIGNEE = re.compile(r"/assignee/([^/]+)")
_SERVICE = re.compile(r"/name/(.+)|/([^/]+)")  # a name may have a slash: 914c/g
_TRANSPORTS = frozenset(kind.value for kind in Transport)


def spelled(path: str) -> str | None:
    """The one spelling of a page's address without language; None where there is no such page.

    Raises:
        TableFault: a table is missing or broken.
    """
    if path in _ALWAYS:
        return path
    if found := _PORT.fullmatch(path):
        there = int(found[1]) <= LAST_PORT and found[2] in {None, *_TRANSPORTS}
        return path if there else None
    if found := _THOUSAND.fullmatch(path):
        return path if int(found[1]) * 1000 < DYNAMIC.first else None
    if found := _YEAR.fullmatch(path):
        return path if int(found[1]) in years() else None
    if found := _ASSIGNEE.fullmatch(path):
        wanted = found[1].replace(" ", "_").casefold()
        named = (each.id for each in assignees() if each.id.casefold() == wanted)
        return next((f"/assignee/{name}" for name in named), None)
    if found := _SERVICE.fullmatch(path):
        name = (found[1] or found[2]).lower()
        # `search` is a service, too: its page is always reached by /name/search.
        return f"/name/{name}" if open_services().named(name) else None
    return None
