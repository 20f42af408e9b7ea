"""The page for a fault of portbook's own: one plain sentence, and the fault on stderr."""

import contextlib
import sys

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from portbook.model import PortbookError
from portbook.pages.answering import Refused, refused


async def failed(request: Request, error: Exception) -> Response:
    """Tell the visitor that it is our fault, and the administrator which one."""
    said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    with contextlib.suppress(OSError):  # a full disk must not take the answer along
        print(f"portbook: error: {request.method}: {said!r}", file=sys.stderr)
    if isinstance(error, PortbookError):
        return await refused(request, HTTPException(503, str(error)))
    return await refused(request, Refused(500, "portbook could not make this page."))
