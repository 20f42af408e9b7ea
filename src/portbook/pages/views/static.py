"""The static files: read once, answered from memory, so no path leads anywhere else."""

import gzip
import mimetypes
import os
from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from portbook.model.record import Record
from portbook.pages.answering import Refused, is_known, tag_of
from portbook.pages.book import STATIC, stamp

_KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_FOREVER = "public, max-age=31536000, immutable"


class File(Record):
    """A file as it travels: `packed` is the same with gzip."""

    kind: str
    body: bytes
    packed: bytes
    tag: str


async def static(request: Request) -> Response:
    """One static file; with the current `?v=` it may be kept for ever."""
    found = files().get(request.path_params["name"])
    if found is None:
        raise Refused(404, "There is no such page in this book.")
    current = request.query_params.get("v") == stamp()
    headers = {
        "etag": found.tag,
        "cache-control": _FOREVER if current else "no-cache",
        "vary": "Accept-Encoding",
    }
    if is_known(request.headers.get("if-none-match"), found.tag):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(found.packed, 200, headers, found.kind)
    return Response(found.body, 200, headers, found.kind)


@cache
def files() -> dict[str, File]:
    """Every static file by name."""
    found = {}
    for name in sorted(os.listdir(STATIC)):
        with open(os.path.join(STATIC, name), "rb") as file:
            body = file.read()
        ending = os.path.splitext(name)[1]
        kind = _KINDS.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        found[name] = File(kind, body, gzip.compress(body, 9, mtime=0), tag_of(body))
    return found
