"""What happened to the registrations of one number since 2015, step by step."""

from portbook.model.record import Record
from portbook.registry.since import FactChange, RecordChange, changes_of


class Step(Record):
    """One change, with the transports that it happened on.

    `event`, `date`, `facts` and `others` are those of `RecordChange`.
    """

    service: str
    event: str
    date: str | None
    transports: tuple[str, ...]
    facts: tuple[FactChange, ...]
    others: tuple[str, ...]


def steps_of(port: int, transport: str | None = None) -> tuple[Step, ...]:
    """The changes of the records that cover `port`, the latest first.

    With `transport` those of that one.

    Raises:
        TableFault: the table is missing or broken.
    """
    found = changes_of(port)
    if not found:
        return ()
    groups: dict[tuple[object, ...], list[RecordChange]] = {}
    for change in found:
        if transport is None or change.transport in (None, transport):
            key = (change.service, change.event, change.date, change.facts, change.others)
            groups.setdefault(key, []).append(change)
    return tuple(
        Step(
            some[0].service,
            some[0].event,
            some[0].date,
            tuple(each.transport for each in some if each.transport),
            some[0].facts,
            some[0].others,
        )
        for some in groups.values()
    )
