"""One run of an export: begins it, goes on with one that was cut short, or finds it done."""

import os
from collections.abc import Callable
from contextlib import closing

from portbook.host import clock
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.record import Record
from portbook.pages.export.contents import parts
from portbook.pages.export.fingerprint import fingerprint
from portbook.pages.export.folder import Folder
from portbook.pages.export.manifest import Done, Manifest, Part, begin, read, tell
from portbook.pages.export.plan import Plan
from portbook.pages.export.workers import START, made

Progress = Callable[[int, int], object]
"""Told how many pages are there, and how many there will be."""

GOES_ON = "the same command goes on from here"


class Export(Record):
    """What an export came to.

    `outcome`: `written`, `continued` (some of it was there), `unchanged` (all of it was). `pages`,
    `files` and `bytes` are those of the whole book without its manifest; of the bytes
    `shared_bytes` are styles, scripts, pictures and tables that pages share. `made` is how many
    pages this run made, in `seconds`.
    """

    folder: str
    outcome: str
    languages: tuple[str, ...]
    ports: int
    pages: int
    files: int
    bytes: int
    shared_bytes: int
    made: int
    seconds: float
    pages_per_second: float


class Interrupted(Exception):
    """Somebody pressed Ctrl-C. `done` of `of` pages are there; the next run goes on from them."""

    def __init__(self, done: int, of: int) -> None:
        super().__init__(f"interrupted: {done} of {of} pages are there")
        self.done = done
        self.of = of


def export(
    path: str, plan: Plan, *, jobs: int = 1, progress: Progress | None = None, start: str = START
) -> Export:
    """Make everything of the plan that is not there yet.

    Args:
        path: a folder that is new, empty, or was made by an export.
        plan: what is wanted.
        jobs: how many processes work on it.
        progress: told at the start and after each part.
        start: how processes are made, as multiprocessing calls it.

    Raises:
        NotPermitted: the folder may not be written.
        EnvironmentFault: it has other things in it, or the disk is full or read-only.
        TableFault: a table is broken.
        Interrupted: by Ctrl-C, when there is something to go on from.
    """
    began = clock.monotonic()
    folder = Folder(os.path.abspath(path))
    hint = None
    try:
        manifest = _begun(folder, plan)
        hint = GOES_ON
        done = _made(folder, manifest, jobs, progress or _nobody, start)
    except PermissionError as error:
        raise NotPermitted(_said(folder, error), hint=hint) from None
    except (FileExistsError, NotADirectoryError) as error:
        raise EnvironmentFault(f"{error.filename} is no folder") from None
    except OSError as error:
        raise EnvironmentFault(_said(folder, error), hint=hint) from None
    finally:
        folder.close()
    return _result(folder, manifest, done, clock.monotonic() - began)


def _begun(folder: Folder, plan: Plan) -> Manifest:
    """What is to be made and what is already there, of this version of everything."""
    folder.make(())
    folder.lock()
    before, now = read(folder), fingerprint(plan)
    if before is not None and before.fingerprint == now:
        return before._replace(done=_whole(folder, before))
    manifest = Manifest(now, plan, parts(plan), {})
    if before is not None:
        _remove(folder, before, manifest)
    # Before anything else is there: the folder is known by it as one of ours.
    begin(folder, manifest)
    return manifest


def _whole(folder: Folder, manifest: Manifest) -> dict[Part, Done]:
    """The parts that are done and of which every file is there with all of its bytes.

    Whoever removed a page gets it again, and so does a disk that lost what it had not yet written.
    """
    sizes = {below: folder.sizes(below) for below in ("", *manifest.folders())}
    found = {}
    for part, done in manifest.done.items():
        total = 0
        for path in manifest.files_of(part):
            below, _, name = path.rpartition("/")
            size = sizes[below].get(name)
            if size is None:
                break
            total += size
        else:
            if total == done.bytes:
                found[part] = done
    return found


def _remove(folder: Folder, before: Manifest, after: Manifest) -> None:
    """Remove what an earlier export has made and this one will not."""
    for path in set(before.files()).difference(after.files()):
        folder.remove(path)
    kept = set(after.folders())
    for below in reversed(before.folders()):
        if below not in kept:
            folder.remove_folder(below)


def _made(
    folder: Folder, manifest: Manifest, jobs: int, progress: Progress, start: str
) -> dict[Part, Done]:
    """Make what is missing, telling the manifest part by part."""
    done = dict(manifest.done)
    missing = [part for part in manifest.paths if part not in done]
    if not missing:
        return done
    pages, of = sum(each.pages for each in done.values()), manifest.pages()
    progress(pages, of)
    try:
        folder.make(manifest.folders())
        begin(folder, manifest)  # again without parts that are not whole, or half a last line
        with closing(made(manifest.plan, folder, missing, jobs=jobs, start=start)) as working:
            for part, each in working:
                tell(folder, part, each)
                done[part] = each
                pages += each.pages
                progress(pages, of)
        begin(folder, manifest._replace(done=done))
    except KeyboardInterrupt:
        raise Interrupted(pages, of) from None
    return done


def _result(folder: Folder, manifest: Manifest, done: dict[Part, Done], seconds: float) -> Export:
    new = sum(each.pages for part, each in done.items() if part not in manifest.done)
    outcome = "continued" if manifest.done else "written"
    return Export(
        folder.path,
        outcome if len(done) > len(manifest.done) else "unchanged",
        manifest.plan.languages,
        sum(last + 1 - first for first, last in manifest.plan.ports),
        sum(each.pages for each in done.values()),
        sum(each.files for each in done.values()),
        sum(each.bytes for each in done.values()),
        sum(each.bytes for part, each in done.items() if part.kind == "shared"),
        new,
        round(seconds, 3),
        round(new / seconds, 1),
    )


def _said(folder: Folder, error: OSError) -> str:
    """What went wrong where, in one line."""
    where = folder.path
    if isinstance(error.filename, str) and error.filename != where:
        where = error.filename if os.path.isabs(error.filename) else f"{where}: {error.filename}"
    return f"cannot write {where}: {error.strerror or error}"


def _nobody(done: int, of: int) -> None:
    """Tells nobody."""
