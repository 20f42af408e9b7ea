"""The search: a number leads to its page, a text to what fits it."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.pages.answering import Refused, data, moved, page
from portbook.pages.facts.search import LONGEST, MOST, SearchPage, direct, search_page
from portbook.registry.search import search as search_registry


async def search(request: Request) -> Response:
    """The page; without `?q=` the form alone."""
    text = request.query_params.get("q")
    if text is None:
        return page(request, "search.html", found=None, most=MOST)
    _check(text)
    if number := direct(text):
        return moved(request, number.path)
    found: SearchPage = await run_in_threadpool(search_page, text)
    return page(request, "search.html", found=found, most=MOST)


async def search_json(request: Request) -> Response:
    """`portbook/search/1`, as `portbook search TEXT --json` prints it."""
    text = request.query_params.get("q", "")
    _check(text)
    found = await run_in_threadpool(search_registry, text)
    return data(request, "search", {"text": text, "matches": found, "incomplete": ()})


def _check(text: str) -> None:
    """Refuse what cannot be searched for.

    Raises:
        Refused: 400.
    """
    if not text.strip():
        raise Refused(400, "Nothing was asked for. Give a port, a service or a product.")
    if len(text) > LONGEST:
        raise Refused(
            400, "That is too long to search for: at most %(most)s characters.", most=LONGEST
        )
