"""The user's own registry table: which one is in use, putting a new one in place, and back.

    registry/00000007/assignments.tsv, services.tsv    one import, never changed afterwards
    registry/current -> 00000007                       the one in use; without it, the built-in one
    registry/lock                                      held by whoever changes any of this

A new table is written beside the old one, forced to the disk and read back. Only then is
`current` replaced, by one rename(2): whoever is killed on the way leaves the old table in use or
the new one. The import before the present one is kept for a rollback. Numbers instead of dates
name the folders, because a clock can run backwards.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from portbook.host import clock
from portbook.model import LAST_PORT, Assignment, EnvironmentFault, NotPermitted, TableFault
from portbook.model.record import Record
from portbook.registry.changes import Changes, Summary, by_key, changes
from portbook.registry.offer import Offer, refusal
from portbook.registry.tables import (
    ASSIGNMENT_COLUMNS,
    Table,
    open_assignments,
    read_assignments,
    shipped,
    user_folder,
    write_assignments,
)

_TABLE = "assignments.tsv"
_TABLES = (_TABLE, "services.tsv")
_WAIT = 10.0
_TOLERANCE = 0.2
# Sizes are compared part by part, in the order of IANA's files: one that is cut at the end of a
# row loses a whole part before it loses a fifth of everything.
_PARTS = (
    ("assignments of ports 0-1023", 1023),
    ("assignments of ports 1024-9999", 9999),
    ("assignments of ports 10000-65535", LAST_PORT),
)
_NO_PORT = "services without a port"


class InUse(Record):
    """The table that lookups read now, and how it came here.

    `imported` is an ISO 8601 UTC time; it and `form` are None for the built-in table. `records`
    counts rows. `rollback` says what a rollback leads to: `built-in`, the source of the import
    before, or None where there is nothing to roll back.
    """

    table: str
    source: str | None
    form: str | None
    imported: str | None
    records: int
    etag: str | None
    last_modified: str | None
    rollback: str | None


class Report(Record):
    """What an update did: the document `portbook/update/1`.

    `outcome`: `imported`, `current` (there was nothing new), `rolled-back`,
    `nothing-to-roll-back`, `status`. `changes` is None unless something was imported.
    """

    outcome: str
    table: InUse
    changes: Summary | None


def in_use() -> InUse:
    """The table in use.

    Raises:
        TableFault: it is broken.
    """
    table = open_assignments()
    header = table.header
    imported = table.path != shipped(_TABLE)
    number = _current()
    return InUse(
        table="imported" if imported else "built-in",
        source=header.get("source") or header.get("what"),
        form=header.get("form"),
        imported=header.get("imported"),
        records=int(header["rows"]),
        etag=header.get("etag"),
        last_modified=header.get("last-modified"),
        rollback=_source(_before(number)) if imported and number is not None else None,
    )


def install(offer: Offer) -> Changes | None:
    """Put an offered registry into use; None when it is the imported one already.

    Raises:
        ImportRefused: its size differs too much from the table in use.
        NotPermitted: the data folder cannot be written.
        EnvironmentFault: another update runs, the disk is full, ...
    """
    with _locked():
        was = _current()
        present, sound = _present()
        _check_size(offer, present)
        # The same once more would only push the real predecessor out of reach of a rollback.
        if sound and Counter(present) == Counter(offer.assignments):
            return None
        _remove([number for number in _numbers() if was is None or number > was])
        number = max([*_numbers(), 0]) + 1
        _write(number, offer)
        _switch(number)
        _remove([old for old in _numbers() if old not in (was, number)])
        return changes(present, offer.assignments)


def roll_back() -> bool:
    """Go back to the import before, or to the built-in table; False when that is in use already.

    A kept import that is broken is passed over. What was rolled back is removed.

    Raises:
        NotPermitted: the data folder cannot be written.
        EnvironmentFault: another update runs, ...
    """
    if not os.path.lexists(_folder() / "current"):
        return False
    with _locked():
        # Another rollback may have been faster.
        if not os.path.lexists(_folder() / "current"):
            return False
        was = _current()
        _switch(None if was is None else _before(was))
        if was is not None:
            _remove([number for number in _numbers() if number >= was])
        return True


def _folder() -> Path:
    return Path(user_folder()).parent


def _current() -> int | None:
    """The number of the import in use; None when it is the built-in table."""
    try:
        name = (_folder() / "current").readlink().name
    except OSError:
        return None
    return int(name) if _is_number(name) else None


def _numbers() -> list[int]:
    """The imports that lie here whole."""
    try:
        return sorted(int(name) for name in os.listdir(_folder()) if _is_number(name))
    except OSError:
        return []


def _is_number(name: str) -> bool:
    return len(name) == 8 and name.isascii() and name.isdigit()


def _version(number: int) -> Path:
    return _folder() / f"{number:08d}"


def _before(number: int) -> int | None:
    """The newest whole import before `number`."""
    for other in reversed(_numbers()):
        if other < number:
            try:
                read_assignments(str(_version(other) / _TABLE))
            except TableFault:
                continue
            return other
    return None


def _source(number: int | None) -> str:
    if number is None:
        return "built-in"
    header = Table(str(_version(number) / _TABLE), ASSIGNMENT_COLUMNS).header
    return header.get("source", "an earlier import")


def _present() -> tuple[list[Assignment], bool]:
    """The rows in use, and whether they are those of a sound import.

    Where the import is broken the built-in rows stand in for it, so that it can be replaced.
    """
    own = _folder() / "current" / _TABLE
    if own.exists():
        try:
            return read_assignments(str(own)), True
        except TableFault:
            pass
    return read_assignments(shipped(_TABLE)), False


def _check_size(offer: Offer, present: Sequence[Assignment]) -> None:
    """Refuse what has a fifth more or less assignments than the table in use, in any part of it.

    Raises:
        ImportRefused: it has.
    """
    before, after = _sizes(present), _sizes(offer.assignments)
    for part, had in before.items():
        lost, gained = had - after[part], after[part] - had
        # Names without a port may be many or none in a table; only losing them means a cut.
        if max(lost, gained if part != _NO_PORT else 0) > had * _TOLERANCE:
            raise refusal(
                offer.source,
                f"it has {after[part]} {part}, where the table in use has {had}",
            )


def _sizes(assignments: Sequence[Assignment]) -> dict[str, int]:
    """How many named assignments each part holds, in the order of IANA's files."""
    sizes = dict.fromkeys((part for part, _ in _PARTS), 0)
    for _, port, _, _ in by_key(assignments):
        sizes[next(part for part, last in _PARTS if port <= last)] += 1
    sizes[_NO_PORT] = sum(row.port is None for row in assignments)
    return sizes


