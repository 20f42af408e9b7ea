"""What the package databases said last time, in a file of our own that is only a shortcut.

It is good for one state of the databases (`key`). A file that is damaged, foreign or of another
state is passed over, and where none can be written there is none: no error comes from here.
"""

import os
import stat
from binascii import crc32
from collections.abc import Collection

from portbook.model import Package

_FIRST = b"portbook-packages/1"
_FILE = "packages"
_LARGEST = 1 << 20
_MOST = 4096
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def folder() -> str | None:
    """Our cache folder (XDG base directory specification); None without a home."""
    own = os.environ.get("PORTBOOK_CACHE_HOME")
    if own:
        return own if own.startswith("/") else None
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if cache.startswith("/"):
        return f"{cache}/portbook"
    home = os.path.expanduser("~")
    return f"{home}/.cache/portbook" if home.startswith("/") else None


def load(key: str) -> dict[str, Package | None]:
    """Packages by path as they were found in this state of the databases; empty if unknown."""
    try:
        data = _read()
    except (OSError, ValueError):
        return {}
    first, _, rest = data.partition(b"\0")
    checksum, _, body = rest.partition(b"\0")
    if first != _FIRST or checksum != b"%08x" % crc32(body):
        return {}
    found, *fields = body.decode("utf-8", "surrogateescape").split("\0")
    if found != key or len(fields) % 4:
        return {}
    quads = zip(fields[::4], fields[1::4], fields[2::4], fields[3::4], strict=True)
    return {
        path: Package(manager, name, version or None) if manager else None
        for path, manager, name, version in quads
    }


def save(key: str, known: dict[str, Package | None], *, keep: Collection[str]) -> None:
    """Keep `known` for the next time; of too many, only those of `keep`."""
    if len(known) > _MOST:
        known = {path: known[path] for path in list(keep)[:_MOST] if path in known}
    fields = [key]
    for path, package in known.items():
        if package:
            fields += (path, package.manager, package.name, package.version or "")
        else:
            fields += (path, "", "", "")
    body = "\0".join(fields).encode("utf-8", "surrogateescape")
    data = b"%s\0%08x\0%s" % (_FIRST, crc32(body), body)
    if len(data) <= _LARGEST:
        try:
            _write(data)
        except (OSError, ValueError):
            return


def _read() -> bytes:
    place = _open_folder()
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(_FILE, flags, dir_fd=place)
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or not _ours(found) or found.st_size > _LARGEST:
                raise PermissionError("not our cache")
            return os.read(file, _LARGEST)
        finally:
            os.close(file)
    finally:
        os.close(place)


def _write(data: bytes) -> None:
    _make_folder()
    place = _open_folder()
    new = f"{_FILE}.new"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            file = os.open(new, flags, 0o600, dir_fd=place)
        except FileExistsError:
            # Another one is writing, or died doing so: the next one will find the way clear.
            os.unlink(new, dir_fd=place)
            return
        try:
            whole = os.write(file, data) == len(data)
        except OSError:
            whole = False
        finally:
            os.close(file)
        if whole:
            os.rename(new, _FILE, src_dir_fd=place, dst_dir_fd=place)
        else:
            os.unlink(new, dir_fd=place)
    finally:
        os.close(place)


def _open_folder() -> int:
    """A descriptor of the cache folder.

    Raises:
        OSError: there is none, it is a link, or others could have put something there.
    """
    path = folder()
    if path is None:
        raise FileNotFoundError("no home")
    place = os.open(path, _FOLDER_FLAGS)
    if not _ours(os.fstat(place)):
        os.close(place)
        raise PermissionError("not our cache folder")
    return place


def _make_folder() -> None:
    """Make the cache folder, but not in a foreign home: root may run with a user's HOME."""
    path = folder()
    if path is None or os.path.isdir(path):
        return
    above = os.path.dirname(path)
    while above not in ("", "/") and not os.path.isdir(above):
        above = os.path.dirname(above)
    if os.stat(above or "/").st_uid not in (0, os.geteuid()):
        raise PermissionError("not our home")
    os.makedirs(path, 0o700, exist_ok=True)


def _ours(found: os.stat_result) -> bool:
    """Whether nobody else can have written it."""
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022
