"""What a request asks for: the language, and where links from its page lead."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse

from portbook.pages.book import Place
from portbook.pages.words import SOURCE, languages

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from portbook.pages.site import Site

_LANGUAGE = "portbook.language"
_PLACE = "portbook.place"
_LONGEST_ACCEPT = 256
_WEIGHT = re.compile(r"q=(1(?:\.0{0,3})?|0(?:\.[0-9]{0,3})?)", re.ASCII)


class LanguagePath:
    """Takes the language off the front of a path: `/nl/3255` is `/3255` in Dutch.

    An address has one spelling: `/nl` leads to `/nl/`, and `/3255/` to `/3255`.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app
        self._starts = {f"/{tag}/": tag for tag in languages()}
        self._bare = {f"/{tag}" for tag in languages()}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass the request on with the rest of its path."""
        if scope["type"] == "http":
            path = scope["path"]
            tag = self._starts.get(path[: path.find("/", 1) + 1])
            if tag is not None:
                # In place: the page for a fault is made further out, and in this language, too.
                scope.update({"path": path[len(tag) + 1 :], _LANGUAGE: tag})
            where = None
            if path in self._bare:
                where = f"{path}/"
            elif scope["path"] != "/" and path[-1:] == "/":
                where = (f"/{tag}/" if tag else "/") + quote(scope["path"].strip("/"))
            if where is not None and scope["method"] in ("GET", "HEAD"):
                await _led(scope, where)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _led(scope: "Scope", path: str) -> RedirectResponse:
    """To a path of this server, with the same query. It never begins with two slashes."""
    query = scope["query_string"].decode("latin-1")
    where = f"{path}?{query}" if query else path
    return RedirectResponse(where, HTTPStatus.PERMANENT_REDIRECT)


def field_of(scope: "Mapping[str, Any]", name: bytes) -> str | None:
    """The first field of a request's header with that name, in lower case."""
    for known, value in scope["headers"]:
        if known == name:
            found: str = value.decode("latin-1")
            return found
    return None


def site_of(request: Request) -> "Site":
    """What all views share."""
    site: Site = request.app.state.site
    return site


def language_of(scope: "Mapping[str, object]", accepted: str | None) -> str:
    """The language of the path, else the one that the browser likes best."""
    named = scope.get(_LANGUAGE)
    return named if isinstance(named, str) else negotiated(accepted)


def negotiated(accepted: str | None) -> str:
    """The best of our languages by an Accept-Language header (RFC 9110 section 12.5.4).

    `nl-BE` is served by `nl` (RFC 4647 section 3.4), `*` by the first that is not named, and
    `q=0` refuses. What cannot be read is passed over; English where nothing fits.
    """
    return _negotiated((accepted or "")[:_LONGEST_ACCEPT])


@lru_cache(maxsize=256)  # 15 us a time, and browsers send few different ones
def _negotiated(accepted: str) -> str:
    wishes = list(_wishes(accepted))
    refused = {tag for tag, weight in wishes if not weight}
    weights: dict[str, float] = {}
    for tag, weight in wishes:
        ours = _ours(tag)
        if ours and ours.lower() not in refused:
            weights[ours] = max(weight, weights.get(ours, 0))
    rest = [tag for tag in languages() if tag not in weights and tag.lower() not in refused]
    weights.update(dict.fromkeys(rest[:1], dict(wishes).get("*", 0)))
    best = max(weights, key=lambda tag: weights[tag], default=SOURCE)
    return best if weights.get(best) else SOURCE


def _wishes(accepted: str) -> Iterator[tuple[str, float]]:
    """Each language of the header in lower case with its weight."""
    for part in accepted.lower().split(","):
        tag, _, parameter = part.partition(";")
        found = _WEIGHT.fullmatch(parameter.strip() or "q=1")
        if found:
            yield tag.strip(), float(found[1])


def _ours(tag: str) -> str | None:
    """The language of the book for a wished one: the same, or the same with less said."""
    known = {each.lower(): each for each in languages()}
    while tag and tag not in known:
        tag = tag.rpartition("-")[0]
    return known.get(tag)


def place_of(request: Request) -> Place:
    """Where the asked page stands: its links keep a language that the path names.

    Worked out once for a request, by what it was when it came.
    """
    known: Place | None = request.scope.get(_PLACE)
    if known is None:
        named = request.scope.get(_LANGUAGE)
        site = site_of(request)
        known = request.scope[_PLACE] = Place(
            path=request.scope["path"],
            base=f"/{named}/" if named else "/",
            live=site.settings.live,
            known=site.knows(request),
            fleet=site.fleet is not None,
        )
    return known
