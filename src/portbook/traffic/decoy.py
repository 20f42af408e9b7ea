"""A decoy: accepts on ports where nothing listens, never sends a byte, and tells what came.

Everything that a visitor could make grow has a bound (`Limits`): connections at a time, bytes kept
and read, seconds, visits and sources remembered. One thread, one selector; no numpy.
"""

import contextlib
import selectors
import socket
from collections import deque
from collections.abc import Callable, Sequence

from portbook.host import clock
from portbook.model.record import Record
from portbook.model.traffic import Opener
from portbook.model.visit import Visit
from portbook.traffic.decoy_doors import Door

_AT_ONCE = 64
"""Accepted or read of one socket before the others have their turn."""
_CHUNK = 65536
_SHOWN = 48
_LONGEST_WAIT = 3600.0
"""Seconds in one call of epoll_wait(2), which takes at most 24 days."""
MOST_ADDRESSES = 10_000
_PAUSE = 1.0
"""Seconds without accepting after the system refused another descriptor."""


class Limits(Record):
    """What visitors may take at most. Times are seconds.

    `connections` are visitors at a time, further ones are closed at once and counted. `datagrams`
    are sources of datagrams at a time, which anybody can forge: they take no place of a connection.
    `kept` are the first bytes of each that are looked at; so many end the visit. `silence` without
    a byte or `stay` in all end it, too. While it is closed `drained` bytes more are read for
    `draining` seconds, so that it ends by FIN: the kernel sends RST where something is left unread
    (RFC 1122, 4.2.2.13). `remembered` are the last visits that stay in memory, `sources` how many
    addresses are told apart.
    """

    connections: int = 64
    datagrams: int = 64
    kept: int = 4096
    silence: float = 10.0
    stay: float = 30.0
    drained: int = 1 << 18
    draining: float = 2.0
    remembered: int = 1000
    sources: int = MOST_ADDRESSES


class _Visitor:
    """One who is there: a connection, or the datagrams of one source (`link` is None)."""

    __slots__ = (
        *("link", "door", "source", "address", "came", "at", "quiet", "over"),
        *("kept", "bytes", "ended", "key"),
    )

    def __init__(
        self, link: socket.socket | None, door: Door, source: tuple[str, int], limits: Limits
    ) -> None:
        self.link = link
        self.door = door
        self.source = source
        self.address = _plain(link.getsockname()[0]) if link is not None else _plain(door.address)
        self.came = clock.monotonic()
        self.at = clock.now()
        self.quiet = self.came + limits.silence
        self.over = self.came + limits.stay
        self.kept = bytearray()
        self.bytes = 0
        self.ended = ""
        self.key = door.socket.fileno(), source


