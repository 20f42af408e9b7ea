"""What `portbook stop` would do, as a value: the dry run prints it, the act does exactly it."""

import os
from collections.abc import Iterable, Sequence

from portbook.host import Host
from portbook.model import Listener, Owner, Socket, UnitFacts, Unknown
from portbook.model.record import Record
from portbook.model.timeline import topmost
from portbook.owners.cgroups import path_of_process, place
from portbook.owners.processes import Processes, parse_stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.owners.cgroups import Place

PROTECTED = frozenset(
    {
        *("systemd", "init", "sshd", "dbus-daemon", "dbus-broker", "dbus-broker-launch"),
        *("systemd-logind", "systemd-journald", "systemd-udevd", "systemd-networkd"),
        *("systemd-resolved", "NetworkManager", "polkitd", "login", "agetty", "getty"),
        *("gdm", "gdm3", "sddm", "lightdm", "lxdm", "xdm", "Xorg", "Xwayland", "gnome-shell"),
        *("dockerd", "containerd", "conmon", "kubelet", "libvirtd"),
    }
)
"""Names of programs whose end would lock people out or take much else along; --force does it."""

_STARTERS = PROTECTED | {"cron", "crond", "atd", "anacron", "supervisord", "tmux: server", "screen"}
"""What runs below one of these is not the service that the unit is named for."""


class Victim(Record):
    """A process that is signalled: PID and start (clock ticks since boot) tell which one."""

    pid: int
    start_ticks: int
    name: str
    user: str


class Step(Record):
    """One owner that is ended.

    `kind`: `unit`, `container`, `process`. `names` are the units in the order they are stopped,
    the container's id, or the process names; `scope` is the systemd manager's. `processes` are
    signalled in this order. `note` says why it is not the unit or container.
    """

    kind: str
    names: tuple[str, ...]
    scope: str | None
    processes: tuple[Victim, ...]
    sockets: tuple[Socket, ...]
    note: str | None

    @property
    def said(self) -> str:
        """The step in words."""
        if self.kind != "process":
            return f"{self.kind} {' and '.join(self.names)}"
        first, *more = self.processes
        return f"{first.name} ({first.pid})" + (f" and {len(more)} more" if more else "")


class Refusal(Record):
    """An owner that is not ended. `absolute`: --force changes nothing about it."""

    what: str
    why: str
    absolute: bool


class Plan(Record):
    """Everything that will be done, and what is refused."""

    steps: tuple[Step, ...]
    refused: tuple[Refusal, ...]


def make_plan(
    host: Host, rows: Sequence[Listener], *, tree: bool = False, force: bool = False
) -> Plan:
    """How to end the owners of these listeners; `force` lets it be a protected program."""
    ours = _Ours(host)
    steps: dict[tuple[str, ...], Step] = {}
    refused: list[Refusal] = []
    for row in rows:
        found = _step(host, row, ours, tree=tree)
        if isinstance(found, Refusal):
            refused.append(found)
            continue
        refusal = _refusal(found, row, ours)
        if refusal and (refusal.absolute or not force):
            refused.append(refusal)
            continue
        key = _key(found, steps)
        known = steps.get(key)
        steps[key] = known._replace(sockets=(*known.sockets, row.socket)) if known else found
    return Plan(tuple(steps.values()), tuple(dict.fromkeys(refused)))


