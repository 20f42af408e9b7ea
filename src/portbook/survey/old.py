"""The one place that joins facts: the registry's, the kernel's, the owners', and the verdict."""

from collections.abc import Sequence

from portbook import sockets as kernel
from portbook.host import Host
from portbook.model import (
    Advice,
    Answer,
    Bindable,
    Facts,
    Gap,
    Listener,
    Owner,
    PortEntry,
    Reason,
    Socket,
    Transport,
    Unknown,
    Verdict,
)
from portbook.model.record import Record

BINDABLE = (Transport.TCP, Transport.UDP)


class Survey(Record):
    """The listeners of one host, and what the source of the sockets could not say.

    What is hidden of the owners stands in the rows; `hidden_owners` counts it.
    """

    listeners: tuple[Listener, ...]
    gaps: tuple[Gap, ...]


class Why(Record):
    """Whether a port can be bound, per transport."""

    port: int
    tcp: Bindable | None
    udp: Bindable | None
    gaps: tuple[Gap, ...]


def look(
    port: int,
    transport: str | None = None,
    *,
    host: Host | None = None,
    bind: bool = True,
    source: str | None = None,
) -> Answer:
    """Everything portbook knows about one port of one host.

    Args:
        port: 0-65535.
        transport: `tcp`, `udp`, `sctp` or `dccp` to look at that one alone.
        host: the host; this machine by default.
        bind: whether a real bind() may be tried.
        source: where sockets are read from; the best one that answers by default.

    Raises:
        BadPort: `port` or `transport` is none.
        EnvironmentFault: the socket table or the registry cannot be read.
    """
    return look_at([port], transport, host=host, bind=bind, source=source)[0]


def look_at(
    ports: Sequence[int],
    transport: str | None = None,
    *,
    host: Host | None = None,
    bind: bool = True,
    source: str | None = None,
) -> list[Answer]:
    """The same for several ports, with one reading of the kernel's tables."""
    from portbook.registry.candidates import candidates, found_here
    from portbook.registry.lookup import lookup

    host = host or Host()
    settings = kernel.read_settings(host)
    entries = [lookup(port, transport) for port in ports]
    holding = _holding(host, ports, transport, source)
    answers = []
    for entry in entries:
        mine = holding.listeners.get(entry.port, ())
        advice = Advice(
            ephemeral=settings.is_ephemeral(entry.port),
            browser_blocked=entry.browser_blocked,
            privileged=settings.is_privileged(entry.port),
            kernel_reserved=settings.is_reserved(entry.port),
        )
        found = tuple(found_here(listener) for listener in mine[:1])
        answers.append(
            Answer(
                port=entry.port,
                range=entry.range,
                assignments=entry.assignments,
                life=entry.life,
                unofficial=entry.unofficial,
                suspicious_uses=entry.suspicious_uses,
                candidates=found + candidates(entry, ephemeral=advice.ephemeral),
                listeners=mine,
                bindable={
                    kind: _bindable(holding, settings, entry.port, kind, bind=bind and host.live)
                    for kind in BINDABLE
                    if transport in (None, kind)
                },
                advice=advice,
                claim=None,
                incomplete=(*settings.gaps, *holding.gaps),
            )
        )
    return answers


def survey(host: Host, *, source: str | None = None) -> Survey:
    """Every listener of the host with owners, registered names and a verdict.

    Raises:
        EnvironmentFault: the socket table or the registry cannot be read.
    """
    table = kernel.read_table(host, source=source)
    pids = table.pids or (None,) * len(table.sockets)
    rows = list(zip(table.sockets, pids, strict=True))
    return Survey(_listeners(host, rows, source, named=bool(table.pids)), table.gaps)


def why(
    port: int,
    transport: str | None = None,
    *,
    host: Host | None = None,
    bind: bool = True,
    source: str | None = None,
) -> Why:
    """Whether `port` can be bound, and every reason against it.

    Raises:
        EnvironmentFault: the socket table cannot be read.
    """
    host = host or Host()
    settings = kernel.read_settings(host)
    holding = _holding(host, [port], transport, source)
    judged = {
        kind: _bindable(holding, settings, port, kind, bind=bind and host.live)
        for kind in BINDABLE
        if transport in (None, kind)
    }
    elsewhere = _other_namespaces(host, port)
    for kind, reasons in elsewhere.items():
        if kind in judged:
            judged[kind] = judged[kind]._replace(reasons=(*judged[kind].reasons, *reasons))
    return Why(
        port,
        judged.get(Transport.TCP),
        judged.get(Transport.UDP),
        (*settings.gaps, *holding.gaps),
    )


