"""The last hour of watched ports: one small file for each, written by a watch, read by everybody.

A file says nothing that is not in a bound: it has at most 64 KB and 20 sources, is replaced in one
step, and is read as the work of somebody who means harm.
"""

import contextlib
import json
import os
import stat
from collections.abc import Collection, Iterable
from datetime import datetime

from portbook.host import clock
from portbook.host.folders import hour_files, open_hour, state_folder
from portbook.model.document import document
from portbook.model.traffic import (
    SCAN_TYPES,
    TOOLS,
    VERDICTS,
    SourceSeen,
    TopSource,
    Traffic,
    TrafficHour,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EVERY = 5.0
"""Seconds between two writings."""
STALE = 120.0
"""Seconds after which a file that was not written again is the last of a watch that has ended."""
HOUR = 3600.0
MOST_BYTES = 64 << 10
MOST_TOP = 20
_LONGEST = 1000
_MOST_COUNT = 1 << 53
_SCHEMA = "portbook/traffic-hour/1"


def hours_of(
    traffic: Traffic, ports: Collection[int], began: float, now: float, *, watching: bool = True
) -> dict[int, TrafficHour]:
    """The last hour of each port, from what a watch reports; `began` is when it did."""
    from portbook.traffic.sentences import port_sentence

    since = max(began, now - HOUR)
    more = dict(traffic.passed).get("too-many-sources", 0)
    found = {}
    for port in sorted(ports):
        rows = [each for each in traffic.ports if each.port == port]
        verdicts: dict[str, int] = {}
        tools: dict[str, int] = {}
        for row in rows:
            for name, number in row.verdicts:
                verdicts[name] = verdicts.get(name, 0) + number
            for name, number in row.tools:
                tools[name] = tools.get(name, 0) + number
        # What a watch of many hours says of a port is of all of them, what it counts of the last.
        said = [
            port_sentence(
                *(row.port, row.transport, row.listening, row.speaks),
                *(row.verdicts, row.tools, now - since, row.sources),
            )
            for row in rows
        ] or [f"{port}: nobody came"]
        if more:
            said.append(f"Since {clock.iso(began)} {more:,} packets of further sources: too many")
        heard = {row.listening for row in rows}
        here = _visitors(traffic, port, verdicts)
        found[port] = TrafficHour(
            port,
            clock.iso(since),
            clock.iso(now),
            watching,
            ". ".join(said)[:_LONGEST],
            True if True in heard else False if False in heard else None,
            sum(row.sources for row in rows),
            verdicts,
            tools,
            tuple(
                TopSource(
                    *(each.address, each.verdict, each.scan_type, each.tool),
                    *(each.contacts, each.last),
                )
                for each in here[:MOST_TOP]
            ),
            traffic.packets,
            traffic.dropped or 0,
        )
    return found


def _visitors(traffic: Traffic, port: int, verdicts: dict[str, int]) -> list[SourceSeen]:
    """The listed sources that came to a port, those first whose own lists of ports name it.

    Such a list has at most 32 of the watched ports, the lowest: with so few it is whole. Where it
    was cut below the port, its source may have come: as many of a verdict are told as the port has
    more of it than sources that name it. They are the right ones where scans of every port came,
    and otherwise may have come to the ports beside it alone.
    """
    sure = [each for each in traffic.sources if port in each.ports]
    left = dict(verdicts)
    for each in sure:
        left[each.verdict] = left.get(each.verdict, 0) - 1
    possible = []
    for each in traffic.sources:
        cut = each.ports_total > len(each.ports) and max(each.ports, default=-1) < port
        if cut and left.get(each.verdict, 0) > 0:
            left[each.verdict] -= 1
            possible.append(each)
    return sure + possible


class HourFiles:
    """The folder of a watch, `traffic` in the state folder.

    Others may read the files where they may read the state folder.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self) -> None:
        state = state_folder()
        os.makedirs(state, 0o700, exist_ok=True)
        mode = os.stat(state).st_mode
        self._open = mode & 0o005 == 0o005
        self._folder = f"{state}/traffic"
        with contextlib.suppress(FileExistsError):
            os.mkdir(self._folder, 0o700)
        if self._open:
            # As the folder that it is in, but for others to write.
            os.chmod(self._folder, mode & 0o755)

    def write(self, hours: Iterable[TrafficHour]) -> None:
        """Put each in its place in one step.

        Raises:
            OSError: one cannot be written; those before it were.
        """
        for hour in hours:
            text = json.dumps(document("traffic-hour", hour), separators=(",", ":"))
            beside = f"{self._folder}/.{hour.port}.{os.getpid()}.new"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
                if self._open:
                    os.fchmod(file.fileno(), 0o644)
                file.write(text.encode("ascii"))
            os.replace(beside, f"{self._folder}/{hour.port}.json")


def read_hour(port: int, now: float | None = None) -> TrafficHour | None:
    """The last hour of a port; None where nobody watched it in the last hour."""
    return read_hours((port,), now).get(port)


def read_hours(ports: Collection[int], now: float | None = None) -> dict[int, TrafficHour]:
    """The same for several ports, those that are watched."""
    opened = [(port, open_hour(path)) for port, path in hour_files(ports)]
    found = [(port, fd) for port, fd in opened if fd >= 0]
    return newest(found, clock.now() if now is None else now) if found else {}


def newest(opened: Iterable[tuple[int, int]], now: float) -> dict[int, TrafficHour]:
    """Of open files (port, descriptor) the newest one of each port; all of them are closed."""
    found: dict[int, TrafficHour] = {}
    for port, fd in opened:
        try:
            hour = _checked(_bytes(fd), port, now)
        finally:
            os.close(fd)
        known = found.get(port)
        if hour is not None and (known is None or hour.until > known.until):
            found[port] = hour
    return found


def _bytes(fd: int) -> bytes:
    """What the file has; nothing where it is no plain file, or too large."""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return b""
        data = os.read(fd, MOST_BYTES + 1)
    except OSError:
        return b""
    return data if len(data) <= MOST_BYTES else b""


def _checked(data: bytes, port: int, now: float) -> TrafficHour | None:
    """What a file says, if it is of this port and hour and nothing else than it should be."""
    try:
        found = json.loads(data)
        if type(found) is not dict or found.get("schema") != _SCHEMA or found.get("port") != port:
            return None
        until = datetime.fromisoformat(_text(found["until"])).timestamp()
        datetime.fromisoformat(_text(found["since"]))
        if not now - HOUR <= until <= now + STALE:
            return None
        listening = found["listening"]
        rows = found["top"]
        if listening not in (True, False, None) or type(rows) is not list or len(rows) > MOST_TOP:
            return None
        return TrafficHour(
            port,
            clock.iso(datetime.fromisoformat(found["since"]).timestamp()),
            clock.iso(until),
            found["watching"] is True and now - until <= STALE,
            _text(found["sentence"]),
            listening,
            _count(found["sources"]),
            _counts(found["verdicts"], VERDICTS),
            _counts(found["tools"], TOOLS),
            tuple(map(_top, rows)),
            _count(found["packets"]),
            _count(found["dropped"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError, OSError):
        return None


def _top(row: "Any") -> TopSource:
    from ipaddress import ip_address

    last = datetime.fromisoformat(_text(row["last"])).timestamp()
    return TopSource(
        str(ip_address(_text(row["address"]))),
        _one_of(row["verdict"], VERDICTS),
        None if row["scan_type"] is None else _one_of(row["scan_type"], SCAN_TYPES),
        None if row["tool"] is None else _text(row["tool"])[:40],
        _count(row["contacts"]),
        clock.iso(last),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError
    return value


def _one_of(value: object, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise ValueError
    return value


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_COUNT:
        raise ValueError
    return value


def _counts(value: object, words: tuple[str, ...]) -> dict[str, int]:
    if not isinstance(value, dict):
        raise TypeError
    return {_one_of(name, words): _count(number) for name, number in value.items()}
