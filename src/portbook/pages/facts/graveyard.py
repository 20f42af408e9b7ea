"""How many registrations are orphans, and how many numbers were ever given back: two counts."""

from portbook.model.record import Record
from portbook.registry.kept import until_reload
from portbook.registry.registrations import count_lives, registrations
from portbook.registry.since import comparison, freed


class Graveyard(Record):
    """`orphans` of `services` have no public trace.

    `freed` numbers lost their last service from `first` to `last` (ISO dates).
    """

    orphans: int
    services: int
    freed: int
    first: str
    last: str


@until_reload
def graveyard() -> Graveyard:
    """The counts of the tables in use.

    Raises:
        TableFault: a table is missing or broken.
    """
    found = registrations()
    span = comparison()
    return Graveyard(count_lives(found)["orphan"], len(found), len(freed()), span.first, span.last)