def hidden_owners(listeners: Sequence[Listener]) -> tuple[Gap, ...]:
    """The gap of rows whose processes could not be seen, one for each reason."""
    count: dict[Unknown, int] = {}
    for row in listeners:
        pid = row.owners[0].pid if row.owners else None
        if isinstance(pid, Unknown) and pid.unknown in _HIDDEN:
            count[pid] = count.get(pid, 0) + 1
    return tuple(
        Gap(
            f"the processes behind {number} {'socket' if number == 1 else 'sockets'}",
            _HIDDEN[why.unknown],
            why.hint,
        )
        for why, number in count.items()
    )


_HIDDEN = {
    "denied": "other users' open files cannot be read",
    "unreadable": "/proc shows no process",
    "outside": "they may run outside this PID namespace",
}


class _Holding(Record):
    """Who holds the ports in question: every socket with an owner, and the listeners."""

    holders: dict[tuple[int, Transport], list[tuple[Socket, Owner | None]]]
    listeners: dict[int, tuple[Listener, ...]]
    gaps: tuple[Gap, ...]
    complete: bool


def _holding(
    host: Host, ports: Sequence[int], transport: str | None, source: str | None
) -> _Holding:
    table = kernel.read_table(
        host, port=ports[0] if len(ports) == 1 else None, every_state=True, source=source
    )
    wanted = set(ports)
    serving: list[tuple[Socket, int | None]] = []
    others: list[tuple[Socket, int | None]] = []
    for index, found in enumerate(table.sockets):
        if found.port in wanted and transport in (None, found.transport):
            pid = table.pids[index] if table.pids else None
            (serving if found.state in kernel.LISTENER_STATES else others).append((found, pid))
    listeners = _listeners(host, serving, source, named=bool(table.pids))
    holders: dict[tuple[int, Transport], list[tuple[Socket, Owner | None]]] = {}
    by_port: dict[int, list[Listener]] = {}
    for row in listeners:
        by_port.setdefault(row.socket.port, []).append(row)
        holders.setdefault((row.socket.port, row.socket.transport), []).append(
            (row.socket, next(iter(row.owners), None))
        )
    # Connections that a listener accepted share its port: only without one do they matter.
    lone = [pair for pair in others if (pair[0].port, pair[0].transport) not in holders]
    for found, owner in _owned(host, lone, named=bool(table.pids)):
        holders.setdefault((found.port, found.transport), []).append((found, owner))
    return _Holding(
        holders,
        {port: tuple(rows) for port, rows in by_port.items()},
        (*table.gaps, *hidden_owners(listeners)),
        complete=not table.gaps,
    )


def _owned(
    host: Host, sockets: Sequence[tuple[Socket, int | None]], *, named: bool
) -> list[tuple[Socket, Owner | None]]:
    """Sockets of connections with an owner; those that nobody holds any more have none."""
    if not sockets:
        return []
    from portbook.owners import owners_of

    found = [row for row, _ in sockets]
    owners = owners_of(host, found, [pid for _, pid in sockets] if named else ())
    return [(row, next(iter(held), None)) for row, held in zip(found, owners, strict=True)]


def _listeners(
    host: Host,
    sockets: Sequence[tuple[Socket, int | None]],
    source: str | None,
    *,
    named: bool,
) -> tuple[Listener, ...]:
    """Owners, names and verdicts for (socket, pid), in the order of port, transport, address.

    `named` says that the source of the sockets names a process for each.
    """
    if not sockets:
        return ()
    from portbook.owners import owners_of
    from portbook.registry.lookup import lookup

    found = [row for row, _ in sockets]
    owners = owners_of(host, found, [pid for _, pid in sockets] if named else ())
    gone = _look_again(host, found, owners, source)
    settings = kernel.read_settings(host)
    listeners = []
    for index, (row, holders) in enumerate(zip(found, owners, strict=True)):
        if index in gone:
            continue
        entry = lookup(row.port, row.transport)
        listeners.append(
            Listener(
                socket=row,
                user=host.user(row.uid) if not isinstance(row.uid, Unknown) else _user(holders),
                reach=kernel.reach_of(row.address),
                owners=holders,
                assignments=tuple(each.service for each in entry.assignments if each.service),
                speaks=None,
                verdict=_verdict(entry, holders, ephemeral=settings.is_ephemeral(row.port)),
            )
        )
    listeners.sort(key=lambda row: (row.socket.port, row.socket.transport, row.socket.address))
    return tuple(listeners)


