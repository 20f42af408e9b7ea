"""In which order a listener is asked. Derived from what is known, never from magic numbers.

First what local evidence suggests, then listening for a greeting, then the usual protocol of the
number, then the openers that the most protocols answer in a recognisable way, for their cost.
"""

from collections.abc import Iterator, Sequence
from functools import cache

from portbook.identify.limits import (
    CONNECTIONS_IN_ALL,
    HANDSHAKE_BYTES,
    PRINTER_PORTS,
    SENT_BYTES,
)
from portbook.identify.probe import Probe
from portbook.identify.probes import all_probes, probe_named
from portbook.model.record import Record
from portbook.model.speaks import Target

_MOST_PROGRAMS = 5


class Step(Record):
    """One thing to do: ask with `probe`'s opener, or listen where `probe` is None or greets.

    `why`: `process`, `greeting`, `number`, `ladder`; `patience` to listen to the end; `follow` for
    what a judge wants to hear on another connection, `confirm` for what an answer suggested. With
    `tls`, inside TLS.
    """

    why: str
    probe: Probe | None
    tls: bool = False

    @property
    def listens(self) -> bool:
        """Whether it waits for a greeting, in the clear."""
        return not self.tls and (self.probe is None or bool(self.probe.speaks_first))


def plan(target: Target, suggested: Sequence[Probe]) -> Iterator[Step]:
    """The steps for one listener, each once."""
    steps = _steps(target, suggested)
    if target.port in PRINTER_PORTS or any(probe.opt_in for probe in suggested):
        steps = _for_printer(target, suggested)
    elif target.transport == "tcp" and suggested and all(p.judge is None for p in suggested):
        steps = _for_the_silent()
    done: set[tuple[object, bool]] = set()
    for step in steps:
        key = (_words(step, target.transport), step.tls)
        if key not in done:
            done.add(key)
            yield step


def _for_printer(target: Target, suggested: Sequence[Probe]) -> Iterator[Step]:
    """What the process is known for, else the one question that printers do not print."""
    known = [probe for probe in suggested if asker_for(probe, target.transport)]
    printers = [probe for probe in all_probes() if probe.opt_in]
    for probe in known or printers:
        asker = asker_for(probe, target.transport)
        if asker is not None:
            yield Step("process" if known else "number", asker)


def _for_the_silent() -> Iterator[Step]:
    """A program that answers no stranger may still have a web page or a certificate."""
    yield Step("greeting", None)
    yield Step("ladder", probe_named("http"))
    yield Step("ladder", probe_named("tls"), tls=True)


def _words(step: Step, transport: str) -> object:
    """What a step says: two probes with the same first message are asked once."""
    probe = step.probe
    if probe is None:
        return step.why
    if step.listens:
        return "greeting"
    return (probe.datagram if transport == "udp" else probe.opener) or probe.name


def _steps(target: Target, suggested: Sequence[Probe]) -> Iterator[Step]:
    port, transport, registered = target.port, target.transport, target.registered
    for probe in suggested:
        asker = asker_for(probe, transport)
        if asker is not None:
            yield Step("process", asker, tls=transport == "tcp" and port in probe.secure_ports)
    greets = any(probe.speaks_first for probe in suggested)
    if transport == "tcp" and not greets:
        yield Step("greeting", None)
    for probe in all_probes():
        asker = asker_for(probe, transport)
        if asker is None:
            continue
        if port in probe.secure_ports and transport == "tcp":
            yield Step("number", asker, tls=True)
        elif port in probe.ports or any(name in probe.services for name in registered):
            yield Step("number", asker, tls=asker.tls)
    for probe in ladder(transport):
        yield Step("ladder", probe, tls=probe.tls)
        if probe.tls and transport == "tcp" and not greets:
            # Not before: a server of one client at a time leaves the others waiting behind it.
            yield Step("patience", None)


