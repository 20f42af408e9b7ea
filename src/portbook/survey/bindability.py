"""Why a port can or cannot be bound: who holds it, in any state, in this namespace or another."""

from collections.abc import Sequence

from portbook import sockets as kernel
from portbook.host import Host, clock
from portbook.host.folders import any_claims
from portbook.model import Bindable, Gap, Listener, Owner, Reason, Socket, Transport, Unknown
from portbook.model.record import Record
from portbook.survey.listeners import hidden_owners, listeners_of, namespace_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.sockets.bind_probe import ProbeResult

BINDABLE = (Transport.TCP, Transport.UDP)
MOST_CLIENTS = 64
"""Connections without a listener whose owners are looked for; one is enough to hold a port."""

_PORT_ZERO = Bindable(
    Unknown("unsupported", "0 is no port of its own: bind(0) asks for any free one"),
    (),
    "unknown",
    "not-asked",
)
_DENIED = Unknown("denied", "run as root")
_COLLIDED = 0.005
"""Seconds after which a bind() that failed for no visible reason is tried again."""


class Why(Record):
    """Whether a port can be bound, per transport."""

    port: int
    tcp: Bindable | None
    udp: Bindable | None
    gaps: tuple[Gap, ...]


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
    holding = holding_of(host, [port], transport, source)
    judged = {
        kind: bindable(holding, settings, port, kind, bind=bind and host.live)
        for kind in BINDABLE
        if transport in (None, kind)
    }
    for elsewhere in (_other_namespaces(host, port), _published(host, port, holding)):
        _add_reasons(judged, elsewhere)
    gaps: tuple[Gap, ...] = (*settings.gaps, *holding.gaps)
    if host.live and any_claims((port,)):
        from portbook.survey.promised import promises_on

        promises = promises_on(host, (port,), transport)
        promised = {kind: promises.reasons.get((port, kind), []) for kind in judged}
        _add_reasons(judged, promised)
        gaps += promises.gaps
    return Why(port, judged.get(Transport.TCP), judged.get(Transport.UDP), gaps)


def asked_of(found: Why) -> dict[str, Bindable]:
    """What was found for each transport that was asked about."""
    return {kind: b for kind, b in (("tcp", found.tcp), ("udp", found.udp)) if b is not None}


def why_body(found: Why) -> dict[str, object]:
    """The fields of the document `why`."""
    return {"port": found.port, **asked_of(found), "incomplete": found.gaps}


def _add_reasons(judged: dict[Transport, Bindable], more: dict[Transport, list[Reason]]) -> None:
    """Put further reasons behind those of the transports that were judged."""
    for kind, reasons in more.items():
        if kind in judged:
            judged[kind] = judged[kind]._replace(reasons=(*judged[kind].reasons, *reasons))


class Holding(Record):
    """Who holds the ports in question: every socket with an owner, and the listeners."""

    holders: dict[tuple[int, Transport], list[tuple[Socket, Owner | None]]]
    listeners: dict[int, tuple[Listener, ...]]
    gaps: tuple[Gap, ...]
    complete: bool


