"""Readings kept by the content of their files, so that an unchanged file is read once.

One file per project, JSON behind a checksum. What is damaged, foreign or of another portbook is
left aside without a word: it is a cache.
"""

import contextlib
import json
import os
from hashlib import blake2b

from portbook.lint import parts
from portbook.lint.reading import Fault, Reading
from portbook.model.declared import Declared, Place
from portbook.model.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KINDS: "tuple[type[Any], ...]" = (Reading, Fault, Declared, Place, *parts.KEPT)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS, start=1)}
_MOST_BYTES = 64 << 20
_SIZE = 16


def digest(form: str, path: str, data: bytes) -> str:
    """The name of a reading: what was read, as what, and where places in it are."""
    found = blake2b(data, digest_size=_SIZE)
    found.update(f"\0{form}\0{path}".encode("utf-8", "surrogateescape"))
    return found.hexdigest()


class Cache:
    """The kept readings of one project; `root` names it.

    `folder` is where caches are kept (XDG_CACHE_HOME): it is made when there is something to keep.
    """

    def __init__(self, root: str, folder: str | None = None) -> None:
        name = blake2b(os.fsencode(root), digest_size=_SIZE).hexdigest()
        self._folder = cache_folder() if folder is None else folder
        self._path = f"{self._folder}/{name}.json"
        self._kept: dict[str, Any] = _load(self._path)
        self._used: dict[str, Any] = {}
        self._changed = False

    def get(self, name: str) -> Reading | None:
        """A kept reading, None where there is none."""
        kept = self._kept.get(name)
        if kept is None:
            return None
        self._used[name] = kept
        try:
            found = _decode(kept)
        except (TypeError, IndexError, ValueError):
            return None
        return found if isinstance(found, Reading) else None

    def put(self, name: str, reading: Reading) -> None:
        """Keep a reading from now on."""
        self._used[name] = _encode(reading)
        self._changed = True

    def save(self) -> None:
        """Write what was used or added, in one step; where that cannot be, nothing happens."""
        if not self._changed and len(self._used) == len(self._kept):
            return
        body = json.dumps({"of": _stamp(), "readings": self._used}, separators=(",", ":")).encode()
        if len(body) > _MOST_BYTES:
            return
        beside = f"{self._path}.{os.getpid()}.new"
        with contextlib.suppress(OSError):
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            try:
                with open(beside, "wb", opener=_private) as file:
                    file.write(blake2b(body, digest_size=_SIZE).digest() + body)
                os.replace(beside, self._path)
            except OSError:
                os.unlink(beside)
                raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)


def cache_folder() -> str:
    """`portbook/lint` in PORTBOOK_DATA_HOME, XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("PORTBOOK_DATA_HOME")
    if own:
        return f"{own}/lint-cache"
    found = os.environ.get("XDG_CACHE_HOME", "")
    if not found.startswith("/"):
        found = os.path.expanduser("~/.cache")
    return f"{found}/portbook/lint"


def _load(path: str) -> "dict[str, Any]":
    from portbook.lint.walk import read_regular

    data = read_regular(path, _MOST_BYTES + _SIZE)
    if isinstance(data, str) or blake2b(data[_SIZE:], digest_size=_SIZE).digest() != data[:_SIZE]:
        return {}
    try:
        body = json.loads(data[_SIZE:])
    except (ValueError, RecursionError):
        return {}
    if not isinstance(body, dict) or body.get("of") != _stamp():
        return {}
    kept = body.get("readings")
    return kept if isinstance(kept, dict) else {}


def _stamp() -> str:
    """What a reading depends on beside its file: the version, and the readers as they are here."""
    here = os.path.dirname(__file__)
    found = blake2b(__version__.encode(), digest_size=_SIZE)
    for folder in (here, f"{here}/readers"):
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith(".py"):
                    about = entry.stat()
                    found.update(f"{entry.name} {about.st_size} {about.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _encode(value: "Any") -> "Any":
    """A value as JSON: a record is a list that begins with its kind's number, a tuple with 0."""
    number = _NUMBERS.get(type(value))
    if number is not None:
        return [number, *map(_encode, value)]
    return [0, *map(_encode, value)] if isinstance(value, tuple) else value


def _decode(value: "Any") -> "Any":
    if type(value) is not list:
        return value
    number, *fields = value
    if number == 0:
        return tuple([_decode(each) if type(each) is list else each for each in fields])
    return _KINDS[number - 1](*[_decode(each) if type(each) is list else each for each in fields])
