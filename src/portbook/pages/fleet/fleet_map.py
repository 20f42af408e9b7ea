"""The map of all ports, coloured by how many hosts use each: its page, document and picture."""

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.fleet.overview import Counted
from portbook.model import Gap, document
from portbook.pages.answering import JSON, Refused, page, tagged, words_of
from portbook.pages.fleet.asking import counted, desk_of
from portbook.pages.fleet.picture import FLEET, NOBODY, USES, code, picture, runs
from portbook.pages.portmap.assets import style_in
from portbook.pages.portmap.curve import LAYOUTS
from portbook.pages.portmap.scheme import Picture
from portbook.pages.portmap.svg import plate

MOST_PORTS = 50
_SVG = "image/svg+xml"
_COUNTING = Gap("listeners", "they are being counted", "ask again in a few seconds")


async def view(request: Request) -> Response:
    """The page."""
    layout, found = await _asked(request)
    return page(
        request,
        "fleet_map.html",
        layout=layout,
        layouts=LAYOUTS,
        counted=found,
        legend=await run_in_threadpool(_legend, found) if found else (),
        busiest=await run_in_threadpool(found.busiest, MOST_PORTS) if found else (),
        code=code,
    )


async def view_json(request: Request) -> Response:
    """`portbook/fleet-map/1`: every port that some host uses."""
    _, found = await _asked(request)
    body = await run_in_threadpool(_document, found)
    headers = {"vary": "Cookie, Authorization"}
    return tagged(request, body, JSON, private=True, headers=headers)


def _document(found: Counted | None) -> bytes:
    """The document; it may have a run for each port, so it has no blanks."""
    body: dict[str, Any] = {
        "as_of": found.as_of if found else None,
        "counts": {name: ports for name, _, ports, _, _ in _legend(found)} if found else {},
        "runs": runs(found) if found else (),
        "incomplete": () if found else (_COUNTING,),
    }
    return json.dumps(document("fleet-map", body), separators=(",", ":")).encode() + b"\n"


async def view_svg(request: Request) -> Response:
    """The picture without words."""
    layout, found = await _asked(request)
    if found is None:
        raise Refused(
            503, "The listeners of the fleet are being counted.", headers={"retry-after": "3"}
        )
    body, style = await run_in_threadpool(_picture, found, layout)
    policy = f"default-src 'none'; frame-ancestors 'none'; style-src '{style}'"
    headers = {"content-security-policy": policy, "vary": "Cookie, Authorization"}
    return tagged(request, body, _SVG, private=True, headers=headers)


def _picture(found: Counted, layout: str) -> tuple[bytes, str]:
    return _drawn(picture(found, layout).codes, layout)


@lru_cache(maxsize=4)
def _drawn(codes: bytes, layout: str) -> tuple[bytes, str]:
    """The picture, and the hash that lets its style sheet through the policy."""
    drawn = plate(Picture(FLEET, codes, layout, (), ""))
    digest = hashlib.sha256(style_in(drawn).encode()).digest()
    return drawn.encode(), f"sha256-{base64.b64encode(digest).decode()}"


def _legend(found: Counted) -> list[tuple[str, int, int, int, int | None]]:
    """Name, code, ports, and first and last number of hosts of each kind, the highest first."""
    values = bytes(map(code, found.hosts))
    ends = {band.name: (band.first, band.last) for band in USES}
    return [
        (kind.name, at, values.count(at), *(ends.get(kind.name, (0, 0))))
        for at, kind in reversed(tuple(enumerate(FLEET.kinds)))
        if kind.name != NOBODY or at == 0
    ]


async def _asked(request: Request) -> tuple[str, Counted | None]:
    desk_of(request)
    layout = request.query_params.get("layout", LAYOUTS[0])
    if layout not in LAYOUTS:
        raise Refused(
            400,
            "The layout of the map is hilbert or rows.",
            suggestions=(("/fleet/map", words_of(request).text("The map")),),
        )
    return layout, await counted(request)
