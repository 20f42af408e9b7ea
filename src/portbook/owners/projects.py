"""The project that an interpreted program runs from: its folder, its name, git's branch.

Everything here belongs to whoever runs the program: links are followed inside that process's own
root only, files are capped, and nothing is started. A manifest that makes no sense has no name.
"""

import re

from portbook.host import Host
from portbook.model import Owner, Project, Unknown
from portbook.model.record import Record
from portbook.owners.project_files import branch_of, kept_name, name_in, normal
from portbook.owners.scripts import script_of

MOST_LEVELS = 12
_MOST_LINKS = 16

_MANIFESTS = {
    "python": (
        "pyproject.toml",
        "setup.cfg",
        "setup.py",
        "manage.py",
        "requirements.txt",
        ".venv/pyvenv.cfg",
        "venv/pyvenv.cfg",
    ),
    "node": ("package.json",),
    "bun": ("package.json",),
    "deno": ("deno.json", "deno.jsonc", "package.json"),
    "ruby": ("Gemfile", "config.ru"),
}
_INTERPRETER = re.compile(r"(python|pypy|node|nodejs|bun|deno|ruby)[0-9.]*[a-z]?")
_KINDS = {"pypy": "python", "nodejs": "node"}
# Programs of the system live there; what stands above them is no project.
_SYSTEM = re.compile(
    r"/(?:usr/(?:local/)?)?(?:s?bin|lib[0-9]*|libx32)/"
    r"|/usr/(?:local/)?(?:libexec|share)/|/(?:proc|sys|dev|run)/"
)
# A manifest or a repository in one of these says nothing about what is started below.
_TOO_HIGH = re.compile(
    r"/?|/(?:usr|usr/local|home|root|srv|opt|var|tmp|var/tmp|etc|mnt|home/[^/]+)"
)


class _Place(Record):
    """The root that a process sees: what to put before its paths, and before those we show."""

    before: str
    shown: str


def project_of(host: Host, owner: Owner) -> Project | None | Unknown:
    """The project of a Python, Node, Bun, Deno or Ruby process; None for any other program.

    Looked for from the script upwards, then from the working folder, then from the virtual
    environment. The folder is named as the process itself sees it, in a container its own path.
    """
    kind = _kind(owner)
    if kind is None or isinstance(kind, Unknown):
        return kind
    if isinstance(owner.pid, Unknown):
        return owner.pid
    place = _place(host, owner.pid, owner)
    if isinstance(place, Unknown):
        return place
    refused: Unknown | None = None
    for start in dict.fromkeys(_starts(host, place, owner, kind)):
        if isinstance(start, Unknown):
            refused = refused or start
            continue
        found = _walk(host, place, start, kind)
        if isinstance(found, Project):
            return found
        refused = refused or found
    return refused


def _kind(owner: Owner) -> str | None | Unknown:
    """The interpreter that runs, by its executable, or by its name where that is hidden."""
    path = owner.exe
    if isinstance(path, Unknown):
        if isinstance(owner.cmdline, Unknown) or not owner.cmdline:
            return path
        path = owner.cmdline[0]
    match = _INTERPRETER.fullmatch((path or "").rpartition("/")[2])
    return _KINDS.get(match[1], match[1]) if match else None


def _place(host: Host, pid: int, owner: Owner) -> _Place | Unknown:
    """Where the process's own root is to be found."""
    foreign = owner.container is not None and not isinstance(owner.container, Unknown)
    try:
        theirs = host.link(f"/proc/{pid}/ns/mnt")
        foreign = theirs != host.link("/proc/self/ns/mnt")
    except PermissionError:
        # Without the right to look, only the cgroup tells whether it is in a container.
        if foreign:
            return Unknown("denied", "run as root")
    except OSError:
        pass
    if foreign:
        return _Place(f"/proc/{pid}/root", "")
    try:
        root = host.link(f"/proc/{pid}/root").rstrip("/")
    except OSError:
        root = ""
    return _Place(root, root)


