"""Owners through psutil, where there is no /proc: macOS and Windows."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from portbook.host import Host, clock
from portbook.model import NOT_ASKED, Ancestor, Owner, Said, Socket, Unknown
from portbook.owners.unseen import unseen_owner

if TYPE_CHECKING:
    import psutil

T = TypeVar("T")

_UNTOLD = Unknown("unsupported", "psutil does not tell")
_HIDDEN = Unknown("denied", Said("run as root or administrator"))


def owners_by_pid(
    host: Host, sockets: Sequence[Socket], pids: Sequence[int | None]
) -> list[tuple[Owner, ...]]:
    """The one process per socket that psutil names; a socket without one keeps an unknown owner."""
    import psutil

    known: dict[int, Owner | None] = {}
    all_owners: list[tuple[Owner, ...]] = []
    for pid in pids:
        if pid is not None and pid not in known:
            try:
                known[pid] = _owner(psutil.Process(pid))
            except psutil.NoSuchProcess:
                known[pid] = None
        owner = known.get(pid) if pid is not None else None
        if owner is None:
            why = _HIDDEN if pid is None else Unknown("vanished")
            owner = unseen_owner(why, user=why, unit=_UNTOLD, container=_UNTOLD)
        all_owners.append((owner,))
    return all_owners


def _owner(process: "psutil.Process") -> Owner:
    with process.oneshot():
        above: list[Ancestor] = []
        parents = _ask(process.parents)
        for parent in () if isinstance(parents, Unknown) else parents:
            name = _ask(parent.name)
            above.append(Ancestor(parent.pid, name if isinstance(name, str) else "?"))
        started = _ask(process.create_time)
        cmdline = _ask(process.cmdline)
        return Owner(
            pid=process.pid,
            ppid=_ask(process.ppid),
            name=_ask(process.name),
            exe=_ask(process.exe),
            exe_deleted=_UNTOLD,
            cmdline=cmdline if isinstance(cmdline, Unknown) else tuple(cmdline),
            user=_ask(process.username),
            cwd=_ask(process.cwd),
            started=started if isinstance(started, Unknown) else clock.iso(started),
            fds=_UNTOLD,
            proof="fd",
            unit=_UNTOLD,
            activated_by=_UNTOLD,
            container=_UNTOLD,
            package=NOT_ASKED,
            ancestry=tuple(above),
            project=NOT_ASKED,
            unit_facts=NOT_ASKED,
            engine_container=NOT_ASKED,
            preloads=NOT_ASKED,
        )


def _ask(question: Callable[[], T]) -> T | Unknown:
    import psutil

    try:
        return question()
    except psutil.AccessDenied:
        return _HIDDEN
    except psutil.Error:
        return Unknown("vanished")