def _user(owners: tuple[Owner, ...]) -> str | Unknown:
    return owners[0].user if owners else Unknown("unsupported")


def _look_again(
    host: Host,
    sockets: Sequence[Socket],
    owners: list[tuple[Owner, ...]],
    source: str | None,
) -> set[int]:
    """Read the table again for sockets without a visible process: the indices of those gone.

    A process may exit, or hand its socket on, between the reading of the table and the search for
    its open files. For those still there a second search puts the owners it finds into `owners`.
    """
    unowned = [
        index
        for index, holders in enumerate(owners)
        if not any(owner.proof == "fd" for owner in holders)
    ]
    if not unowned or not host.live:
        return set()
    again = {_identity(found) for found in kernel.read_table(host, source=source).sockets}
    gone = {index for index in unowned if _identity(sockets[index]) not in again}
    missed = [
        index
        for index in unowned
        if index not in gone
        and any(isinstance(o.pid, Unknown) and o.pid.unknown != "denied" for o in owners[index])
    ]
    if missed and not isinstance(sockets[missed[0]].inode, Unknown):
        from portbook.owners import owners_of

        found = owners_of(host, [sockets[index] for index in missed])
        for index, holders in zip(missed, found, strict=True):
            owners[index] = holders
    return gone


def _identity(found: Socket) -> tuple[object, ...]:
    return found.netns, found.transport, found.address, found.port, found.inode


def _verdict(entry: PortEntry, owners: Sequence[Owner], *, ephemeral: bool) -> Verdict:
    from portbook.registry.same_service import match
    from portbook.verdict import judge

    names = [name for owner in owners if (name := _known_as(owner))]
    registered = tuple(row.service for row in entry.assignments if row.service)
    for name in names:
        for row in entry.assignments:
            if row.service and match(row, name):
                return judge(Facts(name, registered, registered_match=row.service))
    for name in names:
        for use in entry.unofficial:
            if use.product.casefold() in name.casefold():
                return judge(Facts(name, registered, unofficial_match=use.product))
    return judge(Facts(names[0] if names else None, registered, ephemeral=ephemeral))


def _known_as(owner: Owner) -> str | None:
    """The process's name; where it is hidden, that of its unit (`ssh.service`: ssh)."""
    if isinstance(owner.name, str):
        return owner.name
    if isinstance(owner.unit, str):
        return owner.unit.rpartition(".")[0].partition("@")[0] or None
    return None


def _bindable(
    holding: _Holding,
    settings: kernel.PortSettings,
    port: int,
    transport: Transport,
    *,
    bind: bool,
) -> Bindable:
    from portbook.sockets.bind_probe import try_bind
    from portbook.sockets.bindable import judge

    holders = holding.holders.get((port, transport), [])
    avoid = frozenset(found.address for found, _ in holders)
    return judge(
        holders,
        try_bind(port, transport, avoid=avoid) if bind and port else None,
        privileged=settings.is_privileged(port),
        kernel_reserved=settings.is_reserved(port),
        complete=holding.complete,
    )


def _other_namespaces(host: Host, port: int) -> dict[Transport, list[Reason]]:
    """Listeners on the number in other network namespaces: no conflict, but worth knowing."""
    from portbook.owners import place_of
    from portbook.sockets.elsewhere import sockets_elsewhere

    reasons: dict[Transport, list[Reason]] = {}
    for found, pid in sockets_elsewhere(host, port):
        try:
            unit, container = place_of(host, pid)
        except OSError:
            unit, container = None, None
        where = f"container {container.id[:12]}" if container else unit or f"pid {pid}"
        reasons.setdefault(found.transport, []).append(
            Reason(
                "other-netns-publish",
                found.address,
                None,
                f"a socket in another network namespace (that of {where}) has this number; it "
                "keeps no bind() here from working, but a published port would lead there",
            )
        )
    return reasons
