"""The traces of one number, source by source: who names what on it."""

from collections.abc import Collection, Iterable

from portbook.model import Assignment, Evidence, Source
from portbook.model.record import Record
from portbook.registry.kept import until_reload
from portbook.registry.lookup import evidence_rows
from portbook.registry.same_service import SAME_NAME, match
from portbook.registry.sources import read_sources

_EXPORTER = "exporter"
_POLICY = "policy"


class Product(Record):
    """What a source names, and on which transports; none where it does not say.

    `meant`: it is a service that is registered on the number. `copied`: its name is that of one,
    but the source has it from the registry, so that it proves nothing.
    """

    name: str
    transports: tuple[str, ...]
    meant: bool
    copied: bool = False


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

    @property
    def copied(self) -> bool:
        """Whether all that it names is copied, so that it does not count."""
        return all(each.copied for each in self.products)


def traces_of(
    port: int,
    services: Iterable[Assignment],
    over: Collection[str | None] | None = None,
    *,
    overtaken: bool = False,
) -> tuple[Trace, ...]:
    """Every source that has the number, those first that name one of `services` on it.

    With `over` only traces on these transports; None among them is a trace that names none.
    `overtaken`: the services are, so a policy that has the name of one has copied it
    (`registry.life`).
    """
    known = {(row.service, row.description): row for row in services if row.service}.values()
    found: dict[str, list[tuple[Evidence, bool, bool]]] = {}
    for trace, kind in evidence_rows(port):
        if over is None or trace.transport in over:
            # As in the guesses by the name alone: that a web application speaks HTTP makes a
            # number alive, but it does not name the service. An exporter is not what it exports.
            meant = kind != _EXPORTER and any(match(row, trace.product) for row in known)
            copied = overtaken and meant and _is_copy(known, trace, kind)
            found.setdefault(trace.source, []).append((trace, meant and not copied, copied))
    told = [_trace(source, traces) for source, traces in found.items()]
    return tuple(sorted(told, key=lambda each: (not each.meant, each.copied, each.source.id)))


def _is_copy(services: Iterable[Assignment], trace: Evidence, kind: str) -> bool:
    return kind == _POLICY and any(match(row, trace.product, kind) == SAME_NAME for row in services)


def _trace(source: str, traces: list[tuple[Evidence, bool, bool]]) -> Trace:
    products: dict[str, tuple[list[str], bool, bool]] = {}
    for trace, meant, copied in traces:
        transports, before, _ = products.get(trace.product, ([], False, False))
        if trace.transport and trace.transport not in transports:
            transports.append(trace.transport)
        products[trace.product] = (transports, before or meant, copied)
    told = [
        Product(name, tuple(some), meant, copied)
        for name, (some, meant, copied) in products.items()
    ]
    known = _sources().get(source) or Source(source, source, "", "", "")
    return Trace(
        known, traces[0][0].note or "", tuple(sorted(told, key=lambda each: not each.meant))
    )


@until_reload
def _sources() -> dict[str, Source]:
    return {each.id: each for each in read_sources().sources}
