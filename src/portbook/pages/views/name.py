"""A service by its name: on to its number, or the page of the name where it has none or several."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.model import UnknownService
from portbook.pages.answering import Refused, data, moved, page, words_of
from portbook.pages.asked import place_of
from portbook.pages.facts.name import NamePage, name_page, ports_of_name
from portbook.pages.prose.listeners import visible
from portbook.pages.prose.lives import life_names
from portbook.pages.prose.name import name_told
from portbook.survey import by_the_book, look_at

_LONGEST = 64
Found = TypeVar("Found")


async def short(request: Request) -> Response:
    """`/redis`: the page of its number, if it has one number alone."""
    name = request.path_params["name"]
    found = await _asked(request, name_page, name)
    if len(found.ports) == 1:
        return moved(request, f"/{found.ports[0]}")
    return _shown(request, found)


async def named(request: Request) -> Response:
    """`/name/redis`: always the page of the name, in lower case as all names are found."""
    name = request.path_params["name"]
    found = await _asked(request, name_page, name)
    if name != name.lower():
        return moved(request, f"/name/{quote(name.lower(), safe='')}", status=301)
    return _shown(request, found)


async def named_json(request: Request) -> Response:
    """`portbook/answer/1` for a name of one number, `portbook/answers/1` for one of several.

    As `portbook NAME --json` prints it for who has the token; from the tables alone for others.
    """
    name = request.path_params["name"]
    ports = await _asked(request, ports_of_name, name)
    if not ports:
        raise Refused(
            404, "The service %(name)s is registered without a number.", name=_shortened(name)
        )
    place = place_of(request)
    private = place.live and place.known
    if private:
        answers = await run_in_threadpool(look_at, ports)
    else:
        answers = [by_the_book(port) for port in ports]
    if len(answers) == 1:
        return data(request, "answer", answers[0], private=private)
    gaps = tuple(dict.fromkeys(gap for answer in answers for gap in answer.incomplete))
    return data(request, "answers", {"answers": answers, "incomplete": gaps}, private=private)


def _shown(request: Request, found: NamePage) -> Response:
    spoken = words_of(request)
    said = name_told(spoken, found, place_of(request))
    return page(request, "name.html", name=found, said=said, names=life_names(spoken))


async def _asked(request: Request, what: Callable[[str], Found], name: str) -> Found:
    """The answer about a name, from a thread.

    Raises:
        Refused: 404, with near names and the search.
    """
    try:
        return await run_in_threadpool(what, name)
    except UnknownService as unknown:
        shown = _shortened(name)
        near = tuple((f"/name/{quote(each.lower(), safe='')}", each) for each in unknown.near)
        search = words_of(request).text("Search for %(name)s", name=shown)
        raise Refused(
            404,
            "No service is called %(name)s.",
            name=shown,
            suggestions=(*near, (f"/search?q={quote(shown)}", search)),
        ) from None


def _shortened(name: str) -> str:
    """What was asked for, as it can be shown."""
    return visible(name[:_LONGEST])
