"""rpm's SQLite database: an index of file names leads to package headers, which are parsed here.

A header is what rpm's package format documents: two counts, entries of (tag, type, offset, count),
and the data that they point into, all big-endian. The file is opened read-only and immutable, so
that no lock is taken and nothing is written beside it.
"""

import struct

from portbook.host import Host, clock
from portbook.model import Package, Unknown
from portbook.owners.packages import TOO_SLOW, Found, text, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

FOLDERS = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
_LARGEST = 1 << 26
_MOST_NAMESAKES = 256
_DAMAGED = Unknown("unreadable", "rpm's database is damaged: try rpm --verifydb")
_CHANGING = Unknown("unreadable", "rpm is changing its database, or was interrupted: look again")
_OLD_FORM = Unknown(
    "unsupported", "rpm's database is no SQLite one here: rpm --rebuilddb can make it one"
)

_NAME, _VERSION, _RELEASE, _EPOCH = 1000, 1001, 1002, 1003
_STATES, _FOLDER_OF, _NAMES, _FOLDERS = 1029, 1116, 1117, 1118
_CHAR, _INT8, _INT32, _STRING, _STRINGS = 1, 2, 4, 6, 8
# The file was taken over by another package, or was never put on the disk.
_NOT_HERE = (1, 2)


class Header:
    """The entries of one package's header, each read when it is asked for.

    Raises:
        ValueError: the counts do not fit the bytes.
    """

    def __init__(self, blob: bytes) -> None:
        if len(blob) < 8:
            raise ValueError("no header")
        entries, size = struct.unpack_from(">II", blob)
        if entries > 0xFFFF or 8 + entries * 16 + size > len(blob):
            raise ValueError("the header is cut off")
        self._data = blob[8 + entries * 16 : 8 + entries * 16 + size]
        self._entries = {
            tag: (kind, offset, count)
            for tag, kind, offset, count in struct.iter_unpack(">IIII", blob[8 : 8 + entries * 16])
            if offset <= size
        }
        self._lists: dict[int, list[bytes]] = {}

    def strings(self, tag: int) -> list[bytes]:
        """A text, or a list of texts; empty where there is none."""
        if tag not in self._lists:
            kind, offset, count = self._entries.get(tag, (0, 0, 0))
            found: list[bytes] = []
            if kind in (_STRING, _STRINGS) and count:
                count = min(count, len(self._data) - offset)
                found = self._data[offset:].split(b"\0", count)[:count]
            self._lists[tag] = found
        return self._lists[tag]

    def number(self, tag: int, index: int = 0) -> int | None:
        """One number of a list; None where there is none."""
        kind, offset, count = self._entries.get(tag, (0, 0, 0))
        width = {_CHAR: 1, _INT8: 1, _INT32: 4}.get(kind, 0)
        start = offset + index * width
        if not width or not 0 <= index < count or start + width > len(self._data):
            return None
        return int.from_bytes(self._data[start : start + width], "big")

    def has(self, index: int) -> bool:
        """Whether the package has a file of that number."""
        return 0 <= index < len(self.strings(_NAMES))

    def path(self, index: int) -> bytes | None:
        """The path of a file, None where it has none or is not on the disk as this package's."""
        names, folders = self.strings(_NAMES), self.strings(_FOLDERS)
        folder = self.number(_FOLDER_OF, index)
        if self.number(_STATES, index) in _NOT_HERE:
            return None
        if folder is None or not self.has(index) or folder >= len(folders):
            return None
        return folders[folder] + names[index]

    def package(self) -> Package | None:
        """Name, and version as [epoch:]version-release."""
        name, version = self.strings(_NAME), self.strings(_VERSION)
        if not name or not name[0]:
            return None
        number = b"-".join([*version[:1], *self.strings(_RELEASE)[:1]])
        epoch = self.number(_EPOCH)
        if number and epoch is not None:
            number = b"%d:%s" % (epoch, number)
        return Package("rpm", text(name[0]), text(number) or None)


def find(host: Host, wanted: dict[bytes, str], until: float) -> Found:
    """The packages of `wanted`, which maps each spelling of a path to the path itself."""
    for folder in FOLDERS:
        file = f"{folder}/rpmdb.sqlite"
        try:
            host.stamp(file)
        except FileNotFoundError:
            continue
        except OSError as error:
            return Found({}, unreadable(error, file))
        try:
            if host.stamp(f"{file}-wal")[1]:
                return Found({}, _CHANGING)
        except OSError:
            pass
        try:
            return _search(host.on_disk(file), wanted, until)
        except ImportError:
            return Found({}, Unknown("unsupported", "this Python has no sqlite3"))
        except OSError as error:
            return Found({}, unreadable(error, file))
    return Found({}, _OLD_FORM)


def _search(file: str, wanted: dict[bytes, str], until: float) -> Found:
    import sqlite3

    found: dict[str, Package] = {}
    with open(file, "rb"):  # who may not read it shall be told so, and not that it is damaged
        pass
    address = "".join(f"%{ord(sign):02x}" if sign in "%?#" else sign for sign in file)
    try:
        database = sqlite3.connect(f"file:{address}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error:
        return Found({}, _DAMAGED)
    try:
        database.text_factory = bytes
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
        database.set_progress_handler(lambda: clock.monotonic() > until, 10_000)
        return Found(found, _collect(database, wanted, until, found))
    # A damaged schema may be quoted in an error message that is no UTF-8: a ValueError.
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, MemoryError):
        return Found(found, TOO_SLOW if clock.monotonic() > until else _DAMAGED)
    finally:
        database.close()


def _collect(
    database: "Connection", wanted: dict[bytes, str], until: float, found: dict[str, Package]
) -> Unknown | None:
    """Put the packages into `found`; the doubt about the others, if there is one."""
    doubt: Unknown | None = None
    headers: dict[int, Header | None] = {}
    for name in {spelling.rpartition(b"/")[2] for spelling in wanted}:
        rows = database.execute(
            "SELECT hnum, idx FROM Basenames WHERE key = CAST(? AS TEXT) LIMIT ?",
            (name, _MOST_NAMESAKES),
        ).fetchall()
        if len(rows) == _MOST_NAMESAKES:
            doubt = doubt or Unknown("unreadable", "too many files of that name")
        for number, index in rows:
            if clock.monotonic() > until:
                return TOO_SLOW
            if number not in headers:
                headers[number] = _header(database, number)
            header = headers[number]
            if header is None or not isinstance(index, int) or not header.has(index):
                doubt = doubt or _DAMAGED
                continue
            path = wanted.get(header.path(index) or b"")
            package = header.package()
            if path is not None and package and path not in found:
                found[path] = package
    return doubt


def _header(database: "Connection", number: object) -> Header | None:
    row = database.execute("SELECT blob FROM Packages WHERE hnum = ?", (number,)).fetchone()
    try:
        return Header(row[0]) if row and isinstance(row[0], bytes) else None
    except ValueError:
        return None
