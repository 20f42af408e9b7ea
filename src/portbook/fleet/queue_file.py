"""The queue of an agent on disk: a journal, each line with its checksum.

What was not finished when the agent was killed is one line without its end: that line is left out,
and all before it holds. Nothing is flushed to the disk itself: after a power cut the machine has
started anew, and then everything is reported again in any case. A file that is damaged further up,
or that is another host's, is set aside; a disk that takes no more is told once, and the agent goes
on in memory.
"""

import fcntl
import json
import os
import zlib

from portbook.fleet.queue import Base, Delta, Queue
from portbook.fleet.table import table_hash
from portbook.host.folders import state_folder
from portbook.model import EnvironmentFault
from portbook.model.fleet import FleetRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from portbook.fleet.queue import Outgoing

SCHEMA = "portbook/fleet-agent-state/1"
LARGEST = 256 << 20
"""Bytes of a file that are read: 200,000 rows and a full queue are half of it."""
_SLACK = 64 << 10
_TEXT_FIELDS = tuple(
    FleetRow._fields.index(name) for name in ("transport", "address", "netns", "state", "reach")
)


class Damaged(Exception):
    """The file is not what an agent wrote, or not all of it; the message says where."""


class QueueFile:
    """The journal of one agent, which no other agent may have open."""

    def __init__(self, host: str, instance: str, tell: "Callable[[str], None]") -> None:
        self._host = host
        self._instance = instance
        self._tell = tell
        self.path = default_path()
        self._lock = -1
        self._fd = -1
        self._size = 0
        self._snapshot = 0
        self._failed = ""

    def open(self) -> Queue:
        """What was left; an empty queue where nothing was, or nothing that can be used.

        Raises:
            EnvironmentFault: another agent has it open.
        """
        self._take()
        try:
            with open(self.path, "rb") as file:
                data = file.read(LARGEST + 1)
        except FileNotFoundError:
            return Queue()
        except OSError as error:
            self._fail(error)
            return Queue()
        try:
            queue, size = restored(data, self._host, self._instance)
        except Damaged as why:
            self._set_aside(str(why))
            return Queue()
        if queue is None:
            return Queue()
        self._continue(size)
        return queue

    def _take(self) -> None:
        path = f"{self.path}.lock"
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            self._fail(error)
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EnvironmentFault(
                f"another agent runs with {self.path}",
                hint="end it, or give this one a PORTBOOK_DATA_HOME of its own",
            ) from None

    def _set_aside(self, why: str) -> None:
        aside = f"{self.path}.damaged"
        try:
            os.replace(self.path, aside)
        except OSError as error:
            self._fail(error)
            return
        self._tell(f"{self.path} {why}: set aside as {aside}, everything is reported again")

    def _continue(self, size: int) -> None:
        try:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            os.ftruncate(self._fd, size)
            os.lseek(self._fd, size, os.SEEK_SET)
        except OSError as error:
            self._fail(error)
            return
        self._size = self._snapshot = size

    def added(self, queue: Queue, deltas: "Iterable[Delta]") -> None:
        """The queue has these changes more."""
        self._append(queue, b"".join(_line({"delta": _plain_delta(each)}) for each in deltas))

    def kept(self, queue: Queue, out: "Outgoing", *, change: bool) -> None:
        """A report is in the store; with `change` it was the first of the queue."""
        note = {"kept": [out.seq, out.delta.at_ms, int(change)]}
        if self._size > 2 * self._snapshot + _SLACK:
            self.rewrite(queue)
        else:
            self._append(queue, _line(note))

    def _append(self, queue: Queue, data: bytes) -> None:
        if self._fd < 0:
            # The disk took no more, or there is nothing yet: everything, where it works again.
            self.rewrite(queue)
            return
        try:
            _write(self._fd, data)
        except OSError as error:
            self._fail(error)
            return
        self._size += len(data)

    def rewrite(self, queue: Queue) -> None:
        """Write everything to a new file, which then takes the place of the old one."""
        if self._lock < 0 or queue.base is None:
            return
        new, fd = f"{self.path}.new", -1
        try:
            fd = os.open(
                new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            size = 0
            for line in lines_of(queue, self._host, self._instance):
                _write(fd, line)
                size += len(line)
            os.replace(new, self.path)
        except OSError as error:
            if fd >= 0:
                os.close(fd)
                _remove(new)
            self._fail(error)
            return
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._size, self._snapshot = fd, size, size
        if self._failed:
            self._failed = ""
            self._tell(f"{self.path} can be written again")

    def _fail(self, error: OSError) -> None:
        if self._fd >= 0:
            # What is behind the last whole line is left out when it is read.
            os.close(self._fd)
            self._fd = -1
        said = error.strerror or str(error)
        if said != self._failed:
            self._tell(f"{self.path}: {said}; what waits is kept in memory alone")
        self._failed = said

    def close(self) -> None:
        """Let another agent have it."""
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1


def default_path() -> str:
    """Where an agent keeps its queue."""
    return f"{state_folder()}/fleet-agent.state"


def peek(path: str) -> "tuple[Queue, str, str] | None":
    """What an agent left, with its host and instance, for who only looks; None: nothing is there.

    Raises:
        Damaged: as `restored`.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    heading = _entry(data.partition(b"\n")[0]) or {}
    host, instance = str(heading.get("host")), str(heading.get("instance"))
    queue, _ = restored(data, host, None)
    return (queue, host, instance) if queue else None


def is_open(path: str) -> bool:
    """Whether an agent has it open."""
    try:
        lock = os.open(f"{path}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def lines_of(queue: Queue, host: str, instance: str) -> "Iterable[bytes]":
    """A queue as the lines of a file."""
    base = queue.base
    if base is None:
        return
    yield _line({"schema": SCHEMA, "host": host, "instance": instance})
    rows = [list(row) for row in base.table.values()]
    yield _line({"base": [base.seq, base.hash, base.at_ms, int(base.synced), rows]})
    for delta in queue.deltas:
        yield _line({"delta": _plain_delta(delta)})


def restored(data: bytes, host: str, instance: str | None) -> tuple[Queue | None, int]:
    """A queue from a file, and how many bytes of it are good; no queue from another start.

    Moments of another start of the machine mean nothing here, nor does what another network
    namespace showed. `instance` None takes any.

    Raises:
        Damaged: it is no such file, or a line other than the last is not what was written.
    """
    if len(data) > LARGEST:
        raise Damaged(f"is larger than {LARGEST >> 20} MB")
    good = 0
    found: list[Any] = []
    lines = data.split(b"\n")
    # What has no end is the line at which the agent was killed, or nothing.
    for number, line in enumerate(lines[:-1], 1):
        entry = _entry(line)
        if entry is None:
            raise Damaged(f"is damaged in line {number}")
        found.append(entry)
        good += len(line) + 1
    if len(found) < 2:
        raise Damaged("is damaged: it has no table")
    try:
        return _replayed(found, host, instance), good
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise Damaged("is damaged: its lines do not fit together") from None


def _replayed(found: "list[Any]", host: str, instance: str | None) -> Queue | None:
    heading = found[0]
    if heading["schema"] != SCHEMA:
        raise Damaged(f"is of another version ({str(heading['schema'])[:60]})")
    if heading["host"] != host:
        raise Damaged(f"is that of host {str(heading['host'])[:63]}")
    if instance is not None and heading["instance"] != instance:
        return None
    seq, hashed, at_ms, synced, rows = found[1]["base"]
    table = {row.key: row for row in map(_row, rows)}
    _require(all(isinstance(each, int) for each in (seq, hashed, at_ms)))
    _require(len(table) == len(rows) and table_hash(table.values()) == hashed)
    queue = Queue(Base(seq, hashed, at_ms, bool(synced), table))
    for entry in found[2:]:
        if "delta" in entry:
            rows, gone, after, total, at_ms = entry["delta"]
            _require(all(isinstance(each, int) for each in (after, total, at_ms)))
            made = Delta(
                tuple(map(_row, rows)), tuple(_key(each) for each in gone), after, total, at_ms
            )
            queue.restore(made)
        else:
            number, at_ms, change = entry["kept"]
            _require(isinstance(number, int) and isinstance(at_ms, int))
            queue.restore_kept(number, at_ms, change=bool(change))
    _require(table_hash(queue.newest.values()) == queue.hash)
    return queue


def _require(fits: bool) -> None:  # noqa: FBT001 - it is what is required
    if not fits:
        raise ValueError


def _row(values: "list[Any]") -> FleetRow:
    row = FleetRow(*values)
    _require(all(isinstance(row[field], str) for field in _TEXT_FIELDS))
    return row


def _key(values: "list[Any]") -> "Any":
    netns, transport, address, port, inode = values
    return (netns, transport, address, port, inode)


def _plain_delta(delta: Delta) -> "list[Any]":
    rows = [list(row) for row in delta.rows]
    return [rows, [list(key) for key in delta.gone], delta.after, delta.total, delta.at_ms]


def _line(entry: "dict[str, Any]") -> bytes:
    body = json.dumps(entry, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _entry(line: bytes) -> "dict[str, Any] | None":
    """What a line says; None where its checksum does not fit."""
    body = line[9:]
    if line[:9] != b"%08x " % zlib.crc32(body):
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        # It stays; the next writing empties it.
        return
