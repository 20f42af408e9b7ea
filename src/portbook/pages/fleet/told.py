"""Rows of the fleet in words: every text of a host made visible, every unknown fact said."""

from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from portbook.fleet.port_across import PortGroup, Wanted
from portbook.model import Unknown
from portbook.model.fleet import FleetChange, FleetListener, FleetPeriod
from portbook.model.record import Record
from portbook.pages.prose.listeners import reach_names, verdict_names, visible

if TYPE_CHECKING:
    from portbook.pages.words import Words


class Line(Record):
    """One listener; moments are ISO 8601, "" where nobody knows. `known` is a verdict of ours."""

    host: str
    name: str
    port: int
    transport: str
    address: str
    process: str
    unit: str
    verdict: str
    known: str
    rules: str
    reach: str
    since: str
    until: str
    ended: str
    as_of: str


class GroupLine(Record):
    """One group of listeners on a port; `query` asks for its rows."""

    process: str
    verdict: str
    known: str
    transports: str
    hosts: int
    listeners: int
    since: str
    query: str


class Names:
    """The words of one language for what hosts say; a word that is not ours is shown as it is."""

    def __init__(self, words: "Words") -> None:
        self._words = words
        self._verdicts = verdict_names(words)
        self._reaches = reach_names(words)
        self._unknown = words.text("not known")
        self._ends = {"closed": words.text("closed"), "changed": words.text("changed")}

    def verdict(self, word: str) -> str:
        """A verdict in one word."""
        return self._verdicts.get(word) or visible(word)

    def known(self, word: str) -> str:
        """The verdict as the style sheet knows it."""
        return word if word in self._verdicts else "unknown"

    def fact(self, value: "str | int | Unknown | None") -> str:
        """A text of a host, "" where there is none."""
        if isinstance(value, Unknown):
            return self._unknown
        return "" if value is None else visible(str(value))

    def line(self, row: FleetListener, until: str = "", ended: str | None = None) -> Line:
        """A listener."""
        process = self.fact(row.process)
        pid = row.pid if isinstance(row.pid, int) else None
        within = row.container if isinstance(row.container, str) else row.unit
        return Line(
            row.host,
            visible(row.name),
            row.port,
            visible(row.transport.upper()),
            _address(row),
            f"{process} ({pid})" if isinstance(row.process, str) and pid is not None else process,
            self.fact(within) if isinstance(within, str) else "",
            self.verdict(row.verdict),
            self.known(row.verdict),
            visible(", ".join(row.rules)),
            self._reaches.get(row.reach) or visible(row.reach),
            row.since if isinstance(row.since, str) else "",
            until,
            self._ends.get(ended or "", ""),
            row.as_of,
        )

    def period(self, each: FleetPeriod) -> Line:
        """A version of a listener."""
        return self.line(each.listener._replace(since=each.since), each.until or "", each.ended)

    def change(self, each: FleetChange) -> tuple[str, str, Line]:
        """What happened in a word, when, and to what."""
        row = each.now or each.before
        kinds = {
            "opened": self._words.text("opened"),
            "closed": self._words.text("closed"),
            "changed": self._words.text("changed"),
        }
        return kinds.get(each.kind, ""), each.at, self.line(row) if row else _NOTHING

    def group(self, each: PortGroup) -> GroupLine:
        """Equal listeners."""
        query = urlencode({"process": each.process or "", "verdict": each.verdict})
        return GroupLine(
            visible(each.process) if each.process else self._unknown,
            self.verdict(each.verdict),
            self.known(each.verdict),
            visible(", ".join(word.upper() for word in each.transports)),
            each.hosts,
            each.listeners,
            each.since,
            query,
        )


_NOTHING = Line("", "", 0, "", "", "", "", "", "unknown", "", "", "", "", "", "")


def _address(row: FleetListener) -> str:
    address = f"[{row.address}]" if ":" in row.address else row.address
    return visible(f"{address} @{row.netns}" if row.netns else address)


def query_of(wanted: Wanted, page: int) -> str:
    """The query of another part of the same list."""
    fields = {
        name: value
        for name, value in (("process", wanted.process), ("verdict", wanted.verdict))
        if value is not None
    }
    return urlencode({**fields, "page": page} if page > 1 or not fields else fields)


def short(words: "Words", iso: str, days: int) -> str:
    """A moment below a chart: the hour within a day, the day and month within more."""
    from babel.dates import format_datetime

    pattern = "HH:mm" if days == 1 else "d MMM"
    return str(format_datetime(datetime.fromisoformat(iso), pattern, locale=words.locale))
