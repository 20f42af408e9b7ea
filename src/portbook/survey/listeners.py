"""Every listener of a host: sockets joined with owners, registered names and verdicts."""

from collections.abc import Sequence

from portbook import sockets as kernel
from portbook.host import Host, clock
from portbook.model import (
    EngineContainer,
    Gap,
    Listener,
    Owner,
    Said,
    Socket,
    Transport,
    Unknown,
)
from portbook.model.record import Record
from portbook.survey.judging import judged


class Survey(Record):
    """The listeners of one host, and what the sources could not say.

    What is hidden of the owners stands in the rows; `hidden_owners` counts it.
    """

    listeners: tuple[Listener, ...]
    gaps: tuple[Gap, ...]


def listeners_body(host: Host, rows: Sequence[Listener], gaps: Sequence[Gap]) -> dict[str, object]:
    """The fields of the document `listeners`."""
    heading = {"host": host.name, "at": clock.iso(host.now())}
    return {**heading, "listeners": tuple(rows), "incomplete": tuple(gaps)}


Row = tuple[Socket, int | None]
"""A socket, and the process that its source named, where it names one (psutil)."""


def survey(
    host: Host, *, source: str | None = None, all_netns: bool = False, bus: bool = False
) -> Survey:
    """Every listener of the host with owners, registered names and a verdict.

    Args:
        host: the host.
        source: where sockets are read from; the best one that answers by default.
        all_netns: also the listeners of every other network namespace, each labelled.
        bus: ask systemd over D-Bus about each unit.

    Raises:
        EnvironmentFault: the socket table or the registry cannot be read.
    """
    table = kernel.read_table(host, source=source)
    pids = table.pids or (None,) * len(table.sockets)
    rows = list(zip(table.sockets, pids, strict=True))
    found = listeners_of(host, rows, source=source, named=bool(table.pids), bus=bus, whole=True)
    found = Survey(found.listeners, (*table.gaps, *found.gaps))
    if not all_netns:
        return found
    elsewhere = _survey_elsewhere(host)
    return Survey((*found.listeners, *elsewhere.listeners), (*found.gaps, *elsewhere.gaps))


def _survey_elsewhere(host: Host) -> Survey:
    """The listeners of other network namespaces, labelled by container, unit or process."""
    from portbook.sockets.elsewhere import read_elsewhere

    namespaces, gaps = read_elsewhere(host)
    found: list[Listener] = []
    for each in namespaces:
        rows: list[Row] = [(row, None) for row in each.sockets]
        inside = listeners_of(host, rows, namespace=namespace_label(host, each.pid))
        found += inside.listeners
        gaps = (*gaps, *inside.gaps)
    return Survey(tuple(found), tuple(dict.fromkeys(gaps)))


def namespace_label(host: Host, pid: int) -> str:
    """What a network namespace is called: its process's container, unit or number."""
    from portbook.owners import place_of

    try:
        unit, container = place_of(host, pid)
    except OSError:
        unit, container = None, None
    return f"{container.engine} {container.id[:12]}" if container else unit or f"pid {pid}"


def listeners_of(
    host: Host,
    rows: Sequence[Row],
    *,
    source: str | None = None,
    named: bool = False,
    bus: bool = False,
    namespace: str | None = None,
    whole: bool = False,
) -> Survey:
    """Owners, names and verdicts for sockets, in the order of port, transport, address.

    `named` says that the source of the sockets named a process for each. `namespace` is the label
    of the network namespace that they are in, None for our own. With `whole`, `rows` are all of
    it, and what a container engine publishes without a socket among them is listed too.
    """
    if not rows:
        return Survey((), ())
    from portbook.owners import origins_of, owners_of
    from portbook.registry.lookup import lookup

    sockets = [row for row, _ in rows]
    owners = owners_of(host, sockets, [pid for _, pid in rows] if named else ())
    gone = set() if namespace else _look_again(host, sockets, owners, source)
    held = [
        (row, holders)
        for index, (row, holders) in enumerate(zip(sockets, owners, strict=True))
        if index not in gone
    ]
    origins = origins_of(host, held, bus=bus)
    ephemeral = kernel.read_settings(host).is_ephemeral
    listeners = []
    for index, (row, _) in enumerate(held):
        entry = lookup(row.port, row.transport)
        holders = origins.owners[index]
        reach = "other-netns" if namespace else kernel.reach_of(row.address)
        listeners.append(
            Listener(
                socket=row,
                user=host.user(row.uid) if not isinstance(row.uid, Unknown) else _user(holders),
                reach=reach,
                owners=holders,
                assignments=tuple(each.service for each in entry.assignments if each.service),
                speaks=None,
                verdict=judged(entry, holders, reach=reach, ephemeral=ephemeral(row.port)),
                activation=origins.activations[index],
                kernel=origins.kernel[index],
                namespace=namespace,
                published_by=origins.published[index],
            )
        )
    if whole:
        listeners += [_forwarded(*each) for each in origins.unserved]
    listeners.sort(key=lambda row: (row.socket.port, row.socket.transport, row.socket.address))
    return Survey(tuple(listeners), origins.gaps)


def _forwarded(transport: str, address: str, port: int, container: EngineContainer) -> Listener:
    """A row for a published port that the kernel forwards: there is no socket to tell of."""
    from portbook.registry.lookup import lookup

    none = Unknown("unsupported", "no socket is here: the kernel forwards the port")
    where = address or "0.0.0.0"
    family = "ipv6" if ":" in where else "ipv4"
    kind = Transport(transport)
    entry = lookup(port, kind)
    reach = kernel.reach_of(where)
    return Listener(
        socket=Socket(
            transport=kind,
            address=where,
            port=port,
            family=family,
            dual_stack=False,
            state="published",
            netns=none,
            inode=none,
            uid=none,
            backlog=None,
            queued=None,
            interface=None,
            cgroup=none,
        ),
        user=none,
        reach=reach,
        owners=(),
        assignments=tuple(each.service for each in entry.assignments if each.service),
        speaks=None,
        verdict=judged(entry, (), reach=reach, ephemeral=False),
        activation=None,
        kernel=None,
        namespace=None,
        published_by=container,
    )


def _user(owners: tuple[Owner, ...]) -> str | Unknown:
    return owners[0].user if owners else Unknown("unsupported")


def hidden_owners(listeners: Sequence[Listener]) -> tuple[Gap, ...]:
    """The gap of rows whose processes could not be seen, one for each reason."""
    count: dict[Unknown, int] = {}
    for row in listeners:
        pid = row.owners[0].pid if row.owners else None
        if isinstance(pid, Unknown) and pid.unknown in _HIDDEN:
            count[pid] = count.get(pid, 0) + 1
    return tuple(
        Gap(
            Said.plural(
                "the processes behind %(n)s socket", "the processes behind %(n)s sockets", number
            ),
            _HIDDEN[why.unknown],
            why.hint,
        )
        for why, number in count.items()
    )


_HIDDEN = {
    "denied": Said("other users' open files cannot be read"),
    "unreadable": Said("/proc shows no process"),
    "outside": Said("they may run outside this PID namespace"),
}


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
