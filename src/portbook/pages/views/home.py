"""The first page of the book."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.pages.answering import page, site_of, words_of
from portbook.pages.asked import place_of
from portbook.pages.facts.home import home_page, verdicts
from portbook.pages.prose.listeners import verdict_names
from portbook.pages.prose.lives import life_abouts, life_names


async def home(request: Request) -> Response:
    """What the book is and where to begin; with the token also what this machine listens on."""
    live = site_of(request).live
    here = await live.listeners() if live is not None and place_of(request).known else None
    told = await run_in_threadpool(home_page)
    spoken = words_of(request)
    return page(
        request,
        "home.html",
        home=told,
        names=life_names(spoken),
        abouts=life_abouts(spoken),
        here=here,
        verdicts=verdicts(here.listeners) if here else (),
        verdict_names=verdict_names(spoken),
    )
