"""A named source: its facts and its verdict."""

from portbook.model.record import Record
from portbook.model.traffic import Judged
from portbook.traffic.facts import Facts


class Case(Record):
    """A source by name, its facts and its verdict."""

    name: str
    facts: Facts
    judged: Judged


def raw(count: int, **marks: int) -> dict[str, int]:
    """First packets that no stack sends, with other marks (`_` for `-`)."""
    return {"raw": count, **{name.replace("_", "-"): number for name, number in marks.items()}}
