"""The OpenAPI description of the JSON twins; made by tools/make_openapi.py."""

import os
from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from portbook.pages.answering import JSON, tagged


async def openapi(request: Request) -> Response:
    """The description, as it was made from the documents' types."""
    return tagged(request, _text(), JSON)


@cache
def _text() -> bytes:
    path = os.path.join(os.path.dirname(__file__), os.pardir, "openapi.json")
    with open(path, "rb") as file:
        return file.read()
