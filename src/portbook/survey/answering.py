"""The answer about a port: what it is meant to be, what holds it, whether it can be bound."""

from collections.abc import Sequence

from portbook import sockets as kernel
from portbook.host import Host
from portbook.host.folders import any_claims, hour_files, open_hour
from portbook.model import SYSTEM, Advice, Answer, Bindable, Gap, Listener, PortEntry, Transport
from portbook.survey.bindability import (
    BINDABLE,
    bindable,
    holding_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.survey.promised import PortPromises


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
    from portbook.registry.lookup import lookup

    host = host or Host()
    settings = kernel.read_settings(host)
    entries = [lookup(port, transport) for port in ports]
    holding = holding_of(host, ports, transport, source, bus=len(ports) == 1)
    promises = _promises(host, ports, transport)
    hours = _hours(host, ports)
    answers = []
    for entry in entries:
        advice = Advice(
            ephemeral=settings.is_ephemeral(entry.port),
            browser_blocked=entry.browser_blocked,
            privileged=entry.port > 0 and settings.is_privileged(entry.port),
            kernel_reserved=settings.is_reserved(entry.port),
        )
        judged = {
            kind.value: bindable(holding, settings, entry.port, kind, bind=bind and host.live)
            for kind in BINDABLE
            if transport in (None, kind)
        }
        mine = tuple(holding.listeners.get(entry.port, ()))
        answer = _answer(entry, advice, mine, judged, (*settings.gaps, *holding.gaps))
        if entry.port in hours:
            answer = answer._replace(traffic=hours[entry.port])
        answers.append(answer if promises is None else _with_promises(answer, promises))
    return answers


def _hours(host: Host, ports: Sequence[int]) -> dict[int, dict[str, object]]:
    """The last hour of the ports that are watched; nothing is imported where none is."""
    files = [(port, open_hour(path)) for port, path in hour_files(ports)] if host.live else []
    opened = [(port, fd) for port, fd in files if fd >= 0]
    if not opened:
        return {}
    from portbook.survey.watched import newest

    return {port: hour._asdict() for port, hour in newest(opened, host.now()).items()}


def _promises(host: Host, ports: Sequence[int], transport: str | None) -> "PortPromises | None":
    """What is claimed and reserved of the ports; None, without an import, where nothing can be."""
    if not host.live or not any_claims(ports):
        return None
    from portbook.survey.promised import promises_on

    return promises_on(host, ports, transport)


def _with_promises(answer: Answer, promises: "PortPromises") -> Answer:
    claims = promises.claims.get(answer.port, ())
    judged = {
        kind: found._replace(
            reasons=(*found.reasons, *promises.reasons.get((answer.port, Transport(kind)), ()))
        )
        for kind, found in answer.bindable.items()
    }
    return answer._replace(
        bindable=judged,
        claim=next(iter(claims), None),
        incomplete=(*answer.incomplete, *promises.gaps),
    )


def by_the_book(port: int, transport: str | None = None) -> Answer:
    """What the tables tell about one port: the same on every machine, and no machine is asked.

    The advice is by the usual defaults: Linux asks a privilege below 1024 and takes 32768-60999
    for outgoing connections, others the dynamic range.

    Raises:
        BadPort: `port` or `transport` is none.
        TableFault: the registry cannot be read.
    """
    from portbook.registry.lookup import lookup

    entry = lookup(port, transport)
    gap = Gap(
        "what holds it, and whether it can be bound",
        "no machine was looked at: this is what the tables tell",
        f"portbook {port}/{transport}" if transport else f"portbook {port}",
    )
    return _answer(entry, usual_advice(entry), (), {}, (gap,))


def usual_advice(entry: PortEntry) -> Advice:
    """What to know of the number of `entry` on a machine with the defaults of its system.

    Raises:
        TableFault: the table of ephemeral ranges is missing or broken.
    """
    from portbook.registry.nearby import advice_for

    return Advice(
        ephemeral=any(each.code == "ephemeral" for each in advice_for(entry).against),
        browser_blocked=entry.browser_blocked,
        privileged=0 < entry.port <= SYSTEM.last,
        kernel_reserved=False,
    )


def _answer(
    entry: PortEntry,
    advice: Advice,
    listeners: tuple[Listener, ...],
    bindable: dict[str, Bindable],
    incomplete: tuple[Gap, ...],
) -> Answer:
    """What the tables tell of one port, with what is known of a machine."""
    from portbook.registry.candidates import candidates, found_here

    found = tuple(found_here(listener) for listener in listeners[:1])
    return Answer(
        port=entry.port,
        range=entry.range,
        assignments=entry.assignments,
        life=entry.life,
        unofficial=entry.unofficial,
        suspicious_uses=entry.suspicious_uses,
        candidates=found + candidates(entry, ephemeral=advice.ephemeral),
        listeners=listeners,
        bindable=bindable,
        advice=advice,
        claim=None,
        traffic=None,
        incomplete=incomplete,
    )