def _starts(host: Host, place: _Place, owner: Owner, kind: str) -> "list[str | Unknown]":
    """The folders to look upwards from, best first, as the process sees them."""
    cwd: str | Unknown = owner.cwd
    if isinstance(cwd, str):
        cwd = cwd.removesuffix(" (deleted)")
        # The kernel shows a chroot's folders with the root in front.
        if place.shown and (cwd + "/").startswith(place.shown + "/"):
            cwd = cwd[len(place.shown) :] or "/"
    arguments = () if isinstance(owner.cmdline, Unknown) else owner.cmdline
    script = script_of(kind, arguments)
    own: list[str | Unknown] = []
    tools: list[str | Unknown] = []
    if script:
        if script.startswith("/"):
            path: str | Unknown = script
        else:
            path = cwd if isinstance(cwd, Unknown) else f"{cwd}/{script}"
        if isinstance(path, str):
            path = _resolve(host, place, path)
            inside, modules, _ = path.partition("/node_modules/")
            if modules and not _SYSTEM.match(inside) and "/." not in inside:
                own.append(inside)
            elif modules:
                # A program that was installed for all: what it serves is the working folder.
                tools.append(path.rpartition("/")[0])
            elif not _SYSTEM.match(path) and not _environment(host, place, path):
                own.append(path.rpartition("/")[0])
        else:
            own.append(path)
    own.append(cwd)
    for program in (arguments[0] if arguments else "", owner.exe, script):
        if isinstance(program, str) and program.startswith("/"):
            environment = _environment(host, place, normal(program))
            if environment:
                tools.append(environment)
    return [*own, *tools]


def _environment(host: Host, place: _Place, path: str) -> str | None:
    """The virtual environment whose bin/ or lib/ holds `path`; None where it is in none."""
    for folder in ("/bin/", "/lib/"):
        above, found, _ = path.partition(folder)
        while found:
            if _is_there(host, f"{place.before}{above}/pyvenv.cfg"):
                return above
            more, found, _ = path[len(above) + len(folder) :].partition(folder)
            above = f"{above}{folder}{more}"
    return None


def _resolve(host: Host, place: _Place, path: str) -> str:
    """`path` without links, each followed inside the process's root; a bounded number of them."""
    done = ""
    todo = [part for part in reversed(path.split("/")[:256]) if part not in ("", ".")]
    links = 0
    while todo:
        part = todo.pop()
        if part == "..":
            done = done.rpartition("/")[0]
            continue
        try:
            target = host.link(f"{place.before}{done}/{part}") if links < _MOST_LINKS else ""
        except (OSError, ValueError):
            target = ""
        if not target:
            done = f"{done}/{part}"
            continue
        links += 1
        if target.startswith("/"):
            done = ""
        todo += [part for part in reversed(target.split("/")) if part not in ("", ".")]
    return done or "/"


def _walk(host: Host, place: _Place, start: str, kind: str) -> Project | None | Unknown:
    """The nearest folder from `start` upwards with a manifest, else the one with a repository."""
    folder = start = normal(start)
    if _SYSTEM.match(f"{start}/") and "/node_modules/" not in start:
        return None
    found = name = None
    repository = None
    for _ in range(MOST_LEVELS):
        if _TOO_HIGH.fullmatch(folder):
            break
        if found is None:
            for manifest in _MANIFESTS[kind]:
                try:
                    name = name_in(host, f"{place.before}{folder}", manifest)
                except LookupError:
                    continue
                found = folder
                break
        branch = branch_of(host, place.before, folder)
        if branch is not None:
            repository, found = branch, found or folder
            break
        folder = folder.rpartition("/")[0]
    if found is None:
        return _why_not(host, f"{place.before}{start}")
    shown = place.shown + found
    own = name or found.rpartition("/")[2]
    return Project(kind, kept_name(shown, 4096), kept_name(own), repository or None)


def _why_not(host: Host, folder: str) -> Unknown | None:
    """Whether the folder could be looked into at all; None where it could."""
    try:
        host.regular(folder)
    except PermissionError:
        return Unknown("denied", "run as root")
    except (FileNotFoundError, NotADirectoryError):
        return Unknown("vanished" if host.live else "not-asked")
    except (OSError, ValueError):
        pass
    try:
        host.names(folder)
    except PermissionError:
        return Unknown("denied", "run as root")
    except (OSError, ValueError):
        pass
    return None


def _is_there(host: Host, path: str) -> bool:
    try:
        host.regular(path, 1)
    except (OSError, ValueError):
        return False
    return True
