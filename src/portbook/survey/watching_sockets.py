"""Watching without the right to see packets: by the connections that the kernel shows to everybody.

A connection that comes and goes between two looks is not seen, nor is anything that never became
one. So no scan can be told here, and the answer always says that it is incomplete.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress

from portbook.host import Host, clock
from portbook.host.packet_socket import index_of
from portbook.model import Unknown
from portbook.model.errors import PortbookError
from portbook.model.traffic import Ours, PortSeen, SourceSeen, Traffic
from portbook.model.unknown import Gap
from portbook.sockets import drop_counters, read_table
from portbook.sockets.connections import Connection, connections
from portbook.survey.watching import Watched, Watching
from portbook.survey.watching_live import Calls, Progress, Verdicts, networks_of

LOOK = 0.25
"""Seconds between two looks: one takes 0.3 ms for a port with few connections."""
_TELL = 1.0
MOST_PORTS = 64
_MOST_SOURCES = 100_000
_BEGUN_BY_US = ("syn-sent",)
_TALKING = ("established", "close-wait", "fin-wait-1", "fin-wait-2", "last-ack", "closing")
_ENDED = "time-wait"
_HINT = "sudo, or CAP_NET_RAW for portbook alone: docs/watch.md has both"


class _Source:
    """One remote address: its connections, and what they were seen to do."""

    def __init__(self, at: float) -> None:
        self.first = self.last = at
        self.places: set[tuple[str, str, int]] = set()
        self.states: dict[tuple[str, int, int], str] = {}
        self.waited = 0

    def see(self, row: Connection, at: float) -> None:
        """Take in one connection of one look."""
        self.last = at
        self.places.add((row.transport.value, row.address, row.port))
        key = row.transport.value, row.port, row.peer_port
        # Established tells more than what follows it; half-open tells least.
        if self.states.get(key) != "established":
            self.states[key] = row.state
        queued = sum(each for each in (row.received, row.sent) if not isinstance(each, Unknown))
        # A listener's own row counts its backlog there; a half-open one has no bytes.
        if row.state in _TALKING:
            self.waited = max(self.waited, queued)

    def told(self, address: str) -> SourceSeen:
        """As a row of the answer."""
        counted = Counter(self.states.values())
        talked = sum(counted[state] for state in (*_TALKING, _ENDED))
        states = ", ".join(f"{number} {state}" for state, number in counted.most_common())
        plural = "" if len(self.states) == 1 else "s"
        evidence = [f"{len(self.states)} connection{plural} seen: {states}"]
        if self.waited:
            evidence.append(f"up to {self.waited:,} bytes waited to be read or acknowledged")
        against = ["a scan by whole connections looks the same here"]
        if not talked:
            against = ["no connection was seen to be established"]
        ports = sorted({port for _, _, port in self.places})
        return SourceSeen(
            address=address,
            verdict="client" if talked else "unknown",
            scan_type=None,
            tool=None,
            confidence="likely" if talked and self.waited else "guess",
            contacts=len(self.places),
            ports=tuple(ports[:32]),
            ports_total=len(ports),
            first=clock.iso(self.first),
            last=clock.iso(self.last),
            evidence=tuple(evidence),
            against=tuple(against),
            openers=(),
            decided_after=None,
            packets=0,
            bytes=0,
        )


def watch_sockets(
    watching: Watching,
    *,
    interface: str | None,
    span: float | None,
    ended: Callable[[float], bool],
    calls: Calls,
) -> Watched:
    """Look at the connections of the ports again and again; see watching_live.watch.

    Raises:
        UsageError: there is no such interface.
        EnvironmentFault: the kernel shows no sockets either.
    """
    with suppress(OSError):  # where rtnetlink is refused, nobody can tell
        index_of(interface)
    host = Host()
    ports = tuple(dict.fromkeys(port for port, _ in watching.ports))
    over = {transport for _, transport in watching.ports}
    wanted = None if None in over else over
    sources: dict[str, _Source] = {}
    verdicts = Verdicts()
    before = drop_counters.read_counters(host)
    began, first = clock.monotonic(), clock.now()
    tell = began + _TELL
    ports_seen = ports[:MOST_PORTS]
    # What ended before the watch began is still there for a minute.
    old = {row for row in _connections(host, ports_seen, wanted) if row.state == _ENDED}
    calls.began("connections")
    while True:
        rows = _connections(host, ports_seen, wanted)
        _look(sources, [row for row in rows if row not in old], clock.now())
        now = clock.monotonic()
        if now >= tell:
            tell = now + _TELL
            calls.changed(verdicts.changes([row.told(name) for name, row in sources.items()]))
            calls.progress(Progress(0, len(sources), 0))
        left = LOOK if span is None else min(LOOK, began + span - now)
        if left <= 0 or ended(left):
            break
    grown = drop_counters.grown(before, drop_counters.read_counters(host))
    gaps = _gaps(grown, more=len(ports) - MOST_PORTS, interface=interface)
    traffic = _traffic(host, watching, sources, (first, clock.now()), gaps)
    return Watched(traffic, by_connections=True)


def _connections(
    host: Host, ports: Iterable[int], wanted: set[str | None] | None
) -> list[Connection]:
    return [
        row
        for port in ports
        for row in connections(host, port)
        if row.state not in _BEGUN_BY_US and (wanted is None or row.transport.value in wanted)
    ]


def _look(sources: dict[str, _Source], rows: Iterable[Connection], at: float) -> None:
    for row in rows:
        if row.peer not in sources:
            if len(sources) >= _MOST_SOURCES:
                continue
            sources[row.peer] = _Source(at)
        sources[row.peer].see(row, at)


def _gaps(
    grown: Iterable[drop_counters.Counter], *, more: int, interface: str | None
) -> tuple[Gap, ...]:
    said = (
        "without CAP_NET_RAW only connections that the kernel keeps are seen, four times a second"
    )
    counted = [f"{drop_counters.MEANINGS[each.name]}: {each.value:,}" for each in grown]
    if counted:
        said += f"; it counted for everything together {'; '.join(counted[:4])}"
    gaps = [Gap("scans, probes and whatever never became a connection", said, _HINT)]
    if more > 0:
        gaps.append(
            Gap(f"{more:,} more ports", f"only {MOST_PORTS} are looked at in this way", _HINT)
        )
    if interface is not None:
        gaps.append(
            Gap(f"which connections came by {interface}", "a connection does not tell", _HINT)
        )
    return tuple(gaps)


def _traffic(
    host: Host,
    watching: Watching,
    sources: dict[str, _Source],
    times: tuple[float, float],
    gaps: tuple[Gap, ...],
) -> Traffic:
    try:
        ours = networks_of(watching)[1]
    except PortbookError:
        ours = Ours((), "sockets")
    rows = sorted(
        (row.told(name) for name, row in sources.items()),
        key=lambda each: (each.verdict == "client", -each.contacts, each.address),
    )
    listed = rows[: watching.listed] if watching.listed else rows
    if len(listed) < len(rows) and not watching.chosen:
        left = f"{len(rows) - len(listed):,} of {len(rows):,} sources"
        gaps = (*gaps, Gap(left, "only so many are listed", "--top 0 lists all"))
    first, last = times
    return Traffic(
        sources=tuple(listed),
        ports=tuple(_ports(host, watching, sources, last - first)),
        packets=0,
        sources_total=len(rows),
        verdicts=tuple(Counter(each.verdict for each in rows).most_common()),
        ours=ours,
        first=clock.iso(first),
        last=clock.iso(last),
        seconds=round(last - first, 3),
        passed=(),
        dropped=None,
        incomplete=gaps,
    )


def _ports(
    host: Host, watching: Watching, sources: dict[str, _Source], seconds: float
) -> Iterable[PortSeen]:
    from portbook.survey.watching_speaks import with_processes
    from portbook.traffic.sentences import port_sentence

    spoken = with_processes(host, lambda _transport, _port: ())
    table = read_table(host)
    open_ports = {
        (row.transport.value, row.port)
        for row in table.sockets
        if row.state in ("listen", "unconnected")
    }
    for port, named in watching.ports:
        came: dict[str, Counter[str]] = {}
        for address, source in sources.items():
            for transport in {where[0] for where in source.places if where[2] == port}:
                verdict = source.told(address).verdict
                came.setdefault(transport, Counter())[verdict] += 1
        for transport in sorted(came) or [named or "tcp"]:
            if named not in (None, transport):
                continue
            counted = came.get(transport, Counter())
            verdicts = tuple(counted.most_common())
            listening = (transport, port) in open_ports
            speaks = spoken(transport, port) if listening else ()
            total = sum(counted.values())
            sentence = port_sentence(
                *(port, transport, listening, speaks, verdicts, (), seconds, total)
            )
            yield PortSeen(port, transport, listening, speaks, total, verdicts, (), sentence)
