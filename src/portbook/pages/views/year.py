"""A year: everything that was registered in it."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.pages.answering import Refused, data, page, words_of
from portbook.pages.facts.year import YearPage, known_years, year_page
from portbook.pages.prose.census import year_told
from portbook.pages.prose.lives import life_names
from portbook.registry.orphans import orphans as report


async def year(request: Request) -> Response:
    """The page."""
    found = await _found(request)
    spoken = words_of(request)
    return page(
        request,
        "year.html",
        year=found,
        said=year_told(spoken, found),
        names=life_names(spoken),
    )


async def year_json(request: Request) -> Response:
    """`portbook/orphans/1`, as `portbook orphans --all --year YEAR --json` prints it."""
    found = await _found(request)
    told = await run_in_threadpool(report, year=found.year, everything=True)
    return data(request, "orphans", {**told._asdict(), "incomplete": ()})


async def _found(request: Request) -> YearPage:
    """The year that was asked for.

    Raises:
        Refused: 404, with the nearest year before and after.
    """
    text = request.path_params["year"]
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise Refused(404, "There is no such page in this book.")
    found = await run_in_threadpool(year_page, int(text))
    if found is None:
        known = await run_in_threadpool(known_years)
        near = {
            *[each for each in known if each < int(text)][-1:],
            *[each for each in known if each > int(text)][:1],
        }
        raise Refused(
            404,
            "The registry has no registration of the year %(year)s.",
            year=text,
            suggestions=tuple((f"/year/{each}", str(each)) for each in sorted(near)),
        )
    return found
