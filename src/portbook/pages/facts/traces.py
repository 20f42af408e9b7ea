"""The traces of one number, source by source: who names what on it."""

from collections.abc import Iterable

from portbook.model import Assignment, Evidence, Source
from portbook.model.record import Record
from portbook.registry.kept import until_reload
from portbook.registry.lookup import evidence_rows
from portbook.registry.same_service import match
from portbook.registry.sources import read_sources

_EXPORTER = "exporter"


class Product(Record):
    """What a source names, and on which transports; none where it does not say.

    `meant`: it is a service that is registered on the number.
    """

    name: str
    transports: tuple[str, ...]
    meant: bool


class Trace(Record):
    """One source and all that it names on the number, what is registered there first.

    `note` is what the source has to do with numbers, in the words of the table.
    """

    source: Source
    note: str
    products: tuple[Product, ...]

    @property
    def meant(self) -> bool:
        """Whether it names a registered service."""
        return self.products[0].meant


def traces_of(
    port: int, services: Iterable[Assignment], transport: str | None = None
) -> tuple[Trace, ...]:
    """Every source that has the number, those first that name one of `services` on it.

    With `transport` only what may be about that one.
    """
    known = {(row.service, row.description): row for row in services if row.service}.values()
    found: dict[str, list[tuple[Evidence, bool]]] = {}
    for trace, kind in evidence_rows(port):
        if transport is None or trace.transport in (None, transport):
            # As in the guesses by the name alone: that a web application speaks HTTP makes a
            # number alive, but it does not name the service. An exporter is not what it exports.
            meant = kind != _EXPORTER and any(match(row, trace.product) for row in known)
            found.setdefault(trace.source, []).append((trace, meant))
    told = [_trace(source, traces) for source, traces in found.items()]
    return tuple(sorted(told, key=lambda each: (not each.meant, each.source.id)))


def _trace(source: str, traces: list[tuple[Evidence, bool]]) -> Trace:
    products: dict[str, tuple[list[str], bool]] = {}
    for trace, meant in traces:
        transports, before = products.get(trace.product, ([], False))
        if trace.transport and trace.transport not in transports:
            transports.append(trace.transport)
        products[trace.product] = (transports, before or meant)
    told = [Product(name, tuple(some), meant) for name, (some, meant) in products.items()]
    known = _sources().get(source) or Source(source, source, "", "", "")
    return Trace(
        known, traces[0][0].note or "", tuple(sorted(told, key=lambda each: not each.meant))
    )


@until_reload
def _sources() -> dict[str, Source]:
    return {each.id: each for each in read_sources().sources}
