"""pacman's database: a folder per package, with its paths in `files` and its version in `desc`."""

from itertools import pairwise

from portbook.host import Host, clock
from portbook.model import Package, Unknown
from portbook.owners.packages import TOO_SLOW, Found, text, unreadable

FOLDER = "/var/lib/pacman/local"
_MOST = 1 << 26
_DAMAGED = Unknown("unreadable", "pacman's database is damaged: try pacman -Dk")


def find(host: Host, wanted: dict[bytes, str], until: float) -> Found:
    """The packages of `wanted`, which maps each spelling of a path to the path itself."""
    try:
        entries = [name for name in host.names(FOLDER) if name != "ALPM_DB_VERSION"]
    except OSError as error:
        return Found({}, unreadable(error, FOLDER))
    # Paths are listed without the slash in front.
    relative = {spelling[1:]: path for spelling, path in wanted.items()}
    missing = set(wanted.values())
    heads = {path.rpartition("/")[2][:4] for path in missing}
    found: dict[str, Package] = {}
    doubt: Unknown | None = None
    for entry in sorted(entries, key=lambda name: (name[:4] not in heads, name)):
        if clock.monotonic() > until:
            return Found(found, TOO_SLOW)
        try:
            data = host.read(f"{FOLDER}/{entry}/files", _MOST)
        except OSError as error:
            doubt = doubt or unreadable(error, FOLDER)
            continue
        # A package without files has an empty one.
        if data and (not data.startswith(b"%FILES%\n") or data[-1] != 10 or b"\0" in data):
            doubt = doubt or _DAMAGED
        listed = data.partition(b"\n\n")[0].split(b"\n")
        for spelling in relative.keys() & listed:
            path = relative[spelling]
            if path in missing:
                found[path] = _package(host, entry)
                missing.discard(path)
        if not missing:
            break
    return Found(found, doubt)


def _package(host: Host, entry: str) -> Package:
    """Name and version from `desc`; the folder's name, `name-version-release`, has them as well."""
    try:
        lines = host.read(f"{FOLDER}/{entry}/desc", 1 << 20).split(b"\n")
    except OSError:
        lines = []
    values = dict(pairwise(lines))
    folder = entry.encode("utf-8", "surrogateescape").rsplit(b"-", 2)
    name = values.get(b"%NAME%") or folder[0]
    version = values.get(b"%VERSION%") or b"-".join(folder[1:])
    return Package("pacman", text(name), text(version) or None)
