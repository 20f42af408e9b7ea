"""What a view of the fleet needs first: the token, the store, and refusals in one sentence."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request

from portbook.model import LAST_PORT
from portbook.pages.answering import Refused, require_token, site_of
from portbook.pages.fleet.desk import FleetDesk, NotTold
from portbook.pages.prose.listeners import visible

if TYPE_CHECKING:
    from portbook.fleet.overview import Counted
    from portbook.host.postgres import Link

LAST_PAGE = 10_000
_Told = TypeVar("_Told")


def desk_of(request: Request) -> FleetDesk:
    """The desk, for who may ask it.

    Raises:
        Refused: 404 where there is no store, 401 without the token.
    """
    desk = site_of(request).fleet
    if desk is None:
        raise Refused(
            404,
            "This book shows no fleet.",
            hint="It was started without a store of many machines: --fleet-store names one.",
        )
    require_token(request)
    return desk


async def asked(request: Request, key: Hashable, question: "Callable[[Link], _Told]") -> _Told:
    """What the store tells.

    Raises:
        Refused: as `desk_of`; 503 where the store does not tell.
    """
    try:
        return await desk_of(request).ask(key, question)
    except NotTold as fault:
        raise _refusal(fault) from None


async def counted(request: Request) -> "Counted | None":
    """Every listener counted; None while that goes on for the first time.

    Raises:
        Refused: as `asked`.
    """
    try:
        return await desk_of(request).counted()
    except NotTold as fault:
        raise _refusal(fault) from None


def _refusal(fault: NotTold) -> Refused:
    if fault.kind == "busy":
        said = Refused(503, "Too many questions wait for the store of the fleet.")
    elif fault.kind == "slow":
        said = Refused(503, "The store of the fleet takes too long to answer this.")
    elif fault.kind == "away":
        said = Refused(
            503,
            "The store of the fleet, %(where)s, does not answer just now.",
            where=visible(fault.said),
        )
    else:
        said = Refused(
            503,
            "The store of the fleet cannot be read: %(why)s.",
            why=visible(fault.said),
        )
    said.headers = {"retry-after": "3"}
    return said


def port_in(request: Request) -> int:
    """The number in the address.

    Raises:
        Refused: 404, there is no such port.
    """
    number: int = request.path_params["port"]
    if number > LAST_PORT:
        raise Refused(
            404, "There is no port %(port)s: ports go from 0 to 65535.", port=str(number)[:20]
        )
    return number


def page_in(request: Request) -> int:
    """Which part of a long list: `?page=2`.

    Raises:
        Refused: 400, it is no such number.
    """
    text = request.query_params.get("page", "1")
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= LAST_PAGE):
        raise Refused(400, "A page of a list is a number from 1 to %(most)s.", most=LAST_PAGE)
    return int(text)


def text_in(request: Request, name: str, longest: int) -> str | None:
    """A word of the query, for a comparison; None where it is not there.

    Raises:
        Refused: 400, it is too long, or no text of the store.
    """
    text = request.query_params.get(name)
    if text is not None and (len(text) > longest or "\0" in text or not text.isprintable()):
        raise Refused(400, "This page cannot be narrowed to that.")
    return text
