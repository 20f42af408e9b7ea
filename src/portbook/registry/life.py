"""Whether anything still uses a registration, from the traces of its number. Reads no file.

The rules, with what they are worth: docs/life.md.
"""

from collections.abc import Sequence

from portbook.model import DYNAMIC, Assignment, Evidence, Life, UnofficialUse
from portbook.registry.same_service import SAME_NAME, match

Trace = tuple[Evidence, str]
"""One piece of evidence and the kind of its source."""

# The kinds of sources, from what a number is first asked for to what was merely set aside. Firewall
# profiles stand low because most of them are of games.
KINDS = (
    "discovery",
    "services-file",
    "fingerprint",
    "self-hosted",
    "container-image",
    "dev-server",
    "policy",
    "protocol-decoder",
    "firewall-profile",
    "exporter",
)
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}

_YOUNG_YEARS = 3
# Nameless rows that give a number back; every other nameless row keeps it.
_GIVEN_BACK = ("unassigned", "de-registered", "removed")


def life_of(
    port: int,
    assignments: Sequence[Assignment],
    evidence: Sequence[Trace],
    *,
    sources_checked: int,
    as_of: str,
) -> tuple[Life, tuple[UnofficialUse, ...]]:
    """The verdict on `port`, and who uses it without being registered there."""
    verdict = verdict_on(port, assignments, evidence, as_of=as_of)
    life = Life(verdict, sources_checked, as_of, tuple(found for found, _ in evidence))
    named = [each for each in assignments if each.service is not None]
    return life, _unofficial(named, evidence)


def verdict_on(
    port: int, assignments: Sequence[Assignment], evidence: Sequence[Trace], *, as_of: str
) -> str:
    """The verdict alone.

    One named assignment that is alive makes the number alive. Where none is, any trace at all
    makes it overtaken, on whichever transport.
    """
    named = [each for each in assignments if each.service is not None]
    if not named:
        return _nameless(port, assignments)
    if evidence:
        alive = any(_names(each, named, evidence) for each in named)
        return "alive" if alive else "overtaken"
    return "young" if any(_is_young(each, as_of) for each in named) else "orphan"


def life_of_assignment(
    assignment: Assignment,
    assignments: Sequence[Assignment],
    evidence: Sequence[Trace],
    *,
    as_of: str,
) -> str:
    """The verdict on one named assignment among those of its number.

    Only traces on its own transports count, so a name may be an orphan on a number that is alive.
    """
    if _names(assignment, assignments, evidence):
        return "alive"
    transports = _transports(assignment, assignments)
    if any(_fits(found, transports) for found, _ in evidence):
        return "overtaken"
    return "young" if _is_young(assignment, as_of) else "orphan"


def _names(
    assignment: Assignment, assignments: Sequence[Assignment], evidence: Sequence[Trace]
) -> bool:
    """Whether the traces on the transports of the service name it.

    A policy that spells the name as IANA does may have copied it: that counts only while nothing
    but an exporter's reservation contradicts it.
    """
    transports = _transports(assignment, assignments)
    copied = contradicted = False
    for found, kind in evidence:
        if not _fits(found, transports):
            continue
        reason = match(assignment, found.product, kind)
        if reason is None:
            contradicted |= kind != "exporter"
        elif kind == "policy" and reason == SAME_NAME:
            copied = True
        else:
            return True
    return copied and not contradicted


def _transports(assignment: Assignment, assignments: Sequence[Assignment]) -> set[str | None]:
    """The transports under which the service stands on this number."""
    return {each.transport for each in assignments if each.service == assignment.service}


def _fits(found: Evidence, transports: set[str | None]) -> bool:
    """Whether the trace may be about these transports; a transport not given fits all."""
    return found.transport is None or found.transport in transports or None in transports


def _is_young(assignment: Assignment, as_of: str) -> bool:
    """Registered under three years before `as_of`; dates are compared as coarse as they are."""
    if assignment.registered is None:
        return False
    limit = f"{int(as_of[:4]) - _YOUNG_YEARS}{as_of[4:]}"
    return assignment.registered >= limit[: len(assignment.registered)]


def _nameless(port: int, assignments: Sequence[Assignment]) -> str:
    """The verdict on a number without a service."""
    if port >= DYNAMIC.first:
        return "dynamic"
    for each in assignments:
        if not (each.description or "").casefold().startswith(_GIVEN_BACK):
            return "reserved"
    return "unassigned"


def _unofficial(
    named: Sequence[Assignment], evidence: Sequence[Trace]
) -> tuple[UnofficialUse, ...]:
    """The products that name no service of the number: most sources first, then best kind.

    A use on several transports, or on one that no source gives, is listed without transport.
    """
    services = {(each.service, each.description): each for each in named}.values()
    uses: dict[str, list[Trace]] = {}
    for trace in evidence:
        found, kind = trace
        if not any(match(each, found.product, kind) for each in services):
            uses.setdefault(_same_product(found.product), []).append(trace)
    ranked = []
    for traces in uses.values():
        product = min((found.product for found, _ in traces), key=lambda each: (len(each), each))
        transports = {found.transport for found, _ in traces} - {None}
        transport = transports.pop() if len(transports) == 1 else None
        sources = tuple(sorted({found.source for found, _ in traces}))
        best = min(_RANK.get(kind, len(KINDS)) for _, kind in traces)
        ranked.append((-len(sources), best, product, UnofficialUse(product, transport, sources)))
    ranked.sort()
    return tuple(use for *_, use in ranked)


def _same_product(product: str) -> str:
    """What spellings of one product have in common: `InfluxDB`, `influxdb2`, `influxdb-server`."""
    letters = "".join(filter(str.isalnum, product.casefold()))
    return letters.rstrip("0123456789").removesuffix("server") or letters
