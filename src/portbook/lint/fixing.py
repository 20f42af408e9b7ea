"""Renumbering what collides: which program gets another number, and where that number is written.

A place that may mean another program too is left alone and told. What is changed are digits, and
only where the very digits stand (`rewriting`).
"""

from collections.abc import Iterable, Sequence

from portbook.lint.agreeing import Agreed, agreeing
from portbook.lint.rewriting import Edit, digits_at
from portbook.model.declared import ON_THE_MACHINE, Declared, LintFinding, Place
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Lines = Callable[[str], list[str]]
    Choose = Callable[[int, frozenset[int]], int | None]

RULES = ("PB101", "PB105", "PB103", "PB104")
"""What is a collision, the surest first."""
_SURE = ("PB101", "PB105")

_WIDEST = 1000
"""Numbers of one range that are known to be named; a wider one names nothing in particular."""


class Renumbering(Record):
    """One program's number, and everywhere it changes.

    `why` says why this program and not the other; `left` are places that say the old number and
    may mean either, each with what they may mean.
    """

    finding: LintFinding
    who: str
    old: int
    new: int
    edits: tuple[Edit, ...]
    why: str
    left: tuple[tuple[Place, str], ...]


class Refused(Record):
    """A collision that is left for people, and why."""

    finding: LintFinding
    why: str


class Plan(Record):
    """What would be renumbered, and what cannot be."""

    renumberings: tuple[Renumbering, ...]
    refused: tuple[Refused, ...]

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Every edit, each once."""
        return tuple(dict.fromkeys(edit for each in self.renumberings for edit in each.edits))


def plan(
    findings: Iterable[LintFinding],
    declared: Sequence[Declared],
    lines: "Lines",
    choose: "Choose",
    *,
    wide: bool = False,
) -> Plan:
    """What to renumber so that nothing collides.

    Args:
        findings: of a lint; those of other rules, and known ones, are passed over.
        declared: everything the project declares.
        lines: the lines of a file.
        choose: gives a free number near one, and none of a set.
        wide: change what the same program binds in a container as well.
    """
    wanted = [each for each in findings if each.rule in RULES and not each.known]
    wanted.sort(key=lambda each: RULES.index(each.rule))
    named = {port for each in declared if each.is_port for port in each.ports[:_WIDEST]}
    done: dict[Place, Edit] = {}
    made, refused = [], []
    for found in wanted:
        if not found.digits and found.rule not in _SURE:
            continue
        try:
            target, why = _target(found, declared)
            if any(place in done for place in target.digits):
                continue
            agreed = agreeing(target, found, declared, lines, wide=wide)
            new = choose(target.first, frozenset(named))
            edits = _edits(agreed, target.first, new, lines)
        except _Cannot as error:
            refused.append(Refused(found, str(error)))
            continue
        if new is None or any(edit.place in done for edit in edits):
            shared = "its digits serve another program too"
            refused.append(Refused(found, shared if new else "no free number was found"))
            continue
        done |= {edit.place: edit for edit in edits}
        named.add(new)
        made.append(
            Renumbering(found, target.who, target.first, new, tuple(edits), why, agreed.left)
        )
    return Plan(tuple(made), tuple(refused))


class _Cannot(Exception):
    """Why a collision is left alone."""


def _target(found: LintFinding, declared: Sequence[Declared]) -> tuple[Declared, str]:
    """The declaration to renumber, and why that one.

    The finding's own, which is the later one in the order of the files; where its number comes
    from outside, the nearest of the others.

    Raises:
        _Cannot: neither can be changed by a program.
    """
    own = _declared_at(found.place, found.port, declared)
    if own is not None and found.digits:
        return _single(own), _why(found, own)
    if own is not None and own.digits:
        _single(own)
        raise _Cannot("its digits mean more than one thing")
    for related in found.related:
        other = _declared_at(related.place, found.port, declared)
        if other is not None and other.digits:
            return _single(other), "the other one's number comes from outside these files"
    raise _Cannot("its number is not written in these files")


def _single(target: Declared) -> Declared:
    if target.first != target.last:
        raise _Cannot("it is a range, and which numbers it gets is for people")
    return target


def _why(found: LintFinding, target: Declared) -> str:
    place = _order(found.place)
    if found.related and all(_order(each.place) < place for each in found.related):
        return "it comes later in the files than the other"
    if target.role == "publish":
        return "a container's outer number can change, and the container stays as it is"
    return "it is the one that the finding is about"


def _order(place: Place) -> tuple[str, int, int]:
    return place.path, place.line, place.column


def _declared_at(place: Place, port: int | None, declared: Sequence[Declared]) -> Declared | None:
    fitting = [
        each
        for each in declared
        if each.place == place and each.is_port and (port is None or port in each.ports)
    ]
    taken = [each for each in fitting if each.role in ON_THE_MACHINE]
    return next(iter(taken or fitting), None)


def _edits(agreed: Agreed, old: int, new: int | None, lines: "Lines") -> list[Edit]:
    """The edits of all places.

    Raises:
        _Cannot: one does not hold the digits, or is written nowhere here.
    """
    if agreed.outside is not None:
        raise _Cannot(f"{agreed.outside.path}:{agreed.outside.line} has it from outside")
    for place in agreed.places:
        if digits_at(lines(place.path), place) != str(old):
            raise _Cannot(f"{place.path}:{place.line} does not say {old} in plain digits")
    return [Edit(place, str(old), str(new)) for place in agreed.places]
