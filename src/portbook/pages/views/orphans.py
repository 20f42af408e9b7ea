"""The census: its page, charts and documents, and the list of orphans of each thousand numbers."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.pages.answering import Refused, data, page, tagged, words_of
from portbook.pages.facts.orphans import OrphanList, orphan_list, orphans_page
from portbook.pages.prose.census import census_told, list_told
from portbook.registry.census import census as count
from portbook.registry.orphans import orphans as report

_SVG = "image/svg+xml"


async def orphans(request: Request) -> Response:
    """The census."""
    told = await run_in_threadpool(orphans_page)
    return page(request, "orphans.html", orphans=told, said=census_told(words_of(request), told))


async def orphans_json(request: Request) -> Response:
    """`portbook/orphans/1`, as `portbook orphans --json` prints it."""
    found = await run_in_threadpool(report)
    return data(request, "orphans", {**found._asdict(), "incomplete": ()})


async def census_json(request: Request) -> Response:
    """`portbook/census/1`, as `portbook orphans --stats --json` prints it."""
    found = await run_in_threadpool(count)
    return data(request, "census", {**found._asdict(), "incomplete": ()})


async def orphans_of(request: Request) -> Response:
    """The orphans of a thousand numbers: `/orphans/3` has those of 3000-3999."""
    text = request.path_params["thousand"]
    found: OrphanList | None = None
    if text.isascii() and text.isdigit() and len(text) <= 2 and text == str(int(text)):
        found = await run_in_threadpool(orphan_list, int(text))
    if found is None:
        raise Refused(
            404,
            "There are lists of orphans from 0 to 49, one for each thousand numbers.",
            suggestions=(("/orphans", words_of(request).text("The orphans")),),
        )
    return page(request, "orphan_list.html", list=found, said=list_told(words_of(request), found))


async def chart(request: Request) -> Response:
    """A chart of the census, its words in the language that was asked for."""
    # pygal takes 50 ms to import: only who asks for a chart waits for it.
    from portbook.pages import charts

    name = request.path_params["name"]
    if name not in charts.CHARTS:
        raise Refused(404, "There is no such page in this book.")
    spoken = words_of(request)
    drawn = await run_in_threadpool(charts.chart, name, spoken)
    headers = {
        "content-security-policy": charts.policy(drawn),
        "content-language": spoken.language,
        "vary": "Accept-Language",
    }
    return tagged(request, drawn, _SVG, headers=headers)
