"""Whether the server works, for whoever watches it: a few words, and no look at the machine."""

from functools import cache
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from portbook.model.record import Record
from portbook.model.version import __version__
from portbook.pages.answering import data, site_of


class Health(Record):
    """`status` is `ok`, or `draining` once the server was asked to end.

    `live`: it shows this machine to who has the token. `evidence` is the day (ISO) as of which uses
    of ports are known; `records` counts the registry's rows.
    """

    status: str
    version: str
    live: bool
    evidence: str
    records: int


async def health(request: Request) -> Response:
    """`portbook/health/1`; 503 while the server only finishes what it has begun.

    Raises:
        TableFault: a table is missing or broken: that is 503 as well.
    """
    site = site_of(request)
    word = "draining" if site.draining else "ok"
    body = Health(word, __version__, site.settings.live, *_data())
    status = HTTPStatus.SERVICE_UNAVAILABLE if site.draining else HTTPStatus.OK
    return data(request, "health", body, status=status)


@cache
def _data() -> tuple[str, int]:
    from portbook.registry.tables import open_assignments, open_evidence

    return open_evidence().as_of, int(open_assignments().header["rows"])
