"""dpkg's database: one list of paths per package, the stanzas of `status`, the diversions.

The lists are read once for all paths that are wanted: 1,000 packages with 8 MB of paths take
40 ms (measured). deb(5), deb-control(5) and dpkg-divert(1) describe the formats.
"""

from portbook.host import Host, clock
from portbook.model import Package, Unknown
from portbook.owners.packages import TOO_SLOW, Found, text, unreadable

FOLDER = "/var/lib/dpkg"
_MOST = 1 << 26
_HALF_WRITTEN = Unknown("unreadable", "a file of dpkg's database is damaged: try dpkg --audit")


def find(host: Host, wanted: dict[bytes, str], until: float) -> Found:
    """The packages of `wanted`, which maps each spelling of a path to the path itself."""
    status, doubt = _status(host)
    try:
        files = [name for name in host.names(f"{FOLDER}/info") if name.endswith(".list")]
    except OSError as error:
        return Found({}, unreadable(error, f"{FOLDER}/info"))
    diversions = _diversions(host)
    if diversions is None:
        diversions, doubt = [], doubt or _HALF_WRITTEN
    claims = _claims(wanted, diversions)
    doubt = doubt or _missing_list(status, files)
    owners: dict[str, str] = {}
    missing = set(wanted.values())
    # Most programs are in a package that is named like them: those lists are read first.
    heads = {path.rpartition("/")[2][:4] for path in missing}
    for file in sorted(files, key=lambda name: (name[:4] not in heads, name)):
        if clock.monotonic() > until:
            doubt = TOO_SLOW
            break
        try:
            data = host.read(f"{FOLDER}/info/{file}", _MOST)
        except OSError as error:
            doubt = doubt or unreadable(error, f"{FOLDER}/info")
            continue
        if (data and data[-1] != 10) or b"\0" in data:
            doubt = doubt or _HALF_WRITTEN
        package = file.removesuffix(".list")
        for spelling in claims.keys() & data.split(b"\n"):
            for path, only, never in claims[spelling]:
                plain = package.partition(":")[0].encode("utf-8", "surrogateescape")
                if only in (None, plain) and never != plain and path in missing:
                    owners[path] = package
                    missing.discard(path)
        if not missing:
            break
    return Found(
        {
            path: Package("dpkg", _text(name), _version(status, name))
            for path, name in owners.items()
        },
        doubt,
    )


_Claims = dict[bytes, list[tuple[str, bytes | None, bytes | None]]]


def _claims(wanted: dict[bytes, str], diversions: list[tuple[bytes, bytes, bytes]]) -> _Claims:
    """Per path in a list: the wanted path, the only package that may have it, and one that may not.

    Where a package diverts a file, the file under its name is that package's own, and the other
    packages' files of that name lie under the new one. A local diversion (`:`) has no package.
    """
    diverted = {wanted[old]: by for old, _, by in diversions if old in wanted}
    moved = {wanted[new]: (old, by) for old, new, by in diversions if new in wanted}
    claims: _Claims = {}
    for spelling, path in wanted.items():
        if path not in moved:
            claims.setdefault(spelling, []).append((path, diverted.get(path), None))
    for path, (old, by) in moved.items():
        claims.setdefault(old, []).append((path, None, by))
    return claims


def _diversions(host: Host) -> list[tuple[bytes, bytes, bytes]] | None:
    """(diverted path, where to, by which package); None where the file makes no sense."""
    try:
        data = host.read(f"{FOLDER}/diversions", _MOST)
    except FileNotFoundError:
        return []
    except OSError:
        return None
    lines = data.split(b"\n")
    if lines.pop() or len(lines) % 3:
        return None
    return list(zip(lines[::3], lines[1::3], lines[2::3], strict=True))


def _status(host: Host) -> tuple[dict[bytes, list[bytes]], Unknown | None]:
    """The stanzas of each package, and what is wrong with the file."""
    try:
        data = host.read(f"{FOLDER}/status", _MOST)
    except OSError as error:
        return {}, unreadable(error, f"{FOLDER}/status")
    stanzas: dict[bytes, list[bytes]] = {}
    for stanza in data.split(b"\n\n"):
        name = _field(stanza, b"Package")
        if name:
            stanzas.setdefault(name, []).append(stanza)
        elif stanza.strip():
            return stanzas, _HALF_WRITTEN
    whole = (not data or data[-1] == 10) and b"\0" not in data
    return stanzas, None if whole else _HALF_WRITTEN


def _missing_list(status: dict[bytes, list[bytes]], files: list[str]) -> Unknown | None:
    """A doubt where lists and status do not agree about what is installed."""
    listed = {file.removesuffix(".list").encode("utf-8", "surrogateescape") for file in files}
    plain = {name.partition(b":")[0] for name in listed}
    for name, stanzas in status.items():
        installed = any(b" ok installed\n" in stanza + b"\n" for stanza in stanzas)
        if installed and name not in plain:
            return _HALF_WRITTEN
    return None if status or not files else _HALF_WRITTEN


def _version(status: dict[bytes, list[bytes]], name: str) -> str | None:
    """The version that `status` gives to `package` or `package:architecture`."""
    package, _, architecture = name.encode("utf-8", "surrogateescape").partition(b":")
    for stanza in status.get(package, ()):
        if architecture in (b"", _field(stanza, b"Architecture")):
            version = _field(stanza, b"Version")
            return text(version) if version else None
    return None


def _field(stanza: bytes, name: bytes) -> bytes | None:
    """A field of a stanza; lines that go on with a space belong to the field above."""
    start = 0 if stanza.startswith(name + b": ") else stanza.find(b"\n" + name + b": ") + 1
    if start == 0 and not stanza.startswith(name + b": "):
        return None
    end = stanza.find(b"\n", start)
    return stanza[start + len(name) + 2 : end if end >= 0 else None].strip()


def _text(name: str) -> str:
    return text(name.encode("utf-8", "surrogateescape"))
