"""The package that owns an executable, from the package databases themselves, never by forking.

Each reader (dpkg, rpm, apk, pacman) is given all paths at once, says which it knows, and whether
its silence about the others can be believed.
"""

from collections.abc import Collection

from portbook.host import Host, clock
from portbook.model import Package, Unknown
from portbook.model.record import Record

PATIENCE = 0.8
"""Seconds that all databases together may take."""
TOO_SLOW = Unknown("unreadable", "the package database takes too long to read")
_NO_NAME = Unknown("unreadable", "the name of the executable is no UTF-8")
_NO_MANAGER = Unknown("unsupported", "the databases of dpkg, rpm, apk and pacman are understood")
_NOT_RECORDED = Unknown("not-asked", "the recording holds no package database")

# What says that a manager is used here, and by its stamps whether anything has changed since.
_DATABASES = {
    "dpkg": ("/var/lib/dpkg/status", "/var/lib/dpkg/info", "/var/lib/dpkg/diversions"),
    "rpm": tuple(
        f"{folder}/{name}"
        for folder in ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
        for name in ("rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages", "Packages.db")
    ),
    "apk": ("/lib/apk/db/installed", "/usr/lib/apk/db/installed", "/var/lib/apk/db/installed"),
    "pacman": ("/var/lib/pacman/local",),
}
_MERGED = (
    "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr/sbin", "/usr/lib64",
)  # fmt: skip


class Found(Record):
    """What one database knows: packages by path, and why a path it does not know may have one."""

    packages: dict[str, Package]
    doubt: Unknown | None


def packages_of(host: Host, executables: Collection[str]) -> dict[str, Package | None | Unknown]:
    """The package that owns each executable; None where no package does.

    A path may be spelled through a merged folder or not (/bin/x, /usr/bin/x). Executables inside a
    container are not to be asked for: their packages are in the container's own database.
    """
    if not executables:
        return {}
    if not host.linux:
        return dict.fromkeys(executables, _NO_MANAGER)
    links = _merged_folders(host)
    asked = {path: _canonical(path, links) for path in executables}
    databases, key = _stamps(host)
    if not databases:
        return dict.fromkeys(executables, _NO_MANAGER if host.live else _NOT_RECORDED)
    known: dict[str, Package | None] = {}
    if host.live:
        from portbook.owners import package_cache

        known = package_cache.load(key)
    wanted = {path for path in asked.values() if path not in known and _is_name(path)}
    unknown: dict[str, Unknown] = {}
    if wanted:
        looked, doubt = _look_up(host, databases, wanted, links)
        known |= looked
        missed = wanted.difference(looked)
        if doubt:
            unknown = dict.fromkeys(missed, doubt)
        else:
            known |= dict.fromkeys(missed)
        # A database that changed meanwhile was read half before, half after.
        if host.live and len(unknown) < len(wanted) and _stamps(host)[1] == key:
            package_cache.save(key, known, keep=asked.values())
    return {
        path: known[name] if name in known else unknown.get(name, _NO_NAME)
        for path, name in asked.items()
    }


def _look_up(
    host: Host, databases: list[str], wanted: set[str], links: dict[str, str]
) -> tuple[dict[str, Package], Unknown | None]:
    """Ask one database after the other for what is not found yet."""
    until = clock.monotonic() + PATIENCE
    found: dict[str, Package] = {}
    doubt: Unknown | None = None
    for manager in databases:
        missing = wanted.difference(found)
        if not missing:
            return found, None
        spellings = {
            spelling.encode("utf-8", "surrogateescape"): path
            for path in missing
            for spelling in _spellings(path, links)
        }
        answer = _ask(manager, host, spellings, until)
        found |= answer.packages
        doubt = doubt or answer.doubt
    return found, doubt


def _ask(manager: str, host: Host, wanted: dict[bytes, str], until: float) -> Found:
    if manager == "dpkg":
        from portbook.owners import dpkg as reader
    elif manager == "rpm":
        from portbook.owners import rpm as reader  # type: ignore[no-redef] # one of four
    elif manager == "apk":
        from portbook.owners import apk as reader  # type: ignore[no-redef] # one of four
    else:
        from portbook.owners import pacman as reader  # type: ignore[no-redef] # one of four
    return reader.find(host, wanted, until)


def _stamps(host: Host) -> tuple[list[str], str]:
    """The managers that have a database here, and one line that changes when any of them does."""
    present = []
    parts = []
    for manager, files in _DATABASES.items():
        for file in files:
            try:
                stamp = host.stamp(file)
            except OSError:
                continue
            if manager not in present:
                present.append(manager)
            parts.append(f"{file} {stamp[0]} {stamp[1]} {stamp[2]}")
    return present, "\n".join(parts)


def _merged_folders(host: Host) -> dict[str, str]:
    """Top folders that are links, with where they lead: /bin is /usr/bin on most systems."""
    links = {}
    for folder in _MERGED:
        try:
            target = host.link(folder)
        except OSError:
            continue
        above = folder.rpartition("/")[0]
        links[folder] = target if target.startswith("/") else f"{above}/{target}"
    # A link may lead through another: /sbin to /usr/sbin to /usr/bin.
    return {folder: _canonical(target.rstrip("/"), links) for folder, target in links.items()}


def _canonical(path: str, links: dict[str, str]) -> str:
    """The path as the kernel names the file: with no merged folder in it."""
    for _ in range(3):
        for folder, target in links.items():
            if path == folder or path.startswith(f"{folder}/"):
                path = target + path[len(folder) :]
                break
        else:
            break
    return path


def _spellings(path: str, links: dict[str, str]) -> list[str]:
    """Every way in which a package may spell a canonical path."""
    return [path] + [
        folder + path[len(target) :]
        for folder, target in links.items()
        if path.startswith(f"{target}/")
    ]


def _is_name(path: str) -> bool:
    """Whether the path is the executable's real name: no byte of it was replaced for printing."""
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return "\ufffd" not in path and "\0" not in path


def unreadable(error: OSError, what: str) -> Unknown:
    """Why a database, or a part of it, cannot be read."""
    if isinstance(error, PermissionError):
        return Unknown("denied", f"{what} may not be read: run as root")
    return Unknown("unreadable", f"{what} is missing or cannot be read")


def text(raw: bytes) -> str:
    """A name or a version of a package, as text of bounded length."""
    return raw[:200].decode("utf-8", "replace").strip()
