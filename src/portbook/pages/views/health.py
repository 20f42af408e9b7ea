"""Whether the server works, for whoever watches it: a few words, and no look at the machine."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from portbook.model.record import Record
from portbook.model.version import __version__
from portbook.pages.answering import data, site_of
from portbook.registry.kept import until_reload


class Health(Record):
    """`status` is `ok`, `outdated`, or `draining` once the server was asked to end.

    `outdated`: the registry in use cannot be read, and pages tell of the one that was read before.

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
    current = "outdated" if site.edition.outdated else "ok"
    word = "draining" if site.draining else current
    body = Health(word, __version__, site.settings.live, *_data())
    status = HTTPStatus.SERVICE_UNAVAILABLE if site.draining else HTTPStatus.OK
    return data(request, "health", body, status=status)


@until_reload
def _data() -> tuple[str, int]:
    from portbook.registry.tables import open_assignments, open_evidence

    return open_evidence().as_of, int(open_assignments().header["rows"])