class Decoy:
    """Stands behind doors. `tell` hears of every visit that has ended.

    `recognise` says what bytes speak (traffic.openers.recognise); `keep` stores the first bytes of
    a visit and returns the name of the file, or None where no more are kept. With `most` no further
    visitor is let in after so many.
    """

    def __init__(
        self,
        doors: Sequence[Door],
        recognise: Callable[[str, bytes, int], Opener],
        tell: Callable[[Visit], None],
        *,
        limits: Limits | None = None,
        most: int | None = None,
        keep: Callable[[float, int, str, bytes], str | None] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.total = 0
        self.turned_away = 0
        self.not_kept = 0
        self.wanted: dict[str, int] = {}
        self.sources: set[str] = set()
        self.visits: deque[Visit] = deque(maxlen=self.limits.remembered)
        self._recognise = recognise
        self._tell = tell
        self._most = most
        self._keep = keep
        self._begun = 0
        self._connected: set[_Visitor] = set()
        self._datagrams: dict[tuple[int, tuple[str, int]], _Visitor] = {}
        self._doors = list(doors)
        self._due = float("inf")
        self._resume = 0.0
        self._selector = selectors.DefaultSelector()
        for door in self._doors:
            self._selector.register(door.socket, selectors.EVENT_READ, door)

    def run(self, wake: int, asked: Callable[[], bool], seconds: float | None = None) -> None:
        """Until `asked` says so, for `seconds`, or until the last of `most` visitors has gone.

        `wake` is a descriptor that is readable when there is something to ask for.
        """
        until = float("inf") if seconds is None else clock.monotonic() + seconds
        self._selector.register(wake, selectors.EVENT_READ, None)
        try:
            while not asked() and (self._doors or self._present()):
                now = clock.monotonic()
                if now >= until:
                    break
                self._sweep(now)
                self._turn(min(until, self._due, self._resume or until) - now)
        finally:
            self._selector.unregister(wake)
            self.close()

    def close(self) -> None:
        """Let go of the doors and of everybody who is there."""
        self._shut()
        for visitor in (*self._connected, *self._datagrams.values()):
            visitor.ended = visitor.ended or "stopped"
            self._gone(visitor)
        self._selector.close()

    def _present(self) -> int:
        return len(self._connected) + len(self._datagrams)

    def _turn(self, seconds: float) -> None:
        timeout = None if seconds == float("inf") else min(max(0.0, seconds), _LONGEST_WAIT)
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, _Visitor):
                self._read(key.data)
            elif key.data is not None and key.data in self._doors:
                if key.data.transport == "tcp":
                    self._accept(key.data)
                else:
                    self._receive(key.data)

    def _shut(self) -> None:
        """Let nobody in any more."""
        for door in self._doors:
            if not self._resume or door.transport != "tcp":
                self._selector.unregister(door.socket)
            door.socket.close()
        self._doors.clear()
        self._resume = 0.0

    def _accept(self, door: Door) -> None:
        for _ in range(_AT_ONCE):
            try:
                link, source = door.socket.accept()
            except (BlockingIOError, ConnectionError):
                return
            except OSError:
                self._pause()
                return
            link.setblocking(False)
            if self._is_full():
                self._turn_away(link)
                continue
            visitor = _Visitor(link, door, (_plain(source[0]), source[1]), self.limits)
            self._connected.add(visitor)
            self._selector.register(link, selectors.EVENT_READ, visitor)
            self._due = min(self._due, visitor.quiet)
            if self._begin():
                return

    def _is_full(self) -> bool:
        """Whether there is no place for a connection, also after those have gone who want to."""
        if len(self._connected) >= self.limits.connections:
            for key, _ in self._selector.select(0):
                if isinstance(key.data, _Visitor):
                    self._read(key.data)
        return len(self._connected) >= self.limits.connections

    def _begin(self) -> bool:
        """One more has come; whether it was the last that is let in."""
        self._begun += 1
        if self._most is None or self._begun < self._most:
            return False
        self._shut()
        return True

    def _pause(self) -> None:
        """No descriptor or memory is left: the queue of the kernel must wait, and we not spin."""
        if not self._resume:
            self._resume = clock.monotonic() + _PAUSE
            for door in self._doors:
                if door.transport == "tcp":
                    self._selector.unregister(door.socket)

    def _turn_away(self, link: socket.socket) -> None:
        self.turned_away += 1
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_WR)
            link.recv(_CHUNK)
        link.close()

    def _receive(self, door: Door) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, source = door.socket.recvfrom(_CHUNK)
            except OSError:
                return
            key = door.socket.fileno(), (_plain(source[0]), source[1])
            visitor = self._datagrams.get(key)
            if visitor is not None:
                self._note(visitor, data)
                continue
            if len(self._datagrams) >= self.limits.datagrams:
                self.turned_away += 1
                continue
            visitor = self._datagrams[key] = _Visitor(None, door, key[1], self.limits)
            self._due = min(self._due, visitor.quiet)
            self._note(visitor, data)
            if self._begin():
                return

    def _note(self, visitor: _Visitor, data: bytes) -> None:
        visitor.bytes += len(data)
        visitor.kept += data[: self.limits.kept - len(visitor.kept)]
        visitor.quiet = clock.monotonic() + self.limits.silence

    def _read(self, visitor: _Visitor) -> None:
        if visitor.link is None or visitor not in self._connected:
            return
        try:
            data = visitor.link.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            visitor.ended = visitor.ended or "reset"
            self._gone(visitor)
            return
        if not data:
            visitor.ended = visitor.ended or "closed"
            self._gone(visitor)
        elif visitor.ended:
            visitor.bytes += len(data)
            if visitor.bytes > self.limits.kept + self.limits.drained:
                self._gone(visitor)
        else:
            self._note(visitor, data)
            if len(visitor.kept) >= self.limits.kept:
                self._let_go(visitor, "limit")

    def _let_go(self, visitor: _Visitor, ended: str) -> None:
        """Close it from our side: FIN now, the rest when it has answered or a moment later."""
        visitor.ended = ended
        if visitor.link is None:
            self._gone(visitor)
            return
        try:
            visitor.link.shutdown(socket.SHUT_WR)
        except OSError:
            self._gone(visitor)
            return
        visitor.over = visitor.quiet = clock.monotonic() + self.limits.draining
        self._due = min(self._due, visitor.over)

    def _sweep(self, now: float) -> None:
        if self._resume and now >= self._resume:
            self._resume = 0.0
            for door in self._doors:
                if door.transport == "tcp":
                    self._selector.register(door.socket, selectors.EVENT_READ, door)
        if now < self._due:
            return
        for visitor in (*self._connected, *self._datagrams.values()):
            if now < min(visitor.quiet, visitor.over):
                continue
            if visitor.ended:
                self._gone(visitor)
            else:
                self._let_go(visitor, "limit" if now >= visitor.over else "silent")
        present = (*self._connected, *self._datagrams.values())
        self._due = min((min(each.quiet, each.over) for each in present), default=float("inf"))

    def _gone(self, visitor: _Visitor) -> None:
        seconds = clock.monotonic() - visitor.came
        if visitor.link is not None:
            self._connected.discard(visitor)
            self._selector.unregister(visitor.link)
            visitor.link.close()
        else:
            del self._datagrams[visitor.key]
        visit = self._visit(visitor, seconds)
        self.total += 1
        if len(self.sources) < self.limits.sources:
            self.sources.add(visit.source)
        what = visit.protocol or ("unknown" if visit.bytes else "nothing")
        self.wanted[what] = self.wanted.get(what, 0) + 1
        self.visits.append(visit)
        self._tell(visit)

    def _visit(self, visitor: _Visitor, seconds: float) -> Visit:
        door, data = visitor.door, bytes(visitor.kept)
        said = self._recognise(door.transport, data, door.port) if data else None
        file = None
        if data and self._keep is not None:
            file = self._keep(visitor.at, door.port, door.transport, data)
            self.not_kept += file is None
        return Visit(
            clock.iso(visitor.at),
            *visitor.source,
            visitor.address,
            door.port,
            door.transport,
            said.protocol if said else None,
            said.confidence if said and said.protocol else None,
            dict(said.details) if said else {},
            said.tool if said else None,
            visitor.ended,
            visitor.bytes,
            round(seconds, 3),
            shown(data),
            file,
        )


def shown(data: bytes) -> str:
    """The first bytes as printable ASCII, everything else as in Python's bytes."""
    text = data[:_SHOWN].decode("latin-1").encode("unicode_escape").decode("ascii")
    return text + ("…" if len(data) > _SHOWN else "")


def _plain(address: str) -> str:
    """IPv4 as IPv4, though a socket of IPv6 took it (RFC 4291, 2.5.5.2); without the zone."""
    address = address.partition("%")[0]
    return address[7:] if address.startswith("::ffff:") and "." in address else address
