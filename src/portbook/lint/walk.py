"""Which files of a folder are read: those whose names a reader wants, within limits.

Links to folders are not followed, so that no loop of links has an end to wait for. Folders that
`.gitignore` excludes are not entered: they are build output and other people's packages. Files
that it excludes are read all the same, since `.env` and compose overrides are kept out of version
control and take ports on this machine.
"""

import os
import stat
from collections.abc import Iterable, Sequence
from functools import cache

from portbook.lint.readers import is_wanted
from portbook.lint.source import MOST_BYTES
from portbook.model import Gap
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pathspec import GitIgnoreSpec

MOST_FILES = 20_000
MOST_ENTRIES = 2_000_000
MOST_TOTAL = 64 << 20
"""Bytes of all files together; they are kept in memory to be shown."""
_MOST_GAPS = 100
_SKIPPED = frozenset(
    (
        *(".git", ".hg", ".svn", ".jj", "node_modules", "bower_components", "__pycache__"),
        *("vendor", ".venv", "venv", ".tox", ".nox", ".terraform", ".gradle", ".next", ".nuxt"),
        *(".svelte-kit", ".mypy_cache", ".ruff_cache", ".pytest_cache", "site-packages"),
        *(".direnv", ".cache"),
    )
)


class Walked(Record):
    """The files to read, relative to the root with `/`, sorted; and what was left out."""

    files: tuple[str, ...]
    gaps: tuple[Gap, ...]


def walk(
    root: str, below: Sequence[str] = ("",), *, exclude: "Callable[[str], bool] | None" = None
) -> Walked:
    """The files below `root` that some reader may want.

    Args:
        root: an absolute path of a folder, without links in it.
        below: files and folders relative to `root` to look at; a file is taken whatever it is.
        exclude: whether a path is left out; a folder's ends in `/`.
    """
    found: set[str] = set()
    gaps: list[Gap] = []
    for start in below:
        path = os.path.join(root, start) if start else root
        if os.path.isdir(path):
            _folder(root, start, found, gaps, exclude)
        else:
            found.add(start)
    if len(found) > MOST_FILES:
        gaps.append(Gap("files to read", f"{len(found) - MOST_FILES} more than {MOST_FILES}"))
    if len(gaps) > _MOST_GAPS:
        more = Gap("folders", f"{len(gaps) - _MOST_GAPS} more could not be read")
        gaps = [*gaps[:_MOST_GAPS], more]
    return Walked(tuple(sorted(found)[:MOST_FILES]), tuple(gaps))


def _folder(
    root: str,
    start: str,
    found: set[str],
    gaps: list[Gap],
    exclude: "Callable[[str], bool] | None",
) -> None:
    seen = 0
    # (folder, what .gitignore says above it: (the folder it speaks of, its patterns)).
    todo = [(start, _ignored_above(root, start))]
    while todo:
        folder, ignored = todo.pop()
        path = os.path.join(root, folder) if folder else root
        try:
            entries = list(os.scandir(path))
        except OSError as error:
            gaps.append(Gap(folder or ".", error.strerror or str(error), "read as its owner"))
            continue
        seen += len(entries)
        if seen > MOST_ENTRIES:
            gaps.append(Gap(folder or ".", f"over {MOST_ENTRIES} files and folders: the rest"))
            return
        prefix = f"{folder}/" if folder else ""
        below = []
        for entry in entries:
            name = entry.name
            if name == ".gitignore":
                ignored = (*ignored, (folder, _read_ignored(entry.path)))
            # A name is cheaper to look at than what it leads to: most files are not wanted.
            if is_wanted(name) and not entry.is_dir(follow_symlinks=False):
                if entry.is_symlink() and os.path.isdir(entry.path):
                    continue
                if exclude is None or not exclude(prefix + name):
                    found.add(prefix + name)
            elif name not in _SKIPPED and entry.is_dir(follow_symlinks=False):
                below.append(prefix + name)
        todo += [
            (each, ignored)
            for each in below
            if not _is_ignored(each, ignored) and (exclude is None or not exclude(each + "/"))
        ]


Ignored = tuple[tuple[str, "GitIgnoreSpec | None"], ...]


def _is_ignored(folder: str, ignored: Ignored) -> bool:
    """Whether a folder is excluded; the file nearest to it has the last word."""
    for base, spec in reversed(ignored):
        if spec is None:
            continue
        inside = folder[len(base) + 1 :] if base else folder
        said = spec.check_file(inside + "/").include
        if said is not None:
            return said
    return False


def _ignored_above(root: str, start: str) -> Ignored:
    """What the .gitignore files between the root and a folder below it say."""
    found = []
    here = ""
    for part in start.split("/") if start else ():
        spec = _read_ignored(os.path.join(root, here, ".gitignore"))
        if spec is not None:
            found.append((here, spec))
        here = f"{here}/{part}" if here else part
    return tuple(found)


def _read_ignored(path: str) -> "GitIgnoreSpec | None":
    data = read_regular(path, MOST_BYTES)
    if not isinstance(data, bytes):
        return None
    return _spec(data.decode("utf-8", "replace").splitlines())


def _spec(lines: Iterable[str]) -> "GitIgnoreSpec | None":
    kept = tuple(line for line in lines if line.strip() and not line.startswith("#"))
    return _compiled(kept) if kept else None


@cache
def _compiled(lines: tuple[str, ...]) -> "GitIgnoreSpec | None":
    from pathspec import GitIgnoreSpec

    found = []
    for line in lines:
        # A pattern that git would not take either says nothing.
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        found.append(line)
    return GitIgnoreSpec.from_lines(found)


def read_regular(path: str, limit: int) -> bytes | str:
    """The bytes of a plain file, or why there are none: it is no file, too long, or unreadable.

    A pipe or a device is not waited for.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
    try:
        about = os.fstat(number)
        if not stat.S_ISREG(about.st_mode):
            return "it is no file"
        if about.st_size > limit:
            return f"longer than {limit >> 20} MiB"
        data = b""
        while chunk := os.read(number, limit + 1 - len(data)):
            data += chunk
            if len(data) > limit:
                return f"longer than {limit >> 20} MiB"
    except OSError as error:
        return error.strerror or str(error)
    else:
        return data
    finally:
        os.close(number)


def inside(root: str, path: str) -> bool:
    """Whether what `path` (relative to `root`) leads to lies below `root`."""
    real = os.path.realpath(os.path.join(root, path))
    return real == root or real.startswith(root.rstrip("/") + "/")