def _write(number: int, offer: Offer) -> None:
    """Write an import under its number: whole, on the disk and read back, or not at all."""
    partial = _folder() / f"{number:08d}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        header = {
            "source": offer.source,
            "form": offer.form,
            "imported": clock.iso(clock.now()),
            "etag": offer.etag,
            "last-modified": offer.last_modified,
        }
        path = str(partial / _TABLE)
        write_assignments(path, offer.assignments, {k: v for k, v in header.items() if v})
        for name in _TABLES:
            _sync(partial / name)
        _sync(partial)
        if Counter(read_assignments(path)) != Counter(offer.assignments):
            raise TableFault(f"{path} does not hold what was written")
        partial.rename(_version(number))
        _sync(_folder())
    except ValueError as why:  # from write_assignments: a row that no table can hold
        raise refusal(offer.source, why) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _switch(number: int | None) -> None:
    """Make an import the one in use, or with None the built-in table, in one step."""
    current = _folder() / "current"
    if current.is_dir() and not current.is_symlink():
        # No folder of ours: somebody put it there by hand, and nothing of theirs is deleted.
        current.rename(_folder() / f"set-aside-{clock.now():.0f}")
    if number is None:
        current.unlink(missing_ok=True)
    else:
        new = _folder() / "current.new"
        new.unlink(missing_ok=True)
        new.symlink_to(f"{number:08d}")
        new.replace(current)
    _sync(_folder())


def _remove(numbers: Sequence[int]) -> None:
    """Remove imports. Failing to is no failure: the next update tries again."""
    for number in numbers:
        shutil.rmtree(_version(number), ignore_errors=True)


def _sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _locked() -> Iterator[None]:
    """Alone in the data folder, which is made if need be; OSErrors of the work in one line.

    Raises:
        EnvironmentFault: another update holds the lock for longer than we wait.
    """
    import fcntl  # POSIX only, and not needed to look up a port

    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("ab") as lock:
            deadline = clock.monotonic() + _WAIT
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if clock.monotonic() > deadline:
                        raise EnvironmentFault("another portbook update is running") from None
                    clock.sleep(0.05)
            yield
    except PermissionError as why:
        raise NotPermitted(f"cannot write {why.filename or folder}: {why.strerror}") from None
    except OSError as why:
        raise EnvironmentFault(f"cannot write {why.filename or folder}: {why.strerror}") from None
