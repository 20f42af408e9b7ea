"""An assignee: everything that somebody registered."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.pages.answering import Refused, data, moved, page, words_of
from portbook.pages.facts.assignee import AssigneePage, assignee_page, near_assignees
from portbook.pages.facts.registrations import address_of, name_of
from portbook.pages.prose.census import assignee_told
from portbook.pages.prose.lives import life_names
from portbook.registry.orphans import orphans as report


async def assignee(request: Request) -> Response:
    """The page; another spelling of the id leads to the one that IANA prints."""
    found = await _found(request)
    if request.path_params["id"] != found.id:
        return moved(request, address_of(found.id) or "")
    spoken = words_of(request)
    return page(
        request,
        "assignee.html",
        assignee=found,
        said=assignee_told(spoken, found),
        names=life_names(spoken),
    )


async def assignee_json(request: Request) -> Response:
    """`portbook/orphans/1`, as `portbook orphans --all --assignee ID --json` prints it."""
    found = await _found(request)
    told = await run_in_threadpool(report, assignee=found.id, everything=True)
    return data(request, "orphans", {**told._asdict(), "incomplete": ()})


async def _found(request: Request) -> AssigneePage:
    """Who was asked for.

    Raises:
        Refused: 404, with whom may have been meant.
    """
    identifier = request.path_params["id"]
    found = await run_in_threadpool(assignee_page, identifier)
    if found is None:
        near = await run_in_threadpool(near_assignees, identifier)
        raise Refused(
            404,
            "Nobody has registered a port under this name.",
            suggestions=tuple((f"/{address_of(each)}", name_of(each)) for each in near),
        )
    return found
