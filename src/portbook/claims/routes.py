"""The requests that the service on 3255 answers itself, below /v1/, and which call each is.

The answers, beside the values of claims.answers (C: a claim's document, and so on):

    POST   /v1/claims                       201 {"claims": [C with "secret", ...]}
    GET    /v1/claims?port=&owner=&name=    200 {"claims": [C, ...]}
    GET    /v1/claims/{id}                  200 C
    PUT    /v1/claims/{id}/lease            200 C
    DELETE /v1/claims/{id}?token=           200 {"released": true}
    POST   /v1/claims/{id}/fd               200 {"id": ...} and a descriptor, on a Unix socket
    POST   /v1/claims/{id}/transfer         200 C with "secret"
    GET    /v1/reservations                 200 {"reservations": [R, ...]}
    PUT    /v1/reservations/{key}           200 R
    GET    /v1/reservations/{key}           200 R
    DELETE /v1/reservations/{key}           200 {"released": true}
    POST   /v1/sems/{name}/acquire          200 {"permit": P, "token", "in_use", "limit"}
                                            408 {"error": {...}, "waiter": W}: its place is kept
    GET    /v1/sems                         200 {"semaphores": [S, ...]}
    PUT    /v1/sems/{name}/permits/{id}     200 P
    DELETE /v1/sems/{name}/permits/{id}?token=    200 {"released": true}
    DELETE /v1/sems/{name}/waiters/{request_id}   200 {"cancelled": true}
    POST   /v1/fence/check                  200 {"current": true, "max_token": 7}
    GET    /v1/events?since=&wait_ms=       200 {"events": [{"id", "at", "kind", "body"}], "last"}
    GET    /v1/status                       200 {"version", ...}
"""

from urllib.parse import unquote

from portbook.claims.wire import invalid
from portbook.model.claim import Caller
from portbook.model.record import Record

PREFIX = "/v1/"
JSON = b"application/json"


class Asked(Record):
    """One request that is whole; `path` and `query` are as they came, percent-encoded.

    `asker` is who asks: the user at the other end of a Unix socket, or the owner of the token.
    `admitted`: that was shown; otherwise nothing but the barest status is told.
    """

    method: str
    path: str
    query: str
    body: bytes
    asker: Caller
    admitted: bool
    over_unix: bool = False


class Reply(Record):
    """An answer: `body` is JSON. `fd` goes with its first byte; whoever sends it closes it."""

    status: int
    body: bytes
    fd: int | None = None
    allow: str = ""


class NoRoute(Exception):
    """There is no such resource, or with `allow` none that takes this method."""

    def __init__(self, allow: str = "") -> None:
        super().__init__(allow)
        self.allow = allow


# By first part, number of parts and what tells it from others of the same length.
_CALLS: dict[tuple[str, int, str], dict[str, str]] = {
    ("claims", 1, ""): {"POST": "claim", "GET": "claims"},
    ("claims", 2, ""): {"GET": "claim_shown", "DELETE": "release"},
    ("claims", 3, "lease"): {"PUT": "renew"},
    ("claims", 3, "fd"): {"POST": "fetch"},
    ("claims", 3, "transfer"): {"POST": "transfer"},
    ("reservations", 1, ""): {"GET": "reservations"},
    ("reservations", 2, ""): {
        "PUT": "reserve",
        "GET": "reservation_shown",
        "DELETE": "unreserve",
    },
    ("sems", 1, ""): {"GET": "semaphores"},
    ("sems", 3, "acquire"): {"POST": "acquire"},
    ("sems", 4, "permits"): {"PUT": "renew_permit", "DELETE": "release_permit"},
    ("sems", 4, "waiters"): {"DELETE": "cancel_wait"},
    ("fence", 2, "check"): {"POST": "fence"},
    ("events", 1, ""): {"GET": "events"},
    ("status", 1, ""): {"GET": "status"},
}
_OTHERS = ("listeners", "ports")
"""What is below /v1/ and an application's page: it changes nothing."""


def is_ours(path: str) -> bool:
    """Whether a path is one that the desk answers, if only that there is nothing."""
    return path.startswith(PREFIX) and path[4:].partition("/")[0] not in _OTHERS


def find(method: str, path: str) -> tuple[str, list[str]]:
    """The call that a request is, and the parts of its path, decoded.

    Raises:
        NoRoute: there is none.
        ClaimRefused: `invalid`: the path is no text.
    """
    parts = path[len(PREFIX) :].split("/")
    first, count = parts[0], len(parts)
    mark = ""
    if count > 2:
        mark = parts[2]
    elif first == "fence":
        mark = parts[-1]
    calls = _CALLS.get((first, count, mark))
    if calls is None:
        raise NoRoute
    name = calls.get("GET" if method == "HEAD" else method)
    if name is None:
        raise NoRoute(", ".join(sorted(calls)))
    if "%" in path:
        try:
            parts = [unquote(each, errors="strict") for each in parts]
        except UnicodeDecodeError:
            raise invalid("the path is no UTF-8") from None
    return name, parts


def query_fields(query: str, known: tuple[str, ...]) -> dict[str, str]:
    """The fields of a query, each at most once.

    Raises:
        ClaimRefused: `invalid`: an unknown one, or one that comes twice.
    """
    found: dict[str, str] = {}
    if not query:
        return found
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if name not in known or not equals or name in found:
            raise invalid(f"the query may have {', '.join(known)}, each once")
        try:
            found[name] = unquote(value.replace("+", " "), errors="strict")
        except UnicodeDecodeError:
            raise invalid(f"{name} is no UTF-8") from None
    return found


def number(fields: dict[str, str], name: str, most: int, usual: int | None = None) -> int:
    """A whole number of a query.

    Raises:
        ClaimRefused: `invalid`: it is missing, or none.
    """
    text = fields.get(name)
    if text is None:
        if usual is None:
            raise invalid(f"{name} is missing")
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= most):
        raise invalid(f"{name} is no whole number from 0 to {most}")
    return int(text)
