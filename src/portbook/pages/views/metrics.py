"""What the server counts and what this machine holds, in the text that Prometheus scrapes."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from portbook.model import PortbookError
from portbook.pages.answering import site_of
from portbook.pages.front import is_relayed
from portbook.pages.metric_families import Promised, claim_families, machine_families
from portbook.survey.counted import counted

if TYPE_CHECKING:
    from prometheus_client import Metric

    from portbook.pages.live import Live
    from portbook.pages.site import Site

WAITS = 2.0
"""Seconds to wait for a survey; the one before is told after that, with its age beside it."""


async def metrics(request: Request) -> Response:
    """The counts. What names nobody needs no token, on this machine."""
    from prometheus_client import CONTENT_TYPE_LATEST

    site = site_of(request)
    more = await _of_the_machine(site) if _may_see(site, request) else ()
    headers = {"cache-control": "no-store", "content-type": CONTENT_TYPE_LATEST}
    return Response(site.metrics.page(more), headers=headers)


def _may_see(site: "Site", request: Request) -> bool:
    """Who asks from this machine itself, and who has the token.

    How many listeners are suspicious is nobody's business on other machines.
    """
    near = not site.settings.exposed and not is_relayed(request.scope["headers"])
    return near or site.knows(request)


async def _of_the_machine(site: "Site") -> "Sequence[Metric]":
    if site.live is None:
        return ()
    families = await _listeners(site, site.live)
    if site.desk is not None:
        store = site.desk.store
        # A store that cannot be read is told of where claims are asked for.
        with contextlib.suppress(PortbookError):
            promised = Promised(store.claims(), store.reservations(), store.semaphores())
            families = (*families, *claim_families(promised))
    return families


async def _listeners(site: "Site", live: "Live") -> "tuple[Metric, ...]":
    """Of the snapshot that all visitors share; the one before where the next takes long."""
    try:
        found = await asyncio.wait_for(live.listeners(), WAITS)
    except TimeoutError:
        return site.metrics.machine
    if found.fault is not None:
        return ()
    made = found.once(
        machine_families, lambda: tuple(machine_families(counted(found.listeners), len(found.gaps)))
    )
    site.metrics.machine = made
    return made
