"""Watching ports as it happens: packets from the kernel's ring, judged again and again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from portbook.host import Host, clock
from portbook.host.privileges import CAP_NET_RAW
from portbook.model.errors import EnvironmentFault, NotPermitted, PortbookError
from portbook.model.record import Record
from portbook.model.traffic import Ours, PortSeen, SourceSeen, Traffic
from portbook.model.unknown import Gap
from portbook.survey.watching import (
    Network,
    Watched,
    Watching,
    require_numpy,
    samples_of,
    summary,
    text_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.survey.watching_speaks import Spoken
    from portbook.traffic.live import Live

LOOK = 1.0
"""Seconds between two judgements, at least."""
_SHARE = 5
"""Of the time, at most one part in so many goes into judging: packets wait meanwhile."""
_LATEST = 30.0
_TURN = 0.2
FORGET = 3600.0
"""Seconds of silence after which a source is forgotten: memory stays flat."""
_TIDY = 60.0
_FRESH = 5.0
"""Seconds after which our addresses are read again: DHCP and containers bring new ones."""
MOST_TOLD = 10_000
"""Sources whose changes are followed one by one."""


class Change(Record):
    """A source whose verdict is new, and the verdict that it had (None: it is new itself)."""

    before: str | None
    source: SourceSeen


class Progress(Record):
    """How a watch stands. `dropped` is what the kernel had no room for."""

    packets: int
    sources: int
    dropped: int


def _nobody(_told: object) -> None:
    """Nobody wants to know."""


class Calls(Record):
    """Whom a watch tells: of changes, how it stands, and everything that a look at it found.

    `began` is called once, as soon as nothing is missed any more, with what is looked at:
    `packets` or `connections`.
    """

    changed: Callable[[Sequence[Change]], None]
    progress: Callable[[Progress], None]
    looked: Callable[[Traffic], None] = _nobody
    began: Callable[[str], None] = _nobody


def watch(
    watching: Watching,
    *,
    interface: str | None,
    span: float | None,
    ended: Callable[[float], bool],
    calls: Calls,
) -> Watched:
    """Watch until `span` seconds have passed, `ended(0)` is true, or the interface goes away.

    With CAP_NET_RAW by packets; without it by the sockets that the kernel shows to everybody, and
    then the answer is incomplete and says so.

    Raises:
        UsageError: there is no such interface.
        EnvironmentFault: packets can be read, but numpy is not installed; no kernel of Linux.
    """
    if Host().privileges.has(CAP_NET_RAW):
        require_numpy()
        from portbook.traffic.live import Live

        numbers = {port for port, _ in watching.ports}
        try:
            live = Live(numbers, interface)
        except NotPermitted:
            # A capability that is worth nothing here: that of another user namespace.
            pass
        else:
            with live:
                calls.began("packets")
                return _Watch(watching, live, calls).run(span, ended)
    from portbook.survey.watching_sockets import watch_sockets

    return watch_sockets(watching, interface=interface, span=span, ended=ended, calls=calls)


def networks_of(watching: Watching) -> tuple[tuple[Network, ...], Ours]:
    """Our networks: those that were given, or the addresses of this machine's interfaces.

    Raises:
        EnvironmentFault: the kernel does not tell its addresses.
    """
    if watching.networks:
        return watching.networks, Ours(tuple(text_of(each) for each in watching.networks), "given")
    from portbook.host.interfaces import own_networks

    try:
        networks = own_networks()
    except OSError as error:
        raise EnvironmentFault(
            f"this machine's addresses cannot be read: {error.strerror or error}",
            hint="name them: --host ADDRESS",
        ) from None
    return networks, Ours(tuple(text_of(each) for each in networks), "interfaces")


class Verdicts:
    """What was told of each source, and what is new: two looks must agree before it is told."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, str | None]] = {}
        self._seen: dict[str, tuple[str, str | None]] = {}

    def changes(self, sources: Sequence[SourceSeen]) -> list[Change]:
        """The sources whose verdict (or tool) is not the one that was told."""
        found = []
        seen = {}
        for each in sources:
            now = each.verdict, each.tool
            seen[each.address] = now
            told = self._told.get(each.address)
            if now != told and self._seen.get(each.address) == now:
                found.append(Change(told[0] if told else None, each))
                self._told[each.address] = now
        self._seen = seen
        # Who is forgotten and comes back is new again.
        self._told = {address: told for address, told in self._told.items() if address in seen}
        return found