def holding_of(
    host: Host,
    ports: Sequence[int],
    transport: str | None,
    source: str | None,
    *,
    bus: bool = False,
) -> Holding:
    """Read the kernel's table once, and find the owners of whatever holds one of `ports`.

    `bus` asks systemd over D-Bus about each unit.
    """
    table = kernel.read_table(
        host, port=ports[0] if len(ports) == 1 else None, every_state=True, source=source
    )
    wanted = set(ports)
    serving: list[tuple[Socket, int | None]] = []
    others: list[tuple[Socket, int | None]] = []
    for index, each in enumerate(table.sockets):
        if each.port in wanted and transport in (None, each.transport):
            pid = table.pids[index] if table.pids else None
            (serving if each.state in kernel.LISTENER_STATES else others).append((each, pid))
    found = listeners_of(host, serving, source=source, named=bool(table.pids), bus=bus)
    listeners = found.listeners
    holders: dict[tuple[int, Transport], list[tuple[Socket, Owner | None]]] = {}
    by_port: dict[int, list[Listener]] = {}
    for row in listeners:
        by_port.setdefault(row.socket.port, []).append(row)
        holders.setdefault((row.socket.port, row.socket.transport), []).append(
            (row.socket, next(iter(row.owners), None))
        )
    # Connections that a listener accepted have its address: only the others matter.
    served: dict[tuple[int, Transport], set[str]] = {}
    for row in listeners:
        served.setdefault((row.socket.port, row.socket.transport), set()).add(row.socket.address)
    lone = [
        pair
        for pair in others
        if served.get((pair[0].port, pair[0].transport), set()).isdisjoint(
            ("0.0.0.0", "::", pair[0].address)
        )
    ]
    hidden = 0
    for lonely, owner in _owned(host, lone[:MOST_CLIENTS], named=bool(table.pids)):
        holders.setdefault((lonely.port, lonely.transport), []).append((lonely, owner))
        hidden += isinstance(owner, Owner) and owner.pid == _DENIED
    return Holding(
        holders,
        {port: tuple(rows) for port, rows in by_port.items()},
        (
            *table.gaps,
            *found.gaps,
            *hidden_owners(listeners),
            *_unread(transport),
            *(
                (Gap("the processes behind connections", "hidden", "run as root"),)
                if hidden
                else ()
            ),
        ),
        complete=not table.gaps,
    )


def _unread(transport: str | None) -> tuple[Gap, ...]:
    """Sockets of SCTP and DCCP are in tables of their own, which are not read."""
    if transport is None or transport in BINDABLE:
        return ()
    return (Gap(f"{transport} sockets", "only those of tcp and udp are read"),)


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


def bindable(
    holding: Holding,
    settings: kernel.PortSettings,
    port: int,
    transport: Transport,
    *,
    bind: bool,
) -> Bindable:
    """Whether one port and transport can be bound: by the table and, with `bind`, by bind()."""
    from portbook.sockets.bindable import judge

    if port == 0:
        return _PORT_ZERO
    holders = holding.holders.get((port, transport), [])
    return judge(
        holders,
        _tried(port, transport, holders) if bind else None,
        privileged=settings.is_closed_to_us(port),
        kernel_reserved=settings.is_reserved(port),
        complete=holding.complete,
    )


def _tried(
    port: int, transport: Transport, holders: Sequence[tuple[Socket, Owner | None]]
) -> "ProbeResult":
    """What bind() says; twice where it fails and nobody holds the port.

    Another program may hold it for the instant of its own try: two of us at once do.
    """
    from portbook.sockets.bind_probe import try_bind

    avoid = frozenset(found.address for found, _ in holders)
    said = try_bind(port, transport, avoid=avoid)
    if said.taken and not holders:
        clock.sleep(_COLLIDED)
        said = try_bind(port, transport, avoid=avoid)
    return said


def _other_namespaces(host: Host, port: int) -> dict[Transport, list[Reason]]:
    """Listeners on the number in other network namespaces: no conflict, but worth knowing."""
    from portbook.sockets.elsewhere import read_elsewhere

    reasons: dict[Transport, list[Reason]] = {}
    for each in read_elsewhere(host, port=port)[0]:
        for found in each.sockets:
            reasons.setdefault(found.transport, []).append(
                Reason(
                    "other-netns-publish",
                    found.address,
                    None,
                    "a socket in another network namespace (that of "
                    f"{namespace_label(host, each.pid)}) has this number; it keeps no bind() here "
                    "from working, but a published port would lead there",
                )
            )
    return reasons


def _published(host: Host, port: int, holding: Holding) -> dict[Transport, list[Reason]]:
    """Containers whose engine publishes the number without a socket here."""
    from portbook.owners import published_without_socket

    reasons: dict[Transport, list[Reason]] = {}
    for transport in BINDABLE:
        sockets = [found for found, _ in holding.holders.get((port, transport), ())]
        for address, container in published_without_socket(host, port, transport, sockets):
            reasons.setdefault(transport, []).append(
                Reason(
                    "other-netns-publish",
                    address,
                    None,
                    f"{container.engine} publishes it for container {container.name} "
                    f"({container.image}) without a socket here: a server on it would get no "
                    "traffic from outside",
                )
            )
    return reasons
