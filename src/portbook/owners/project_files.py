"""Names in manifests, and git's branch: files of anybody, small pieces of them, never trusted."""

from portbook.host import Host

_MOST_MANIFEST = 1 << 17
_MOST_REF = 4096
_LONGEST = 200


def name_in(host: Host, folder: str, manifest: str) -> str | None:
    """The project's name in a manifest, None where it gives none.

    Raises:
        LookupError: there is no such manifest in the folder.
    """
    try:
        data = host.regular(f"{folder}/{manifest}", _MOST_MANIFEST + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise LookupError(manifest) from error
    except ValueError as error:
        raise LookupError(manifest) from error
    except OSError as error:
        # A link or a file of others is still a sign of a project; a folder that is closed is none.
        if isinstance(error, PermissionError) and not _listed(host, folder, manifest):
            raise LookupError(manifest) from error
        return None
    if len(data) > _MOST_MANIFEST:
        return None
    try:
        text = data.decode("utf-8")
        if manifest == "pyproject.toml":
            return _from_toml(text)
        if manifest.endswith(".json"):
            return _from_json(text)
    except (ValueError, RecursionError):
        return None
    return _from_setup_cfg(text) if manifest == "setup.cfg" else None


def _listed(host: Host, folder: str, name: str) -> bool:
    try:
        return name in host.names(folder)
    except (OSError, ValueError):
        return False


def _from_toml(text: str) -> str | None:
    """`name` in the table [project], else in [tool.poetry].

    Only that one line is given to tomllib, whose time grows with the square of some files' size:
    60,000 dots in one key keep it busy for more than a minute (measured).
    """
    lines = {"[project]": "", "[tool.poetry]": ""}
    table = ""
    for line in text.splitlines():
        if line.startswith("["):
            table = line.partition("#")[0].strip()
        elif table in lines and not lines[table] and line.partition("=")[0].strip() == "name":
            lines[table] = line
    for line in lines.values():
        if 0 < len(line) <= 2 * _LONGEST:
            import tomllib

            if name := _name(tomllib.loads(line)):
                return name
    return None


def _from_json(text: str) -> str | None:
    import json

    return _name(json.loads(text))


def _from_setup_cfg(text: str) -> str | None:
    """`name` in the section [metadata]; setup.py is a program, and is not read."""
    inside = False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.strip() == "[metadata]"
        elif inside and not line[:1].isspace():
            key, equals, value = line.partition("=")
            if equals and key.strip() == "name" and value.strip():
                return kept_name(value.strip())
    return None


def _name(table: object) -> str | None:
    name = table.get("name") if isinstance(table, dict) else None
    return kept_name(name.strip()) or None if isinstance(name, str) else None


def kept_name(text: str, longest: int = _LONGEST) -> str:
    """Text of bounded length that UTF-8 can carry."""
    return text[:longest].encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def normal(path: str) -> str:
    """`path` without empty and dotted parts, its links left as they are."""
    done: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del done[-1:]
        elif part not in ("", "."):
            done.append(part)
    return "/" + "/".join(done)


def branch_of(host: Host, root: str, folder: str) -> str | None:
    """git's branch where `folder` has a repository; None without one, empty where it is unclear.

    Of a commit without branch the first seven digits. In a worktree and a submodule, `.git` is a
    file that says where the repository is. Both paths are those inside `root`.
    """
    git = f"{root}{folder}/.git"
    head = _line(host, f"{git}/HEAD")
    if head is None:
        pointer = _line(host, git)
        if pointer is None or not pointer.startswith("gitdir: "):
            return None
        target = pointer.removeprefix("gitdir: ")
        where = normal(target if target.startswith("/") else f"{folder}/{target}")
        head = _line(host, f"{root}{where}/HEAD")
        if head is None:
            return ""
    if head.startswith("ref: "):
        name = head.removeprefix("ref: ").strip().removeprefix("refs/heads/")
        # The newer reftable keeps HEAD elsewhere and leaves this name in its place.
        return "" if name == ".invalid" else kept_name(name)
    digits = head.strip()
    whole = len(digits) in (40, 64) and all(digit in "0123456789abcdef" for digit in digits)
    return digits[:7] if whole else ""


def _line(host: Host, path: str) -> str | None:
    """The first line of a small file; None where there is no such file."""
    try:
        data = host.regular(path, _MOST_REF)
    except (OSError, ValueError):
        return None
    return data.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
