"""One row of IANA's registry, from the text that IANA prints to an `Assignment`. Reads no file."""

import re

from portbook.model import LAST_PORT, Assignment, Transport

_TRANSPORTS = frozenset(Transport)
_SERVICE_LIMIT = 64
_CELL_LIMIT = 4096  # the longest cell of 2026 has 1,532 characters
_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
_IDS = re.compile(r"(\[[^\[\]]*\]\s*)+")
_ID = re.compile(r"\[([^\[\]]*)\]")
# A mail address, or one in angle brackets with the @ disguised as "&", as one reference has it.
_MAIL = re.compile(r"<[^<>]*[@&][^<>]*>|[^\s<>()\[\]]+@[^\s<>()\[\]@]+\.[A-Za-z]{2,}")


def assignment(
    *,
    service: str,
    port: str,
    transport: str,
    description: str,
    assignee: str,
    contact: str,
    registered: str,
    modified: str,
    reference: str,
    unauthorized_use: str,
    notes: str,
) -> Assignment:
    """The row as a value: brackets off ids, white space folded, mail addresses dropped.

    Raises:
        ValueError: the row does not fit; the message is a short reason.
    """
    name = _cell("service name", service, _SERVICE_LIMIT)
    first, last = _ports(port)
    if name is None and first is None:
        raise ValueError("neither a service name nor a port")
    layer = _cell("transport", transport)
    if layer is not None and layer not in _TRANSPORTS:
        raise ValueError(f"unknown transport {layer[:20]!r}")
    return Assignment(
        service=name,
        port=first,
        last_port=last,
        transport=layer,
        description=_cell("description", description),
        assignee=_ids("assignee", assignee),
        contact=_ids("contact", contact),
        registered=_date("registration date", registered),
        modified=_date("modification date", modified),
        reference=_ids("reference", reference),
        unauthorized_use=_cell("unauthorized use", unauthorized_use),
        notes=_cell("notes", notes),
    )


def _cell(what: str, raw: str, limit: int = _CELL_LIMIT) -> str | None:
    """`raw` on one line without mail addresses; None when nothing is left."""
    if len(raw) > limit:
        raise ValueError(f"{what} longer than {limit} characters")
    text = " ".join(re.split(r"[ \t\r\n\u00a0]+", raw)).strip(" ")
    # Everything that a line of text cannot show, direction overrides included, is refused.
    if not text.isprintable():
        raise ValueError(f"control character in {what}")
    if _MAIL.search(text):
        text = " ".join(_MAIL.sub("", text).split())
    return text or None


def _ids(what: str, raw: str) -> str | None:
    """IANA's ids without their brackets, several joined by one space; other text as it is."""
    text = _cell(what, raw)
    if text is None or not _IDS.fullmatch(text):
        return text
    return " ".join(filter(None, (each.strip() for each in _ID.findall(text)))) or None


def _ports(raw: str) -> tuple[int, int] | tuple[None, None]:
    """First and last port of `N` or `N-M`; a single port is its own last one."""
    text = raw.strip(" \t\r\n")
    if not text:
        return None, None
    if not (match := _PORT.fullmatch(text)):
        raise ValueError(f"no port or range: {text[:20]!r}")
    first = int(match[1])
    last = int(match[2] or match[1])
    if last > LAST_PORT or first > LAST_PORT:
        raise ValueError(f"port above {LAST_PORT}")
    if first > last:
        raise ValueError("range that ends before it starts")
    return first, last


def _date(what: str, raw: str) -> str | None:
    """An ISO 8601 date as coarse as it is given (year, month or day)."""
    text = _cell(what, raw)
    if text is not None and not _DATE.fullmatch(text):
        raise ValueError(f"{what} is no ISO date")
    return text
