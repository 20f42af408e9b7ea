"""How the book knows: its sources, its rules, and what it cannot know."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.pages.answering import page, words_of
from portbook.pages.facts.method import method_page
from portbook.pages.prose.lives import life_abouts, life_names
from portbook.pages.prose.sources import lists_told


async def method(request: Request) -> Response:
    """The page."""
    told = await run_in_threadpool(method_page)
    spoken = words_of(request)
    return page(
        request,
        "method.html",
        method=told,
        lists=lists_told(told.lists),
        names=life_names(spoken),
        abouts=life_abouts(spoken),
    )
