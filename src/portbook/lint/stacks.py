"""Compose projects: which files are taken together, and the services that they make.

In every folder the first of the default names and its override are one project, as the program
takes them. Any other compose file is a project of its own; where its services lack image and
build it is laid over the default one, as with `-f compose.yaml -f compose.prod.yaml`. Two
alternatives are never compared with one another.
"""

import posixpath
from collections.abc import Callable, Mapping

from portbook.lint.interpolation import Value, env_values
from portbook.lint.parts import ComposeFile, ComposeService
from portbook.lint.project import Stack
from portbook.lint.reading import Fault, Reading
from portbook.lint.source import Unreadable
from portbook.lint.stacks_merge import Files, put
from portbook.lint.stacks_service import make
from portbook.model.declared import ON_THE_MACHINE, Declared
from portbook.model.record import Record

_STEMS = ("compose", "docker-compose", "podman-compose")
DEFAULTS = (
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "podman-compose.yaml",
    "podman-compose.yml",
)
OVERRIDES = tuple(f"{stem}.override.{end}" for stem in _STEMS for end in ("yml", "yaml"))
"""Both in the order of the reference implementation: the first that is there is taken."""

_MOST_FILES = 50
"""Files of one project: more are no project that anybody wrote."""


class Stacks(Record):
    """Every compose project, what they declare, and (path, fault) of what was not understood."""

    stacks: tuple[Stack, ...]
    declared: tuple[Declared, ...]
    faults: tuple[tuple[str, Fault], ...]


def stacks_of(
    readings: Mapping[str, Reading], load: "Callable[[str, str], Reading | None]"
) -> Stacks:
    """The compose projects of a folder.

    Args:
        readings: every file that was read, by path.
        load: reads a further file of the project, by path and form; None where there is none.
    """
    files = Files(readings, load)
    folders: dict[str, list[str]] = {}
    for path, reading in readings.items():
        if any(isinstance(part, ComposeFile) for part in reading.parts):
            folders.setdefault(posixpath.dirname(path), []).append(path)
    made = []
    declared: dict[tuple[object, ...], Declared] = {}
    included: set[str] = set()
    groups = [group for folder, paths in folders.items() for group in _groups(folder, paths, files)]
    for group in groups:
        files.start()
        try:
            stack, own, others = _stack(group, files)
        except Unreadable as fault:
            files.fault(group[0], None, str(fault))
            continue
        included |= others
        made.append(stack)
        for each in own:
            # A file that is laid over others is read with them once more, and what is extended
            # stands in one place for several services.
            who = each.who if each.role in ON_THE_MACHINE else ""
            declared.setdefault((each.place, each.first, each.last, each.role, who), each)
    stacks = tuple(stack for stack in made if stack.files[0] not in included)
    return Stacks(stacks, tuple(declared.values()), tuple(dict.fromkeys(files.faults)))


def _groups(folder: str, paths: list[str], files: Files) -> list[list[str]]:
    """The files of each project of a folder, the lowest first."""
    left = {posixpath.basename(path): path for path in paths}
    main = _chosen(folder, left, files)
    if not main:
        main = [left[name] for name in DEFAULTS if name in left][:1]
        main += [left[name] for name in OVERRIDES if name in left][:1]
    groups = [main] if main else []
    below = main[:1]
    others = [path for path in paths if path not in main]
    return groups + [
        [*below, path] if below and _is_overlay(path, files) else [path] for path in others
    ]


def _chosen(folder: str, left: Mapping[str, str], files: Files) -> list[str]:
    """The files that COMPOSE_FILE in the folder's .env names, where all of them are there."""
    value = _values(folder, files).get("COMPOSE_FILE")
    if value is None:
        return []
    names = [name.strip().removeprefix("./") for name in value.text.replace(";", ":").split(":")]
    names = [name for name in names if name][:_MOST_FILES]
    return [left[name] for name in names] if all(name in left for name in names) else []


def _is_overlay(path: str, files: Files) -> bool:
    """Whether a file has services that are none without another file below them."""
    return any(
        service.image is None and service.context is None and service.extends is None
        for service in (files.services(path) or {}).values()
    )


def _values(folder: str, files: Files) -> dict[str, Value]:
    return env_values(files.env(posixpath.join(folder, ".env")))


def _stack(group: list[str], files: Files) -> tuple[Stack, list[Declared], set[str]]:
    folder = posixpath.dirname(group[0])
    services: dict[str, ComposeService] = {}
    values: dict[str, Mapping[str, Value]] = {}
    name = posixpath.basename(folder) or "the project"
    taken: dict[str, None] = {}
    # (file, the values for its variables, the files that led to it).
    todo = [(path, _values(folder, files), frozenset({path})) for path in group]
    while todo:
        path, known, above = todo.pop(0)
        if path in taken:
            continue
        if len(taken) >= _MOST_FILES:
            files.fault(group[0], None, f"includes over {_MOST_FILES} files")
            break
        taken[path] = None
        own = files.services(path)
        if own is None:
            files.fault(group[0], None, f"includes {path}, which is not there")
            continue
        for service in own.values():
            put(services, files.extended(path, service), files.spend)
            values.setdefault(service.name, known)
        for document in files.compose(path):
            if path == group[0] and document.name and "$" not in document.name:
                name = document.name
            for file in document.includes:
                # A file by URL, or one whose name is a variable, cannot be read here.
                if "$" in file or "://" in file or file.endswith(".git"):
                    continue
                other = posixpath.normpath(posixpath.join(posixpath.dirname(path), file))
                if other in above:
                    files.fault(path, None, f"includes {other} again: a cycle")
                    continue
                below = _values(posixpath.dirname(other), files)
                todo.append((other, {**below, **known}, above | {other}))
    declared: list[Declared] = []
    made = []
    for key, service in services.items():
        one = make(service, values[key], files)
        made.append(one.service)
        declared += one.declared
    return (
        Stack(name, folder, tuple(path for path in taken), tuple(made)),
        declared,
        set(taken) - set(group),
    )
