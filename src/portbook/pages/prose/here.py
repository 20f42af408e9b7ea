"""This machine, told: every listener as a row, in the order that is asked for."""

from collections.abc import Callable

from markupsafe import Markup

from portbook.model import Listener
from portbook.model.record import Record
from portbook.pages.live import Snapshot
from portbook.pages.prose.escaped import Escaped, escaped
from portbook.pages.prose.listeners import address_of, holder_of, since_of
from portbook.pages.prose.said import told
from portbook.pages.words import Words

_URGENCY = ("suspicious", "mismatch", "unknown", "unregistered", "familiar", "expected")


class Heard(Record):
    """One listener; `since` is ISO 8601 (UTC), None where nobody knows. `state` is the kernel's."""

    port: int
    transport: str
    address: str
    holder: str
    verdict: str
    reasons: tuple[Markup, ...]
    reach: str
    since: str | None
    state: str


_Key = tuple[str | int, ...]

ORDERS: dict[str, Callable[[Heard], _Key]] = {
    "port": lambda row: (row.port, row.transport, row.address),
    "transport": lambda row: (row.transport, row.port, row.address),
    "address": lambda row: (row.address, row.port, row.transport),
    "owner": lambda row: (row.holder.casefold(), row.port, row.transport),
    "verdict": lambda row: (_urgency(row.verdict), row.port, row.transport),
    "reach": lambda row: (row.reach, row.port, row.transport),
    "since": lambda row: (row.since or "", row.port, row.transport),
}
"""How the rows can be sorted: `?sort=`. By verdict what needs a look comes first."""

FIRST = "port"


def heard(words: Words, found: Snapshot, order: str = FIRST) -> tuple[Heard, ...]:
    """The listeners of a snapshot, sorted.

    Raises:
        KeyError: there is no such order.
    """
    said = escaped(words)
    rows = (_row(said, each) for each in found.listeners)
    return tuple(sorted(rows, key=ORDERS[order], reverse=order == "since"))


def _row(words: Escaped, row: Listener) -> Heard:
    found = row.socket
    return Heard(
        found.port,
        found.transport,
        address_of(row),
        holder_of(words.words, row),
        row.verdict.value,
        tuple(told(words, reason) for reason in row.verdict.reasons),
        row.reach,
        since_of(row),
        found.state,
    )


def _urgency(verdict: str) -> int:
    return _URGENCY.index(verdict) if verdict in _URGENCY else -1
