"""The map: its page, the document and the picture of what was asked for, and the files it needs."""

import base64
import hashlib
import json
from functools import lru_cache

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.model import LAST_PORT, Gap, document
from portbook.model.record import Record
from portbook.pages.answering import JSON, Refused, page, require_token, site_of, tagged, words_of
from portbook.pages.facts.map import BY, LAYOUT, is_known, map_page
from portbook.pages.portmap.assets import codes, portmap_assets, style_in
from portbook.pages.portmap.codes import Codes, held
from portbook.pages.portmap.document import port_map
from portbook.pages.portmap.scheme import HERE
from portbook.pages.portmap.svg import plate, svg

MOST_MARKS = 16
_KINDS = {".svg": "image/svg+xml", ".json": JSON, ".bin": "application/octet-stream"}
_VARY = {"vary": "Cookie, Authorization"}
_NOTHING_ELSE = "default-src 'none'; frame-ancestors 'none'"


class Asked(Record):
    """What of the map was asked for."""

    by: str
    layout: str
    marked: tuple[int, ...]


async def view(request: Request) -> Response:
    """The page."""
    asked = _asked(request)
    live = site_of(request).live is not None
    here = await _here(request) if asked.by == HERE.name else None
    # The first one reads the whole registry.
    told = await run_in_threadpool(map_page, *asked, live=live, here=here)
    return page(request, "map.html", map=told)


async def view_json(request: Request) -> Response:
    """`portbook/map/1`, as `portbook map --json` prints it."""
    asked = _asked(request)
    body = await run_in_threadpool(_document, await _codes(request, asked.by), asked)
    return tagged(request, body, JSON, private=asked.by == HERE.name, headers=_VARY)


async def view_svg(request: Request) -> Response:
    """The whole picture with its legend, as `portbook map --svg` writes it."""
    asked = _asked(request)
    return await _picture(request, asked, alone=True)


async def asset(request: Request) -> Response:
    """One of the files under `map/`; a picture can have marks (`?port=`), and be of here."""
    name = request.path_params["name"]
    stem, _, ending = name.rpartition(".")
    by, _, layout = stem.rpartition("-")
    if ending == "svg" and is_known(by, layout):
        return await _picture(request, Asked(by, layout, _marks(request)), alone=False)
    body = (await run_in_threadpool(portmap_assets)).get(f"map/{name}")
    if body is None:
        raise Refused(404, "There is no such page in this book.")
    return tagged(request, body, _KINDS[f".{ending}"])


async def _picture(request: Request, asked: Asked, *, alone: bool) -> Response:
    known = await _codes(request, asked.by)
    body, style = await run_in_threadpool(_drawn, known, asked, alone=alone)
    policy = f"{_NOTHING_ELSE}; style-src '{style}'"
    headers = {"content-security-policy": policy, **_VARY}
    private = asked.by == HERE.name
    return tagged(request, body, _KINDS[".svg"], private=private, headers=headers)


@lru_cache(maxsize=16)
def _drawn(known: Codes, asked: Asked, *, alone: bool) -> tuple[bytes, str]:
    """The picture, and the hash that lets its style sheet through the policy."""
    picture = known.picture(asked.layout, asked.marked)
    drawn = svg(picture) if alone else plate(picture)
    digest = hashlib.sha256(style_in(drawn).encode()).digest()
    return drawn.encode(), f"sha256-{base64.b64encode(digest).decode()}"


@lru_cache(maxsize=8)
def _document(known: Codes, asked: Asked) -> bytes:
    told = port_map(known.picture(asked.layout, asked.marked), known.gaps)
    return json.dumps(document("map", told)).encode() + b"\n"


async def _codes(request: Request, by: str) -> Codes:
    if by == HERE.name:
        return await _here(request)
    return await run_in_threadpool(codes, by)


async def _here(request: Request) -> Codes:
    """What this machine holds.

    Raises:
        Refused: this book shows nothing of the machine, or who asks has not shown the token.
    """
    live = site_of(request).live
    if live is None:
        raise Refused(404, "This book shows nothing of the machine that it is served from.")
    require_token(request)
    found = await live.listeners()
    gaps = found.gaps
    if found.fault is not None:
        gaps = (*gaps, Gap("sockets", found.fault, found.hint))
    return held(found.listeners, found.host, found.at, gaps)


def _asked(request: Request) -> Asked:
    """What the query says.

    Raises:
        Refused: there is no such map.
    """
    by = request.query_params.get("by", BY)
    layout = request.query_params.get("layout", LAYOUT)
    if not is_known(by, layout):
        raise Refused(
            400,
            "The map is coloured by life, year, range or here; its layout is hilbert or rows.",
            suggestions=(("/map", words_of(request).text("The map")),),
        )
    return Asked(by, layout, _marks(request))


def _marks(request: Request) -> tuple[int, ...]:
    """The ports that get a ring.

    Raises:
        Refused: one is no port, or there are too many.
    """
    texts = request.query_params.getlist("port")
    if len(texts) > MOST_MARKS:
        raise Refused(400, "At most %(most)s ports can be marked.", most=MOST_MARKS)
    for text in texts:
        if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= LAST_PORT):
            raise Refused(
                400,
                "Ports go from 0 to 65535.",
                suggestions=(("/map", words_of(request).text("The map")),),
            )
    return tuple(sorted({int(text) for text in texts}))