class _Watch:
    """One watch by packets."""

    def __init__(self, watching: Watching, live: "Live", calls: Calls) -> None:
        from portbook.traffic.engine import Engine

        self._watching = watching
        self._live = live
        self._calls = calls
        networks, self._ours = networks_of(watching)
        self._networks = dict.fromkeys(networks)
        self._gone: Gap | None = None
        self._engine: Engine = Engine(watching.ports, networks, watching.most_sources)
        self._passed: dict[str, int] = {}
        self._look_at = self._tidy_at = self._fresh_at = 0.0
        self._verdicts = Verdicts()
        self._forgotten = 0
        self._samples: dict[tuple[str, int], list[tuple[bytes, bytes]]] = {}
        self._spoken = self._listeners()

    def _listeners(self) -> "Spoken":
        """What our listeners speak: by their replies so far, else by what their process is."""
        from portbook.survey.watching_speaks import heard, with_processes
        from portbook.traffic.openers import recognise

        return with_processes(Host(), heard(self._samples, recognise))

    def run(self, span: float | None, ended: Callable[[float], bool]) -> Watched:
        """Watch; see `watch`."""
        from portbook.survey.watching_speaks import judge_reply
        from portbook.traffic.live import InterfaceGone

        # Loading the judges takes a second, and no packet shall wait for it.
        judge_reply("tcp", None, b"", b"\r\n")
        self._look(clock.monotonic())
        began = clock.monotonic()
        until = None if span is None else began + span
        self._look_at, self._tidy_at = began + LOOK, began + _TIDY
        try:
            while (until is None or clock.monotonic() < until) and not ended(0):
                left = _TURN if until is None else min(_TURN, until - clock.monotonic())
                self._turn(max(0.0, left))
            # What came until now is in the kernel's buffer, for at most a tenth of a second.
            self._turn(_TURN)
        except InterfaceGone as gone:
            why = f"{gone}, and the watch ended with it"
            self._gone = Gap(f"packets after {clock.iso(clock.now())}", why)
        drops = self._live.statistics().drops
        self._live.close()
        return self._sum_up(drops, clock.monotonic() - began)

    def _turn(self, seconds: float) -> None:
        """Take what comes, at least as long as `seconds`, and judge where it is time."""
        from portbook.traffic.columns import packets_of

        until = clock.monotonic() + seconds
        for frames in self._live.frames(seconds):
            self._engine.take(packets_of(frames, self._passed))
            # Under load there is always more.
            if clock.monotonic() >= until:
                break
        now = clock.monotonic()
        if now >= self._fresh_at:
            self._fresh_at = now + _FRESH
            self._read_addresses()
        if now >= self._look_at:
            self._look_at = self._look(now)
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY
            self._forget()

    def _read_addresses(self) -> None:
        """Take in addresses that are new; one that was ours stays so, for what it has said."""
        if self._watching.networks:
            return
        try:
            networks, _ = networks_of(self._watching)
        except EnvironmentFault:
            return
        known = len(self._networks)
        self._networks |= dict.fromkeys(networks)
        if len(self._networks) > known:
            self._engine.add_networks(tuple(self._networks))
            addresses = tuple(text_of(each) for each in self._networks)
            self._ours = self._ours._replace(addresses=addresses)

    def _look(self, now: float) -> float:
        """Judge, tell what is new; returns when to look again."""
        self._samples |= samples_of(self._engine)
        watching = self._watching._replace(listed=MOST_TOLD)
        traffic = summary(self._engine, watching, self._ours, self._spoken, final=False).traffic
        self._calls.changed(self._verdicts.changes(traffic.sources))
        drops = self._live.statistics().drops
        self._calls.progress(Progress(traffic.packets, traffic.sources_total, drops))
        self._calls.looked(traffic._replace(dropped=drops))
        took = clock.monotonic() - now
        return now + min(max(LOOK, _SHARE * took), _LATEST)

    def _forget(self) -> None:
        before = self._engine.tallies.sources.size
        self._engine.forget(int((clock.now() - FORGET) * 1e9))
        self._forgotten += before - self._engine.tallies.sources.size

    def _sum_up(self, drops: int, seconds: float) -> Watched:
        gaps = list(self._live.gaps)
        if self._gone is not None:
            gaps.append(self._gone)
        if drops:
            gaps.append(
                Gap(
                    f"{drops:,} packets that came too fast",
                    "the kernel dropped them: its buffer was full",
                    "watch fewer ports, or capture with tcpdump and read it with --pcap",
                )
            )
        if self._forgotten:
            gaps.append(
                Gap(
                    f"{self._forgotten:,} sources of earlier",
                    "they were silent for an hour and are forgotten, so that memory stays flat",
                    "--jsonl tells each verdict when it is found",
                )
            )
        self._samples |= samples_of(self._engine)
        for reason, number in self._passed.items():
            self._engine.passed[reason] = self._engine.passed.get(reason, 0) + number
        watched = summary(
            self._engine,
            self._watching,
            self._ours,
            self._spoken,
            gaps=tuple(gaps),
            dropped=drops,
        )
        ports = tuple(_completed(watched.traffic.ports, seconds))
        traffic = watched.traffic._replace(seconds=round(seconds, 3), ports=ports)
        return watched._replace(traffic=traffic)


def _completed(ports: Sequence[PortSeen], seconds: float) -> Iterator[PortSeen]:
    """The ports, told over the whole watch; where no answer was seen, the socket table tells."""
    from portbook.sockets import read_table
    from portbook.traffic.sentences import port_sentence

    served: set[tuple[str, int]] | None = None
    with suppress(PortbookError):
        served = {
            (row.transport.value, row.port)
            for row in read_table(Host()).sockets
            if row.state in ("listen", "unconnected")
        }
    for port in ports:
        listening = port.listening
        if listening is None and served is not None:
            listening = (port.transport, port.port) in served
        sentence = port_sentence(
            *(port.port, port.transport, listening, port.speaks),
            *(port.verdicts, port.tools, seconds, port.sources),
        )
        yield port._replace(listening=listening, sentence=sentence)
