"""The page of a port, and its JSON twin."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.model import LAST_PORT, Transport
from portbook.pages.answering import Refused, data, moved, page, site_of, words_of
from portbook.pages.asked import place_of
from portbook.pages.facts.port import port_page
from portbook.pages.prose.here_part import HereText, here_text
from portbook.pages.prose.hour import HourText, hour_text
from portbook.pages.prose.port import port_text
from portbook.survey import by_the_book, look
from portbook.survey.watched import read_hour

_TRANSPORTS = tuple(kind.value for kind in Transport)


async def port(request: Request) -> Response:
    """The page of a number; `/03255` leads to the one spelling that it has."""
    number = port_of(request)
    if request.scope["path"] != f"/{number}":
        return moved(request, f"/{number}", status=301)
    return await _shown(request, number, None)


async def transport(request: Request) -> Response:
    """The page of a number over one transport alone."""
    number, kind = port_of(request), transport_of(request)
    if request.scope["path"] != f"/{number}/{kind}":
        return moved(request, f"/{number}/{kind}", status=301)
    return await _shown(request, number, kind)


async def port_json(request: Request) -> Response:
    """`portbook/answer/1`: as `portbook PORT --json` prints it for who has the token.

    Everybody else gets what the tables tell, which is the same on every machine.
    """
    return await _answered(request, port_of(request), None)


async def transport_json(request: Request) -> Response:
    """The same for one transport."""
    return await _answered(request, port_of(request), transport_of(request))


async def _shown(request: Request, number: int, kind: str | None) -> Response:
    place = place_of(request)
    found = port_page(number, kind)
    text = port_text(words_of(request), found, place)
    seen = place.live and place.known
    here = await here_of(request, number, kind) if seen else None
    hour = hour_of(request, number) if seen else None
    return page(request, "port.html", page=found, text=text, here=here, hour=hour)


def hour_of(request: Request, number: int) -> HourText | None:
    """Who called the port in the last hour; None where nobody watched it."""
    hour = read_hour(number)
    return hour_text(words_of(request), hour) if hour else None


async def here_of(request: Request, number: int, kind: str | None) -> HereText | None:
    """What listens on the port now; None where the server shows nothing of its machine."""
    live = site_of(request).live
    if live is None:
        return None
    return here_text(words_of(request), await live.listeners(), number, kind)


async def _answered(request: Request, number: int, kind: str | None) -> Response:
    place = place_of(request)
    if place.live and place.known:
        answer = await run_in_threadpool(look, number, kind)
        return data(request, "answer", answer, private=True)
    return data(request, "answer", by_the_book(number, kind))


def port_of(request: Request) -> int:
    """The number in the address.

    Raises:
        Refused: 404, there is no such port.
    """
    number: int = request.path_params["port"]
    if number > LAST_PORT:
        raise Refused(
            404,
            "There is no port %(port)s: ports go from 0 to 65535.",
            port=str(number)[:20],
        )
    return number


def transport_of(request: Request) -> str:
    """The transport in the address, in any case.

    Raises:
        Refused: 404, there is no such transport.
    """
    kind: str = request.path_params["transport"].lower()
    if kind not in _TRANSPORTS:
        number = request.path_params["port"]
        raise Refused(
            404,
            "A port is asked for as a whole, or over one of the transports %(transports)s.",
            transports=", ".join(_TRANSPORTS),
            suggestions=(
                (f"/{number}", str(number)),
                *((f"/{number}/{each}", f"{number}/{each}") for each in _TRANSPORTS),
            ),
        )
    return kind