def inside(suggested: Sequence[Probe]) -> Iterator[Probe]:
    """Whom to ask inside TLS, where nobody greets: the suggested, HTTP, then what lives there.

    What more programs serve comes first: only a handful of handshakes fit in what may be sent.
    """
    clients = [probe for probe in (*suggested, *ladder("tcp")) if probe.opener and not probe.tls]
    known = [probe for probe in clients if probe in suggested]
    web = [probe for probe in clients if probe.name == "http"]
    others = [probe for probe in clients if probe.secure_ports]
    others.sort(key=lambda probe: (-len(probe.programs), len(probe.opener or b"")))
    yield from dict.fromkeys((*known, *web, *others))


def asker_for(probe: Probe, transport: str) -> Probe | None:
    """Whose first message makes it recognisable: its own, or one that it reacts to.

    An application over HTTP has no opener; None where nothing can be heard on the wire.
    """
    if askable(probe, transport):
        return probe
    if not probe.over(transport):
        return None
    others = (probe_named(name) for name in probe.reacts_to)
    return next((other for other in others if askable(other, transport) and not other.tls), None)


def takes_anything(target: Target) -> bool:
    """Whether all that usually lives on the number takes whatever arrives for data.

    Where no process is visible, a debugger that may live there is left alone as well.
    """
    usual = [
        probe
        for probe in all_probes()
        if target.port in probe.ports and probe.over(target.transport)
    ]
    if not target.clues.programs and any(probe.fragile for probe in usual):
        return True
    return bool(usual) and all(probe.sink for probe in usual)


def askable(probe: Probe, transport: str) -> bool:
    """Whether anything can be heard of it on the wire."""
    if transport == "udp":
        return probe.datagram is not None
    return probe.opener is not None or probe.speaks_first or probe.tls


@cache
def ladder(transport: str) -> tuple[Probe, ...]:
    """Every opener of a transport, those that tell most protocols apart for their cost first.

    This is the greedy choice for set cover (Chvatal 1979): each next opener is the one that newly
    covers the most protocols for its share of what a listener is spared, in bytes and connections,
    each weighed by how many programs serve it: what more programs speak is more often met. A TLS
    handshake covers what usually lives inside TLS.
    """
    left = [
        probe
        for probe in all_probes()
        if _size(probe, transport) and not (probe.opt_in or probe.expected)
    ]
    uncovered = {probe.name for probe in all_probes()}
    order: list[Probe] = []
    covers = {probe.name: _covers(probe, transport) for probe in left}
    while left:
        best = max(left, key=lambda each: _gain(each, covers[each.name] & uncovered, transport))
        order.append(best)
        uncovered -= covers[best.name]
        left.remove(best)
    return tuple(order)


def _gain(probe: Probe, new: set[str], transport: str) -> tuple[float, float, str]:
    """What it newly covers for its cost; then what it is worth by itself, as no cover is sure."""
    size = _size(probe, transport)
    cost = size / SENT_BYTES + 1 / CONNECTIONS_IN_ALL
    weight = sum(_weights()[name] for name in new)
    return (weight / cost, _weights()[probe.name] / cost, probe.name)


@cache
def _weights() -> dict[str, int]:
    """For each protocol one, and one more for each program that is known to serve it."""
    return {probe.name: 1 + len(probe.programs) + len(probe.commands) for probe in all_probes()}


def _size(probe: Probe, transport: str) -> int:
    """Bytes of its first message; 0 where it has none."""
    if transport == "udp":
        return len(probe.datagram or b"")
    return HANDSHAKE_BYTES if probe.tls else len(probe.opener or b"")


def _covers(asked: Probe, transport: str) -> set[str]:
    """The protocols that an opener makes recognisable."""
    return {
        probe.name
        for probe in all_probes()
        if probe is asked
        or asked.name in probe.reacts_to
        or (asked.tls and transport == "tcp" and probe.secure_ports)
    }
