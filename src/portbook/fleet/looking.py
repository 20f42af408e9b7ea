"""What listens on this host as rows for the fleet: cheap where nothing changed.

The kernel's table of sockets takes a millisecond; owners and verdicts take a hundred times that.
So they are looked up again only where the sockets are others, where a holder ended, and every
tenth time: a process may change its name, or its verdict, without its socket.
"""

import calendar
import time

from portbook.host import Host, clock
from portbook.host.signals import Watch
from portbook.model import Listener, Socket, Unknown
from portbook.model.fleet import MOST_ROWS, FleetRow
from portbook.model.printable import safe
from portbook.model.record import Record
from portbook.sockets import read_table
from portbook.survey.listeners import hidden_owners, survey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from portbook.model import Owner
    from portbook.model.fleet import RowKey

WHOLE = 10
"""Every so many looks owners and verdicts are looked up, whatever the sockets say."""
_LONGEST = 1_000
"""Characters of one text of a row; a path has 4,096 at most, and that one is cut."""
_LONGEST_INDEXED = 250
"""The same of those that the store has an index on."""
_MOST_GAPS = 32
_MOST_INODE = (1 << 63) - 1


class Look(Record):
    """All rows of a host by key, what could not be seen, and when (`clock.boot_ms`)."""

    table: "dict[RowKey, FleetRow]"
    gaps: tuple[str, ...]
    at_ms: int


class Looker:
    """Looks again and again; rows that did not change are the same objects as before."""

    def __init__(self, host: Host, *, source: str | None = None, all_netns: bool = False) -> None:
        self._host = host
        self._source = source
        self._all_netns = all_netns
        self._sockets: frozenset[tuple[object, ...]] | None = None
        self._watch = Watch()
        self._looks = 0
        self._last = Look({}, (), 0)
        self.wholes = 0

    def look(self, *, whole: bool = False) -> Look:
        """What listens now; with `whole` owners and verdicts are looked up in any case.

        Raises:
            EnvironmentFault: the socket table or the registry cannot be read.
        """
        at = clock.boot_ms()
        sockets = self._identities()
        self._looks += 1
        if whole or sockets != self._sockets or self._looks >= WHOLE or self._watch.ended():
            self._whole()
            self._sockets, self._looks = sockets, 0
        self._last = self._last._replace(at_ms=at)
        return self._last

    @property
    def last(self) -> Look:
        """What the last look saw; nothing before the first."""
        return self._last

    def close(self) -> None:
        """Let go of the processes that are watched."""
        self._watch.close()

    def _identities(self) -> frozenset[tuple[object, ...]]:
        sockets = read_table(self._host, source=self._source).sockets
        found = {_identity(each) for each in sockets}
        if self._all_netns:
            from portbook.sockets.elsewhere import read_elsewhere

            for place in read_elsewhere(self._host)[0]:
                found.update(_identity(each) for each in place.sockets)
        return frozenset(found)

    def _whole(self) -> None:
        seen = survey(self._host, source=self._source, all_netns=self._all_netns)
        table, more = table_of(seen.listeners)
        before = self._last.table
        for key, row in table.items():
            was = before.get(key)
            if was == row:
                table[key] = was
        whys = dict.fromkeys(
            _clean(f"{gap.what}: {gap.why}") for gap in (*seen.gaps, *hidden_owners(seen.listeners))
        )
        self._last = Look(table, (*whys, *more)[:_MOST_GAPS], 0)
        if self._host.live:
            self._watch.keep(row.pid for row in table.values() if row.pid)
        self.wholes += 1


def _identity(found: Socket) -> tuple[object, ...]:
    return (
        found.netns,
        found.transport,
        found.address,
        found.port,
        found.inode,
        found.state,
        found.uid,
        found.interface,
    )


