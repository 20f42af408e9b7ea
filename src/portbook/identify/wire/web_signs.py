"""Signs of HTTP applications as data: what a page shows, and where its version is to be read.

A probe of this kind has a table of `Sign`s and `judge=judge_by(name, table)`.

What a page says may be about a product instead of by it. So a product is claimed for what it alone
sends in headers, or by the answer to its own question (`until=""` as long as that has not come);
for a page only where it is the product's own markup, and no general web server names itself.
"""

from portbook.identify.probe import Again, Found, Judge, More, Talk
from portbook.identify.wire.http_message import (
    Response,
    get,
    json_object,
    once_whole,
    page,
    text_of,
    title,
)
from portbook.identify.wire.http_software import is_general, unproven
from portbook.model.record import Record

_MOST = 16384
_VERSION = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_+")


class Sign(Record):
    """One product, and what shows it: everything that is given has to hold.

    What the answer to GET / shows:
        headers: lower-case names, each with a part of the value in lower case; with how it begins
            for Server.
        title: the title; `name*` is how it begins, `*name` how it ends.
        body: parts of the body, all of them.
        whole: the body is nothing but this.
        location: how the target of a redirect begins, past scheme and host.
        status: the status, 0 for any.
        framework: it is what a general web server in front serves, not a product of its own.
    Where the version is:
        version_header: this header, after `after`.
        after: the version comes behind this text of the body.
    What else is asked:
        ask: a path that tells more, empty where nothing is asked.
        key: the keys of its JSON that lead to the version; what leads nowhere does not count.
        needs: what its body has to hold before it counts.
        then: the version comes behind this text of its body; empty for its beginning.
        until: None where the product is shown already, else its name as long as that has not
            answered; empty for what HTTP alone tells.
    """

    product: str
    headers: tuple[tuple[str, str], ...] = ()
    title: str = ""
    body: tuple[bytes, ...] = ()
    whole: bytes = b""
    location: str = ""
    status: int = 0
    framework: bool = False
    version_header: str = ""
    after: bytes = b""
    ask: str = ""
    key: tuple[str, ...] = ()
    needs: bytes = b""
    then: bytes | None = None
    until: str | None = None


def judge_by(name: str, signs: tuple[Sign, ...]) -> Judge:
    """The judge of a probe of that name: the first sign that holds, and its question."""

    def judge(talk: Talk) -> Found | More | Again | None:
        response = page(talk)
        if response is not None:
            return _seen(talk, response, signs)
        response = page(talk, name)
        return _answered(talk, response, signs) if response is not None else None

    return judge


def _seen(talk: Talk, response: Response, signs: tuple[Sign, ...]) -> Found | More | Again | None:
    if not response.headed:
        return None
    said = title(response) or ""
    body = response.body[:_MOST]
    sign = next((each for each in signs if _holds(each, response, said, body)), None)
    if sign is None:
        return None
    if sign.until is None:
        found = _found(sign.product, _version(sign, response, body), response, said)
    elif sign.until:
        found = _found(sign.until, None, response, said)
    else:
        found = unproven(response)
    shown = sign.until is None and found.version
    if not (shown or response.complete or talk.ended or len(body) >= _MOST):
        # A sign further up may still come.
        return More(found)
    return Again(get(sign.ask), found) if sign.ask and not shown else found


def _answered(talk: Talk, response: Response, signs: tuple[Sign, ...]) -> Found | More | None:
    """What the sign's own question brought."""
    asked = [each for each in signs if each.ask and talk.sent == get(each.ask)]
    if not asked or not response.headed or response.status != 200:
        return None
    sign = next((each for each in asked if each.needs in response.body), None)
    if sign is None:
        return None if response.complete or talk.ended else More()
    version = None
    if sign.key:
        value: object = json_object(response)
        for key in sign.key:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            return None if response.complete or talk.ended else More()
        version = _clean((text_of(value) or "").encode())
    elif sign.then is not None:
        at = response.body.find(sign.then, 0, _MOST)
        version = _clean(response.body[at + len(sign.then) :][:60]) if at >= 0 else None
        if version is None:
            return None if response.complete or talk.ended else More()
    found = _found(sign.product, version, response, "")
    return found if version else once_whole(talk, response, found)


def _holds(sign: Sign, response: Response, said: str, body: bytes) -> bool:
    return (
        (not sign.status or response.status == sign.status)
        and all(_header(response, name, part) for name, part in sign.headers)
        and (not sign.title or _titled(said, sign.title))
        and (not sign.location or _path(response).startswith(sign.location))
        and all(part in body for part in sign.body)
        and (not sign.whole or response.body.strip() == sign.whole)
        and not (is_general(response) and (sign.framework or not (sign.headers or sign.ask)))
    )


def _header(response: Response, name: str, part: str) -> bool:
    values = [value.lower() for each, value in response.pairs if each.lower() == name]
    if name == "server":
        return any(value.startswith(part) for value in values)
    return any(part in value for value in values)


def _titled(said: str, wanted: str) -> bool:
    if wanted.startswith("*"):
        return said.endswith(wanted[1:])
    return said.startswith(wanted[:-1]) if wanted.endswith("*") else said == wanted


def _path(response: Response) -> str:
    """The target of a redirect without scheme and host."""
    where = response.header("location")
    rest = where.partition("://")[2]
    return f"/{rest.partition('/')[2]}" if rest else where


def _version(sign: Sign, response: Response, body: bytes) -> str | None:
    if sign.version_header:
        text = response.header(sign.version_header).encode("latin-1", "replace")
        at = text.find(sign.after)
        return _clean(text[at + len(sign.after) :][:60]) if at >= 0 else None
    at = body.find(sign.after) if sign.after else -1
    return _clean(body[at + len(sign.after) :][:60]) if at >= 0 else None


def _clean(text: bytes) -> str | None:
    """The version at the beginning of a text, without a leading v or quotes."""
    text = text.lstrip(b" \t\r\n\"'")
    text = text[1:] if text[:1] in (b"v", b"V") else text
    stop = next((at for at, sign in enumerate(text) if sign not in _VERSION), len(text))
    version = text[:stop].decode("ascii", "replace")
    for suffix in ("-ds", "+ds", "+dfsg"):
        # Debian's remark that it repacked the source.
        version = version.partition(suffix)[0]
    return version[:40].rstrip(".-_+") if version[:1].isdigit() else None


def _found(product: str, version: str | None, response: Response, said: str) -> Found:
    notes = [f"title: {said}"] if said else []
    if is_general(response):
        notes.append(f"behind {response.header('server')[:60]}")
    return Found("http", "certain", product, version, shows=response.line, notes=tuple(notes))
