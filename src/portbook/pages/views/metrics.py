"""What the server counts, in the text format that Prometheus scrapes."""

from starlette.requests import Request
from starlette.responses import Response

from portbook.pages.answering import site_of


async def metrics(request: Request) -> Response:
    """The counts; they tell of the server alone, so no token is asked for."""
    from prometheus_client import CONTENT_TYPE_LATEST

    headers = {"cache-control": "no-store", "content-type": CONTENT_TYPE_LATEST}
    return Response(site_of(request).metrics.text(), headers=headers)
