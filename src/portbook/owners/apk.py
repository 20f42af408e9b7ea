"""apk's database: one text file of stanzas, `P:` name, `V:` version, `F:` folder, `R:` file.

Alpine's `apk-installed(5)` describes the fields; those that are not needed are passed over.
"""

from bisect import bisect_right

from portbook.host import Host, clock
from portbook.model import Package, Unknown
from portbook.owners.packages import TOO_SLOW, Found, text, unreadable

FILES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed", "/var/lib/apk/db/installed")
_MOST = 1 << 26
_DAMAGED = Unknown("unreadable", "apk's database is damaged: try apk audit")


def find(host: Host, wanted: dict[bytes, str], until: float) -> Found:
    """The packages of `wanted`, which maps each spelling of a path to the path itself."""
    for file in FILES:
        try:
            data = host.read(file, _MOST)
        except FileNotFoundError:
            continue
        except OSError as error:
            return Found({}, unreadable(error, file))
        return _search(data, wanted, until)
    return Found({}, _DAMAGED)


def _search(data: bytes, wanted: dict[bytes, str], until: float) -> Found:
    lines = data.split(b"\n")
    names = {b"R:" + path.rpartition(b"/")[2] for path in wanted}
    packages = [at for at, line in enumerate(lines) if line[:2] == b"P:"]
    folders = [at for at, line in enumerate(lines) if line[:2] == b"F:"]
    whole = data.endswith(b"\n") and b"\0" not in data and packages and len(data) < _MOST
    doubt = None if whole or not data else _DAMAGED
    found: dict[str, Package] = {}
    for at, line in enumerate(lines):
        if line not in names:
            continue
        if clock.monotonic() > until:
            return Found(found, TOO_SLOW)
        package, folder = _last(packages, at), _last(folders, at)
        # A folder above the package's name belongs to another package: the file is damaged.
        if package is None or folder is None or folder < package:
            doubt = _DAMAGED
            continue
        inside = lines[folder][2:].strip(b"/")
        path = wanted.get(b"/" + (inside + b"/" if inside else b"") + line[2:])
        if path is not None and path not in found:
            found[path] = Package("apk", text(lines[package][2:]), _version(lines, package))
    return Found(found, doubt)


def _last(places: list[int], before: int) -> int | None:
    """The nearest of the sorted `places` above a line."""
    index = bisect_right(places, before) - 1
    return places[index] if index >= 0 else None


def _version(lines: list[bytes], package: int) -> str | None:
    """The version in the stanza of the package, which follows its name."""
    for line in lines[package + 1 : package + 40]:
        if line[:2] == b"V:":
            return text(line[2:])
        if not line or line[:2] in (b"P:", b"F:"):
            break
    return None