def _key(step: Step, known: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    if step.kind != "process":
        return (step.kind, step.scope or "", *step.names)
    # The sockets of one server may have holders of different number, the first is its master.
    return (step.kind, str(step.processes[0].pid))


class _Ours:
    """Ourselves and the processes above us, and the units and containers that they are in."""

    def __init__(self, host: Host) -> None:
        self.pids: set[int] = set()
        self.units: set[tuple[str, str]] = set()
        self.containers: set[str] = set()
        if not host.live:
            return
        me = os.getpid()
        self.pids = {me, *(above.pid for above in Processes(host).ancestry(me))}
        for pid in self.pids:
            scope, where = manager_and_place(host, pid)
            if scope and where and where.unit:
                self.units.add((scope, where.unit))
            if where and where.container:
                self.containers.add(where.container.id)


def manager_and_place(host: Host, pid: int) -> "tuple[str | None, Place | None]":
    """The systemd manager that has a process's unit (`system`, `user:UID`), unit and container."""
    from portbook.owners.systemd import manager_of

    try:
        path = path_of_process(host.text(f"/proc/{pid}/cgroup"))
    except OSError:
        return None, None
    return manager_of(path), place(path)


def _step(host: Host, row: Listener, ours: _Ours, *, tree: bool) -> Step | Refusal:
    where = f"{row.socket.port}/{row.socket.transport}"
    tops = topmost(row.owners)
    if row.activation is not None:
        first = tops[0].pid if tops else None
        scope = (manager_and_place(host, first)[0] if isinstance(first, int) else None) or "system"
        names = [row.activation.socket]
        if isinstance(row.activation.service, str) and row.activation.running is not False:
            names.append(row.activation.service)
        return Step("unit", tuple(names), scope, (), (row.socket,), None)
    if container := _container(row, tops, ours):
        return Step("container", (container,), None, (), (row.socket,), None)
    if row.kernel or not row.owners:
        return Refusal(where, f"the kernel itself holds it ({row.kernel or 'no process'})", True)
    if not tops:
        why = row.owners[0].pid
        hint = f" ({why.hint})" if isinstance(why, Unknown) and why.hint else ""
        return Refusal(where, f"who holds it cannot be seen{hint}", True)
    note = None
    unit, scope = _unit(host, tops[0], ours)
    if unit:
        from portbook.owners.systemd import units_of

        facts = units_of(host, [unit], scope=scope)[unit]
        if isinstance(facts, UnitFacts):
            return Step("unit", (unit,), scope, _victims(host, tops), (row.socket,), None)
        note = f"systemd cannot be asked about {unit} ({facts.hint or facts.unknown})"
    victims = _victims(host, tops)
    if tree:
        victims = (*victims, *_below(host, victims))
    if not victims:
        return Refusal(where, "its holder has just ended", True)
    names = list(dict.fromkeys(victim.name for victim in victims))
    return Step("process", tuple(names), None, victims, (row.socket,), note)


def _container(row: Listener, tops: Sequence[Owner], ours: _Ours) -> str | None:
    """The id of the container that an engine can stop; never the one that we are in."""
    known = [top.engine_container for top in tops]
    for found in (*known, row.published_by):
        if found is None or isinstance(found, Unknown):
            continue
        if not any(found.id.startswith(own) or own.startswith(found.id) for own in ours.containers):
            return found.id
    return None


def _unit(host: Host, top: Owner, ours: _Ours) -> tuple[str | None, str]:
    """The service that the holder is, and its manager; None where the unit is more than that."""
    unit = top.unit
    if not isinstance(unit, str) or not unit.endswith(".service") or unit.startswith("user@"):
        return None, "system"
    scope, here = manager_and_place(host, top.pid) if isinstance(top.pid, int) else (None, None)
    if scope is None or here is None or (scope, unit) in ours.units:
        return None, "system"
    for above in () if isinstance(top.ancestry, Unknown) else top.ancestry:
        _, where = manager_and_place(host, above.pid)
        if where is None or where.unit != unit:
            break
        if above.name in _STARTERS:
            return None, scope
    return unit, scope


def _victims(host: Host, tops: Sequence[Owner]) -> tuple[Victim, ...]:
    return tuple(
        Victim(top.pid, ticks, _text(top.name), _text(top.user))
        for top in tops
        if isinstance(top.pid, int) and (ticks := start_of(host, top.pid)) is not None
    )


def start_of(host: Host, pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None where it is gone."""
    try:
        return parse_stat(host.text(f"/proc/{pid}/stat")).start_ticks
    except (OSError, ValueError):
        return None


def _text(fact: str | Unknown) -> str:
    return fact if isinstance(fact, str) else "?"


def _below(host: Host, tops: Sequence[Victim]) -> tuple[Victim, ...]:
    """Every descendant, parents first."""
    children: dict[int, list[Victim]] = {}
    for name in host.names("/proc"):
        if not name.isdecimal():
            continue
        try:
            stat = parse_stat(host.text(f"/proc/{name}/stat"))
            user = host.user(host.owner_uid(f"/proc/{name}"))
        except (OSError, ValueError):
            continue
        victim = Victim(int(name), stat.start_ticks, stat.name, user)
        children.setdefault(stat.ppid, []).append(victim)
    found: dict[int, Victim] = {}
    waiting = [victim.pid for victim in tops]
    while waiting:
        for child in sorted(children.get(waiting.pop(0), ())):
            if child.pid not in found:
                found[child.pid] = child
                waiting.append(child.pid)
    return tuple(victim for pid, victim in found.items() if pid not in {t.pid for t in tops})


def _refusal(step: Step, row: Listener, ours: _Ours) -> Refusal | None:
    for victim in step.processes:
        who = f"{victim.name} ({victim.pid})"
        if victim.pid == 1:
            return Refusal(who, "it is PID 1: everything would end", True)
        if victim.pid in ours.pids:
            return Refusal(who, "portbook itself runs below it", True)
        if victim.name in PROTECTED:
            return Refusal(who, "it is protected: people or other programs depend on it", False)
    if step.kind == "unit":
        for name in step.names:
            if (step.scope or "", name) in ours.units:
                return Refusal(name, "portbook itself runs in it", True)
            bare = name.rpartition(".")[0].partition("@")[0]
            if bare in PROTECTED or bare in ("ssh", "dbus", "display-manager", "docker"):
                return Refusal(name, "it is protected: people or programs depend on it", False)
    return None
