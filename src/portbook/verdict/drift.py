"""How listeners differ from a baseline, so that restarts and upgrades are no difference. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from portbook.model import (
    NOT_ASKED,
    Container,
    EngineContainer,
    Listener,
    Owner,
    Package,
    Project,
    Unknown,
)
from portbook.model.finding import Changed, Drift, Holder, Kept

Key = tuple[str, str, int]
"""Transport, reach, port."""


def key_of(row: Listener) -> Key:
    """By what a listener is found again."""
    return str(row.socket.transport), row.reach, row.socket.port


def kept(rows: Iterable[Listener], findings: Mapping[Key, Iterable[str]]) -> tuple[Kept, ...]:
    """What a baseline keeps of these listeners, in the order of their keys.

    Sockets of one key (IPv4 and IPv6, SO_REUSEPORT) are one entry with all their holders.
    """
    holders: dict[Key, set[Holder]] = {}
    for row in rows:
        if row.namespace is None:
            holders.setdefault(key_of(row), set()).update(_holders(row))
    return tuple(
        Kept(*key, tuple(sorted(held, key=repr)), tuple(sorted({*findings.get(key, ())})))
        for key, held in sorted(holders.items())
    )


def drift(
    before: Sequence[Kept], now: Sequence[Kept], *, is_ephemeral: Callable[[int], bool]
) -> Drift:
    """What was added, what is gone, what other programs hold.

    A program that lets the kernel choose a number has another one after each restart: where one
    of the ephemeral numbers went and one came with the same holder, nothing is said. UDP sockets
    on ephemeral numbers are clients' own in all but rare cases, and left out.
    """

    def wanted(entry: Kept) -> bool:
        return not (entry.transport == "udp" and is_ephemeral(entry.port)) or any(
            holder.kernel for holder in entry.holders
        )

    old = {entry[:3]: entry for entry in before if wanted(entry)}
    new = {entry[:3]: entry for entry in now if wanted(entry)}
    added = [entry for key, entry in new.items() if key not in old]
    gone = [entry for key, entry in old.items() if key not in new]
    for entry in tuple(gone):
        moved = next(
            (other for other in added if _is_moved(entry, other, is_ephemeral)),
            None,
        )
        if moved:
            added.remove(moved)
            gone.remove(entry)
    changed = [
        Changed(old[key], entry)
        for key, entry in new.items()
        if key in old and not _are_same(old[key].holders, entry.holders)
    ]
    return Drift(tuple(added), tuple(gone), tuple(changed))


def _is_moved(before: Kept, now: Kept, is_ephemeral: Callable[[int], bool]) -> bool:
    return (
        before[:2] == now[:2]
        and is_ephemeral(before.port)
        and is_ephemeral(now.port)
        and _are_same(before.holders, now.holders)
    )


def _are_same(before: Sequence[Holder], now: Sequence[Holder]) -> bool:
    """Whether every holder now is one of before's; a worker that ended is no change."""
    if not before or not now:
        return not before and not now
    return all(any(is_same(old, new) for old in before) for new in now)


def is_same(before: Holder, now: Holder) -> bool:
    """Whether two holders are one program, by the facts that are known of both.

    The executable only matters where no package or container is known of both: an upgrade moves
    files and recreates containers.
    """
    for name in ("container", "unit", "project", "package", "kernel"):
        old, new = getattr(before, name), getattr(now, name)
        if isinstance(old, Unknown) or isinstance(new, Unknown):
            continue
        if _unversioned(old) != _unversioned(new):
            return False
        if old is not None and name in ("container", "package"):
            return True
    old, new = before.executable, now.executable
    if isinstance(old, Unknown) or isinstance(new, Unknown):
        return True
    return _unversioned(old) == _unversioned(new)


def _unversioned(text: str | None) -> str | None:
    """The text with versions taken out: `/usr/lib/postgresql/16/bin/postgres`, `python3.12`."""
    if text is None or not any(sign.isdigit() for sign in text):
        return text
    return "/".join(_without_version(part) for part in text.split("/"))


def _without_version(part: str) -> str:
    """`15` and `v20.1.0` are versions; so are 3.11 in `python3.11` and -15 in `postgresql-15`."""
    if part.removeprefix("v").replace(".", "").isdigit():
        return "#"
    words = []
    for word in part.split("-"):
        stem = word.rstrip("0123456789.")
        version = word[len(stem) :].strip(".")
        is_version = bool(version) and ("." in version or stem in ("", "v") or stem[-1] == "@")
        words.append(f"{stem}#" if is_version else word)
    return "-".join(words)


def _holders(row: Listener) -> list[Holder]:
    if row.kernel is not None:
        return [Holder(None, None, None, None, None, row.kernel)]
    return [_holder(owner) for owner in row.owners]


def _holder(owner: Owner) -> Holder:
    """What stays the same of an owner; each fact by itself may be unknown."""
    package, project = owner.package, owner.project
    return Holder(
        _container(owner),
        _lasting_unit(owner.unit),
        project.folder if isinstance(project, Project) else project,
        f"{package.manager}/{package.name}" if isinstance(package, Package) else package,
        owner.exe,
        None,
    )


def _container(owner: Owner) -> str | None | Unknown:
    """The container's name where the engine told it: its id changes whenever it is recreated."""
    told = owner.engine_container
    if isinstance(told, EngineContainer):
        return f"{told.engine}/{told.name}"
    return NOT_ASKED if isinstance(owner.container, Container) else owner.container


def _lasting_unit(unit: str | None | Unknown) -> str | None | Unknown:
    """A unit that has the same name after a restart; scopes and connections' instances do not."""
    if unit is None or isinstance(unit, Unknown):
        return unit
    if unit.endswith(".scope") or unit.startswith("run-"):
        return None
    name, at, instance = unit.partition("@")
    return f"{name}@" if at and ":" in instance else unit
