"""The facts that a verdict weighs, gathered for one listener."""

from collections.abc import Sequence

from portbook.model import Facts, Owner, PortEntry, Verdict, Wire


def judged(
    entry: PortEntry,
    owners: Sequence[Owner],
    *,
    reach: str,
    ephemeral: bool,
    wire: Wire | None = None,
    product: str | None = None,
) -> Verdict:
    """The verdict on a listener on the port of `entry` with these owners, each weighed.

    `wire` is what it was heard to speak, `product` the product that it said it is.
    """
    from portbook.verdict import facts_of, judge

    process, registered_match, unofficial_match, known_for = _matches(entry, owners)
    if product and not unofficial_match:
        from portbook.registry.programs import names_product

        uses = (use.product for use in entry.unofficial)
        unofficial_match = next((use for use in uses if names_product(use, product)), None)
        services = (row.service for row in entry.assignments if row.service)
        named = next((name for name in services if names_product(name, product)), None)
        if wire and named:
            wire = wire._replace(services=(*wire.services, named))
    known = Facts(
        process,
        tuple(row.service for row in entry.assignments if row.service),
        registered_match=registered_match,
        unofficial_match=unofficial_match,
        ephemeral=ephemeral,
        reach=reach,
        malware_defaults=tuple((use.name, use.confidence) for use in entry.suspicious_uses),
        known_for=known_for,
        holders=max(1, len(owners)),
        wire=wire,
    )
    return judge(known, *(facts_of(owner, known) for owner in owners))


def _matches(
    entry: PortEntry, owners: Sequence[Owner]
) -> tuple[str | None, str | None, str | None, str | None]:
    """A holder's name, the registered service or the unofficial product that it is known for.

    Last, the service of another number that it is known for.
    """
    from portbook.registry.programs import known_for, names_product, serves
    from portbook.verdict import known_as

    names = [name for owner in owners if (name := known_as(owner))]
    for name in names:
        for row in entry.assignments:
            if row.service and serves(row, name):
                return name, row.service, None, None
    for name in names:
        for use in entry.unofficial:
            if names_product(use.product, name):
                return name, None, use.product, None
    first = names[0] if names else None
    elsewhere = next((known_for(name)[0] for name in names if known_for(name)), None)
    return first, None, None, elsewhere
