"""The answer about a port: what it is meant to be, what holds it, whether it can be bound."""

from collections.abc import Sequence

from portbook import sockets as kernel
from portbook.host import Host
from portbook.model import Advice, Answer
from portbook.survey.bindability import (
    BINDABLE,
    bindable,
    holding_of,
)


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
    holding = holding_of(host, ports, transport, source, bus=len(ports) == 1)
    answers = []
    for entry in entries:
        mine = holding.listeners.get(entry.port, ())
        advice = Advice(
            ephemeral=settings.is_ephemeral(entry.port),
            browser_blocked=entry.browser_blocked,
            privileged=entry.port > 0 and settings.is_privileged(entry.port),
            kernel_reserved=settings.is_reserved(entry.port),
        )
        found = tuple(found_here(listener) for listener in mine[:1])
        judged = {
            kind: bindable(holding, settings, entry.port, kind, bind=bind and host.live)
            for kind in BINDABLE
            if transport in (None, kind)
        }
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
                bindable={kind.value: said for kind, said in judged.items()},
                advice=advice,
                claim=None,
                incomplete=(*settings.gaps, *holding.gaps),
            )
        )
    return answers
