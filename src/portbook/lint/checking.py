"""From a folder to a project: finding its files, reading each, joining what belongs together."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence

from portbook.lint.cache import Cache, digest
from portbook.lint.project import Project
from portbook.lint.readers import forms_of, is_certain, reader_of
from portbook.lint.reading import Fault, Reading
from portbook.lint.source import MOST_BYTES, Source, Unreadable
from portbook.lint.walk import MOST_TOTAL, inside, read_regular, walk
from portbook.model import Gap
from portbook.model.declared import Declared
from portbook.model.record import Record

MOST_DECLARED = 5_000
"""Ports of one file; whoever wrote more of them by hand has other worries."""


class Checked(Record):
    """A project that was read; `files` is how many files declare something, or should have."""

    project: Project
    gaps: tuple[Gap, ...]
    files: int


def read_project(
    root: str,
    below: Sequence[str] = ("",),
    *,
    exclude: "Callable[[str], bool] | None" = None,
    cache: Cache | None = None,
    contents: "Mapping[str, bytes] | None" = None,
) -> Checked:
    """Everything that the files below a folder declare.

    Args:
        root: the folder, absolute and without links in it.
        below: files and folders of it, relative; "" is all of it.
        exclude: whether a path is left out; a folder's ends in `/`.
        cache: where readings are kept.
        contents: the bytes of some files (relative paths) that count instead of their own: what
            an editor holds, or what a fix would write.
    """
    from portbook.lint.stacks import stacks_of

    walked = walk(root, below, exclude=exclude)
    files = _Files(root, cache, contents)
    readings: dict[str, Reading] = {}
    for path in sorted({*walked.files, *(contents or ())}):
        forms = forms_of(path.rpartition("/")[2])
        reading = files.read(path, forms)
        if reading is not None:
            readings[path] = reading
        elif path in below and not forms:
            files.gaps.append(Gap(path, "no file of this name is read", "docs/lint/formats.md"))
    stacks = stacks_of(readings, files.load)
    if cache is not None:
        cache.save()
    declared = [each for reading in readings.values() for each in reading.declared]
    declared += stacks.declared
    declared = sorted(set(declared), key=_by_place)
    faults = [(path, each) for path, reading in readings.items() for each in reading.faults]
    faults += stacks.faults
    gaps = [*walked.gaps, *files.gaps, *dict.fromkeys(_gap(path, each) for path, each in faults)]
    project = Project(readings, tuple(declared), stacks.stacks, files.lines)
    told = sum(1 for each in readings.values() if each.declared or each.parts or each.faults)
    return Checked(project, tuple(gaps), told)


def _by_place(each: Declared) -> tuple[object, ...]:
    place = each.place
    return (place.path, place.line, place.column, each.first, each.last, each.role, each.who)


def _gap(path: str, fault: Fault) -> Gap:
    where = path if fault.line is None else f"{path}:{fault.line}"
    return Gap(where, fault.why, "the other files were checked")


class _Files:
    """The files of one project: read once, within a limit of all together."""

    def __init__(
        self, root: str, cache: Cache | None, contents: "Mapping[str, bytes] | None" = None
    ) -> None:
        self.gaps: list[Gap] = []
        self._root = root
        self._cache = cache
        self._data: dict[str, bytes | str] = dict(contents or {})
        self._total = 0
        self._loaded: dict[tuple[str, str], Reading | None] = {}

    def _bytes(self, path: str) -> bytes | str:
        """The content of a file, or why there is none."""
        found = self._data.get(path)
        if found is None:
            whole = f"{self._root}/{path}"
            if os.path.islink(whole) and not inside(self._root, path):
                found = "the link leads out of the folder"
            elif self._total >= MOST_TOTAL:
                found = f"all files together are longer than {MOST_TOTAL >> 20} MiB"
            else:
                found = read_regular(whole, MOST_BYTES)
            self._total += len(found)
            self._data[path] = found
        return found

    def read(self, path: str, forms: Sequence[str]) -> Reading | None:
        """What the readers of some forms make of a file; None where none of them wants it."""
        data = self._bytes(path)
        if isinstance(data, str):
            # A link whose file is gone declares nothing; everything else is told.
            if data not in (os.strerror(errno.ENOENT), "it is no file"):
                self.gaps.append(Gap(path, data))
            return None
        name = ""
        if self._cache is not None:
            name = digest(",".join(forms), path, data)
            kept = self._cache.get(name)
            if kept is not None:
                return kept if kept != Reading() else None
        found = _read(path, data, forms)
        if self._cache is not None:
            self._cache.put(name, found or Reading())
        return found

    def load(self, path: str, form: str) -> Reading | None:
        """A further file of the project, read as `form`; None where it is absent or outside."""
        path = os.path.normpath(path).replace(os.sep, "/")
        if path.startswith(("../", "/")) or path in (".", ".."):
            return None
        key = (path, form)
        if key not in self._loaded:
            there = os.path.lexists(f"{self._root}/{path}") and inside(self._root, path)
            self._loaded[key] = self.read(path, (form,)) if there else None
        return self._loaded[key]

    def lines(self, path: str) -> list[str]:
        """The lines of a file that was read; none of others."""
        data = self._data.get(path)
        if not isinstance(data, bytes):
            return []
        return [line.removesuffix("\r") for line in _decoded(data).split("\n")]

    def content(self, path: str) -> bytes | None:
        """The bytes of a file as they were read."""
        data = self._data.get(path)
        return data if isinstance(data, bytes) else None


def _decoded(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")


def _read(path: str, data: bytes, forms: Sequence[str]) -> Reading | None:
    """The reading of all readers that want a file, put together."""
    try:
        source = Source(path, data)
    except Unreadable as fault:
        # A name such as site.conf may be anybody's: told only where a reader would have taken it.
        loose = Source(path, data.replace(b"\0", b" ").decode("utf-8", "replace").encode())
        if not is_certain(loose.name) and not any(_wants(form, loose) for form in forms):
            return None
        return Reading(faults=(Fault(fault.line, str(fault)),))
    found: Reading | None = None
    for form in forms:
        if not _wants(form, source):
            continue
        try:
            reading = reader_of(form).read(source)
        except Unreadable as fault:
            reading = Reading(faults=(Fault(fault.line, str(fault)),))
        if len(reading.declared) > MOST_DECLARED:
            beyond = reading.declared[MOST_DECLARED]
            left = Fault(beyond.place.line, f"over {MOST_DECLARED} ports: the rest was left out")
            cut = reading.declared[:MOST_DECLARED]
            reading = reading._replace(declared=cut, faults=(*reading.faults, left))
        if found is None:
            found = reading
        else:
            found = Reading(
                found.declared + reading.declared,
                found.parts + reading.parts,
                tuple(dict.fromkeys(found.faults + reading.faults)),
            )
    return found


def _wants(form: str, source: Source) -> bool:
    """Whether a reader takes a file whose name it may want."""
    wants = getattr(reader_of(form), "wants", None)
    return wants is None or bool(wants(source))
