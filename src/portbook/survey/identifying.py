"""Asking listeners what they speak: rows become targets, owners become clues, all is joined."""

from collections.abc import Callable, Sequence

from portbook.host import Host
from portbook.model import Gap, Listener, Owner, Unknown, Wire
from portbook.model.record import Record
from portbook.model.speaks import Clues, Speaks, Target
from portbook.sockets import read_settings
from portbook.survey.judging import judged

LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where a wildcard listener is asked."""

_NO_CLUE = frozenset(
    ("docker-proxy", "systemd", "init", "inetd", "xinetd", "rootlessport", "pasta")
)
"""Who holds a socket for somebody else."""


class Asked(Record):
    """Listeners with what they speak, in the order given, and what could not be asked."""

    listeners: tuple[Listener, ...]
    gaps: tuple[Gap, ...]


class Asking(Record):
    """How to ask.

    `wire`: False asks nobody, and tells by local evidence alone. `clues`: False withholds the
    process, so that the wire alone speaks. `clients`: UDP sockets on ephemeral numbers too, which
    are clients'. `patience` and `printers` are those of identify.engine.Options. `done` is called
    with each row as soon as it is known.
    """

    wire: bool = True
    clues: bool = True
    clients: bool = False
    patience: float | None = None
    printers: bool = False
    done: Callable[[Listener], None] | None = None


_DEFAULT = Asking()


def identified(host: Host, rows: Sequence[Listener], asking: Asking = _DEFAULT) -> Asked:
    """The rows with `speaks`, and the verdict weighed again with it.

    Rows of other network namespaces cannot be connected to from here; that is a gap.
    """
    from portbook.identify import Options, identify, local_evidence

    is_ephemeral = read_settings(host).is_ephemeral
    groups: dict[_Place, list[Listener]] = {}
    for row in rows:
        if can_be_asked(row):
            groups.setdefault(_place(row), []).append(row)
    by_target = {}
    for group in groups.values():
        target = target_of(group, clues=asking.clues)
        client = target.transport == "udp" and not asking.clients and is_ephemeral(target.port)
        target = target._replace(client=client)
        by_target[id(target)] = (target, group)
    joined: dict[int, Listener] = {}

    def done(target: Target, speaks: Speaks) -> None:
        for row in by_target[id(target)][1]:
            joined[id(row)] = _joined(row, speaks, ephemeral=is_ephemeral(row.socket.port))
            if asking.done:
                asking.done(joined[id(row)])

    targets = [target for target, _ in by_target.values()]
    if asking.wire and host.live:
        options = Options(patience=asking.patience, printers=asking.printers, done=done)
        identify(targets, options)
    else:
        for target in targets:
            done(target, local_evidence(target))
    elsewhere = sum(row.namespace is not None for row in rows)
    gaps = (
        (
            Gap(
                f"what {elsewhere} listeners of other network namespaces speak",
                "they cannot be connected to from here",
                "run portbook inside them",
            ),
        )
        if elsewhere
        else ()
    )
    return Asked(tuple(joined.get(id(row), row) for row in rows), gaps)


def identified_elsewhere(
    transport: str, address: str, port: int, asking: Asking
) -> tuple[tuple[str, ...], Speaks]:
    """The services registered for a port, and what a listener of it speaks that is not ours."""
    from portbook.identify import Options, identify
    from portbook.registry.lookup import lookup
    from portbook.verdict.conflict import conflict

    entry = lookup(port, transport)
    names = tuple(dict.fromkeys(row.service for row in entry.assignments if row.service))
    target = Target(transport, address, port, registered=names, local=False)
    options = Options(patience=asking.patience, printers=asking.printers)
    speaks = identify([target], options)[0]
    wire = wire_of(speaks, port)
    told = conflict(
        names,
        None,
        wire.what if wire else None,
        as_registered=wire is not None and not set(names).isdisjoint(wire.services),
        as_process=True,
    )
    return names, speaks._replace(conflicts=told)


def _joined(row: Listener, speaks: Speaks, *, ephemeral: bool) -> Listener:
    """The row with what it speaks, where its sources disagree, and the verdict that follows."""
    from portbook.registry.lookup import lookup

    found = row.socket
    wire = wire_of(speaks, found.port)
    entry = lookup(found.port, found.transport)
    verdict = judged(
        entry,
        row.owners,
        reach=row.reach,
        ephemeral=ephemeral,
        wire=wire,
        product=speaks.product if wire else None,
    )
    told = speaks._replace(conflicts=_conflicts(row, speaks, wire))
    return row._replace(speaks=told, verdict=verdict)


def wire_of(speaks: Speaks, port: int) -> Wire | None:
    """What was heard on the wire, for the verdict; None where nothing was recognised there."""
    from portbook.identify import is_carrier, is_usual, services_of

    if speaks.protocol is None or (speaks.behaviour and speaks.behaviour != "tls-only"):
        return None
    return Wire(
        speaks.protocol,
        speaks.confidence or "guess",
        in_words(speaks),
        services_of(speaks),
        carrier=is_carrier(speaks.protocol),
        usual=is_usual(speaks, port),
    )


def in_words(speaks: Speaks) -> str:
    """`Redis 7.0.15`, `http (nginx 1.22.1) in TLS`, or the protocol alone."""
    product = " ".join(filter(None, (speaks.product, speaks.version)))
    protocol = speaks.protocol or "nothing known"
    if not product:
        text = protocol
    elif (speaks.product or "").casefold() == protocol:
        text = product
    else:
        text = f"{protocol} ({product})"
    inside = speaks.tls is not None and not speaks.tls.upgraded and protocol != "tls"
    return f"{text} in TLS" if inside else text


def _conflicts(row: Listener, speaks: Speaks, wire: Wire | None) -> tuple[str, ...]:
    from portbook.identify import agrees_with_process
    from portbook.verdict import known_as
    from portbook.verdict.conflict import conflict

    if wire is None:
        return ()
    names = [name for owner in row.owners if (name := known_as(owner))]
    process = names[0] if names and speaks.process else None
    return conflict(
        tuple(dict.fromkeys(row.assignments)),
        process,
        wire.what,
        as_registered=not set(row.assignments).isdisjoint(wire.services),
        as_process=agrees_with_process(speaks, row.socket.port),
    )


def can_be_asked(row: Listener) -> bool:
    """Whether the row is something that answers: listening, or a UDP socket without a peer."""
    return row.namespace is None and row.socket.state in ("listen", "unconnected")


_Place = tuple[str, str, int, str | None]


def _place(row: Listener) -> _Place:
    """Rows of one place share a port (SO_REUSEPORT): whoever connects reaches one of them."""
    found = row.socket
    return str(found.transport), found.address, found.port, found.interface


def target_of(rows: Sequence[Listener], *, clues: bool) -> Target:
    """Where to ask the listeners of one place, with what is known of them here."""
    found = rows[0].socket
    address = LOOPBACK.get(found.address, found.address)
    if found.dual_stack is True:
        # IPv6 may be off on loopback, as in many containers.
        address = LOOPBACK["0.0.0.0"]
    scoped = address.startswith("fe80") and found.interface
    if scoped and "%" not in address:
        address = f"{address}%{found.interface}"
    known = [clues_of(row) for row in rows] if clues else []
    names = dict.fromkeys(name for each in known for name in each.programs)
    commands = dict.fromkeys(each.command for each in known)
    return Target(
        str(found.transport),
        address,
        found.port,
        Clues(tuple(names), "\n".join(commands)),
        rows[0].assignments,
        interface=found.interface if found.address in LOOPBACK else None,
        sharing=len(rows),
    )


def clues_of(row: Listener) -> Clues:
    """What the owners of a listener are called, and their command lines."""
    names: dict[str, None] = {}
    commands = []
    for owner in row.owners:
        names |= dict.fromkeys(_names(owner))
        if not isinstance(owner.cmdline, Unknown):
            commands.append(" ".join(owner.cmdline))
    if row.activation and isinstance(row.activation.service, str):
        names[_stem(row.activation.service)] = None
    if row.kernel:
        names |= dict.fromkeys(row.kernel.casefold().split())
    engine = row.published_by
    if engine and not isinstance(engine, Unknown):
        names[_image(engine.image)] = None
    return Clues(tuple(name for name in names if name), "\n".join(commands))


def _names(owner: Owner) -> list[str]:
    """Everything that the owner's program goes by, in lower case."""
    names = []
    if isinstance(owner.name, str):
        names.append(owner.name)
    if isinstance(owner.exe, str):
        names.append(owner.exe.rpartition("/")[2])
    engine = owner.engine_container
    if not _NO_CLUE.isdisjoint(names):
        # Its package and unit are those of somebody else's door-keeper.
        return [_image(engine.image)] if engine and not isinstance(engine, Unknown) else []
    if owner.cmdline and not isinstance(owner.cmdline, Unknown):
        # A daemon that rewrites its title puts a colon behind its name (`postgres: writer`).
        names.append(owner.cmdline[0].partition(" ")[0].rpartition("/")[2].rstrip(":"))
    if isinstance(owner.unit, str) and owner.unit.endswith(".service"):
        names.append(_stem(owner.unit))
    if owner.package and not isinstance(owner.package, Unknown):
        names.append(owner.package.name)
    if engine and not isinstance(engine, Unknown):
        names.append(_image(engine.image))
    return [name.casefold() for name in names]


def _stem(unit: str) -> str:
    return unit.rpartition(".")[0].partition("@")[0].casefold()


def _image(image: str) -> str:
    """`docker.io/library/redis:7-alpine` is redis."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0].casefold()
