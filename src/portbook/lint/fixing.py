"""Renumbering what collides: which program gets another number, and where that number is written.

A place that may mean another program too is left alone and told. What is changed are digits, and
only where the very digits stand (`rewriting`).
"""

from collections.abc import Iterable, Iterator, Sequence

from portbook.lint.agreeing import Agreed, agreeing
from portbook.lint.rewriting import Edit, digits_at
from portbook.model.declared import ON_THE_MACHINE, Declared, LintFinding, Place
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Lines = Callable[[str], list[str]]
    Choose = Callable[[int, frozenset[int], range | None], int | None]

RULES = ("PB101", "PB105", "PB103", "PB104")
"""What is a collision, the surest first."""
_SURE = ("PB101", "PB105")

NODES = range(30000, 32768)
"""What a cluster gives to Services of type NodePort, as it is shipped."""

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
        choose: gives a free number near one, none of a set, and where a range is given one of it.
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
        reasons: list[str] = []
        for target, why in _targets(found, declared, lines, reasons):
            if any(place in done for place in target.digits):
                break
            try:
                agreed = agreeing(target, found, declared, lines, wide=wide)
                new = choose(
                    target.first, frozenset(named), NODES if target.role == "node" else None
                )
                edits = _edits(agreed, target, new, lines)
                _check_apart(edits, done)
            except _Cannot as error:
                reasons.append(str(error))
                continue
            done |= {edit.place: edit for edit in edits}
            named.add(int(edits[0].new))
            made.append(
                Renumbering(
                    *(found, target.who, target.first, int(edits[0].new), tuple(edits), why),
                    agreed.left,
                )
            )
            break
        else:
            refused.append(Refused(found, reasons[0]))
    return Plan(tuple(made), tuple(refused))


class _Cannot(Exception):
    """Why a collision is left alone."""


def _targets(
    found: LintFinding, declared: Sequence[Declared], lines: "Lines", reasons: list[str]
) -> Iterator[tuple[Declared, str]]:
    """The declarations that could be renumbered, the best first, and why that one.

    The finding's own, which is the later one in the order of the files; where it cannot be, the
    other. Why one is not among them is added to `reasons`, and so it is read when all are tried.
    """
    own = _declared_at(found.place, found.port, declared)
    others = [
        other
        for related in found.related
        if (other := _declared_at(related.place, found.port, declared)) is not None
    ]
    if own is None or own.digits:
        if own is not None and found.digits and own.first == own.last:
            yield own, _why(found, own)
            # One of three that moves away leaves two.
            if found.rule in _SURE and len(found.related) == 1 and _can_move(others, own):
                yield others[0], f"{own.who} cannot get another: {reasons[0]}"
        elif own is not None:
            reasons.append(_RANGE if own.first != own.last else _why_not(own, found, declared))
        else:
            reasons.append(_NOT_WRITTEN)
        return
    from_outside = _is_from_outside(own, lines)
    reasons.append("its number comes from outside these files" if from_outside else _NOT_WRITTEN)
    for other in others:
        if not other.digits:
            continue
        if other.first != other.last:
            reasons[0] = _RANGE
            return
        yield (
            other,
            "the other one's number comes from outside these files"
            if from_outside
            else "the other one's number is not written in plain digits",
        )
        reasons[0] = reasons[-1]
        return


_RANGE = "it is a range, and which numbers it gets is for people"
_NOT_WRITTEN = "its number is not written in plain digits in these files"


def _can_move(others: Sequence[Declared], own: Declared) -> bool:
    return (
        bool(others) and others[0].digits != () and others[0].first == others[0].last == own.first
    )


def _why_not(own: Declared, found: LintFinding, declared: Sequence[Declared]) -> str:
    """Why a number that is written in plain digits is not changed all the same."""
    if own.form == "actions":
        return "a workflow is for people: any step of the job may have the number in any form"
    if not found.related:
        return "it is started more than once, and each would need a number of its own"
    names = dict.fromkeys(
        each.who
        for each in declared
        if each.role in (*ON_THE_MACHINE, "node") and set(own.digits) & set(each.digits)
    )
    if len(names) > 1:
        return f"the same digits are the number of {' and '.join(names)}"
    if own.form == "kubernetes":
        return "a Pod is for people: what its containers bind is said in their images as well"
    return "another file says the same of it, and not in plain digits"


def _is_from_outside(own: Declared, lines: "Lines") -> bool:
    """Whether a number that is written nowhere here comes from a variable."""
    every = lines(own.place.path)
    line = every[own.place.line - 1] if own.place.line <= len(every) else ""
    said = line[own.place.column - 1 :][: own.place.length]
    return any(sign in said for sign in ("$", "{{", "<%", "%(", "@"))


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


def _check_apart(edits: Iterable[Edit], done: dict[Place, Edit]) -> None:
    """Refuse what was given to another program already.

    Raises:
        _Cannot: it was.
    """
    if any(edit.place in done for edit in edits):
        raise _Cannot("its digits serve another program too")


def _edits(agreed: Agreed, target: Declared, new: int | None, lines: "Lines") -> list[Edit]:
    """The edits of all places.

    Raises:
        _Cannot: one does not hold the digits, is written nowhere here or means something else too.
    """
    if agreed.outside is not None:
        raise _Cannot(f"{agreed.outside.path}:{agreed.outside.line} has it from outside")
    for place in agreed.places:
        if digits_at(lines(place.path), place) != str(target.first):
            raise _Cannot(f"{place.path}:{place.line} does not say {target.first} in plain digits")
    if agreed.shared:
        raise _Cannot(agreed.shared)
    if new is None:
        where = f" from {NODES[0]} to {NODES[-1]}" if target.role == "node" else ""
        raise _Cannot(f"no free number was found{where}")
    return [Edit(place, str(target.first), str(new)) for place in agreed.places]