def table_of(
    listeners: "Iterable[Listener]",
) -> "tuple[dict[RowKey, FleetRow], tuple[str, ...]]":
    """Rows by key, and the gaps of those that had to be left out.

    Two sockets of one address are told apart by their inode numbers. Where those are unknown the
    first one stays.
    """
    table: dict[RowKey, FleetRow] = {}
    alike = beyond = 0
    for each in listeners:
        row = row_of(each)
        if row.key in table:
            alike += 1
        elif len(table) >= MOST_ROWS:
            beyond += 1
        else:
            table[row.key] = row
    gaps = []
    if alike:
        gaps.append(f"{alike} further sockets of one address: they cannot be told apart")
    if beyond:
        gaps.append(f"{beyond} sockets: a host reports {MOST_ROWS} at most")
    return table, tuple(gaps)


def row_of(found: Listener) -> FleetRow:
    """A listener as the fleet keeps it: its first holder's facts, flat."""
    socket = found.socket
    facts = _facts(found)
    unknown = " ".join(
        f"{name}={value.unknown}" for name, value in facts.items() if isinstance(value, Unknown)
    )
    texts: dict[str, str | None] = {
        name: _clean(value) if isinstance(value, str) else None for name, value in facts.items()
    }
    pid = facts["pid"]
    fired = found.verdict.suspicions
    address = f"{socket.address}%{socket.interface}" if socket.interface else socket.address
    inode = socket.inode if isinstance(socket.inode, int) else 0
    return FleetRow(
        transport=socket.transport.value,
        address=_clean(address, _LONGEST_INDEXED),
        port=socket.port,
        netns=_clean(found.namespace or "", _LONGEST_INDEXED),
        inode=inode if 0 <= inode <= _MOST_INODE else 0,
        state=socket.state,
        reach=found.reach,
        process=texts["process"] and _clean(texts["process"], _LONGEST_INDEXED),
        pid=pid if isinstance(pid, int) else None,
        exe=texts["exe"],
        user=texts["user"],
        unit=texts["unit"],
        container=texts["container"],
        package=texts["package"],
        speaks=None,
        verdict=found.verdict.value,
        severity=fired[0].severity if fired else None,
        rules=",".join(dict.fromkeys(each.rule for each in fired)),
        started=_started(found.owners),
        unknown=unknown,
    )


def _facts(found: Listener) -> "dict[str, object]":
    """The fields that may be unknown; an engine's word on a container is no secret to us."""
    engine = found.published_by
    if not found.owners:
        published = engine if engine and not isinstance(engine, Unknown) else None
        return {
            "process": f"the kernel ({found.kernel})" if found.kernel else None,
            "pid": None,
            "exe": None,
            "user": found.user,
            "unit": None,
            "container": published.name if published else None,
            "package": None,
        }
    first = found.owners[0]
    return {
        "process": first.name,
        "pid": first.pid,
        "exe": first.exe,
        "user": found.user,
        "unit": _unit(found, first),
        "container": _container(first),
        "package": _package(first),
    }


def _unit(found: Listener, first: "Owner") -> object:
    """The unit; where systemd holds the socket for a service, that service."""
    if found.activation and first.name in ("systemd", "init"):
        service = found.activation.service
        return service if isinstance(service, str) else found.activation.socket
    return first.unit


def _container(first: "Owner") -> object:
    engine = first.engine_container
    if engine and not isinstance(engine, Unknown):
        return engine.name
    inside = first.container
    if inside is None or isinstance(inside, Unknown):
        return inside
    return f"{inside.engine} {inside.id[:12]}"


def _package(first: "Owner") -> object:
    package = first.package
    if package is None or isinstance(package, Unknown):
        return package
    return f"{package.name} {package.version or ''}".rstrip()


def _started(owners: "Sequence[Owner]") -> int | None:
    said = owners[0].started if owners else None
    if not isinstance(said, str):
        return None
    try:
        return calendar.timegm(time.strptime(said, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return None


def _clean(text: str, longest: int = _LONGEST) -> str:
    """Text that every store takes: printable, no lone surrogates, of bounded length."""
    made = safe(text, longest)
    return made if len(made) <= longest + 3 else f"{made[:longest]}..."
