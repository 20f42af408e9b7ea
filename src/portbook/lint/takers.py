"""Who takes which numbers together, and where two of them want the same one.

Numbers are intervals that are swept once, so that a range of 65,535 costs what one number costs.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from portbook.lint.project import Project, Stack, StackService
from portbook.model.declared import Declared, Place
from portbook.model.record import Record

_SIDE_BY_SIDE = ("systemd", "actions", "devcontainer", "makefile", "justfile", "package", "readme")
"""Forms with `OUTER:INNER` in one text; compose has its pairs in its stacks."""

_MOST_PAIRS = 8
"""Pairs told for one declaration: who publishes a number nine times knows enough after eight."""


class Taker(Record):
    """One declaration that takes numbers of a machine; `order` is its place among the others.

    `service` is who it belongs to, `inner` the other side of its port, `choice` whether it takes
    only one of its numbers, whichever is free, `times` how often it is taken.
    """

    service: str
    one: Declared
    order: int
    inner: Declared | None = None
    choice: bool = False
    times: int = 1

    def can_meet(self, other: "Taker") -> bool:
        """Whether both can be up at once without anybody asking for two profiles."""
        own, others = self.one.profiles, other.one.profiles
        return not own or not others or not set(own).isdisjoint(others)

    def is_repeated_by(self, other: "Taker") -> bool:
        """Whether two files say the same of one service: the port is published once."""
        return (
            self.service == other.service
            and self.one.place.path != other.one.place.path
            and (self.one.first, self.one.last) == (other.one.first, other.one.last)
            and self.one.address == other.one.address
            and _numbers(self.inner) == _numbers(other.inner)
        )


class Meeting(Record):
    """Two takers of one number, in the order of the files."""

    earlier: Taker
    later: Taker
    port: int


def _numbers(one: Declared | None) -> tuple[int, int] | None:
    return (one.first, one.last) if one is not None else None


def takers_of(stack: Stack) -> list[Taker]:
    """Everything that a stack takes on the machine, in the order of its files."""
    found: list[Taker] = []
    for service in stack.services:
        for outer, inner in zip(service.publishes, service.inner, strict=True):
            if outer is not None:
                found.append(_taker(service, outer, inner))
        found += [_taker(service, outer, None) for outer in service.unpaired]
        if service.network == "host":
            found += [_taker(service, one, None) for one in service.listens if one.role == "listen"]
    files = {path: number for number, path in enumerate(stack.files)}

    def place(taker: Taker) -> tuple[int, int, int]:
        place = taker.one.place
        return (files.get(place.path, len(files)), place.line, place.column)

    found = [taker for taker in found if taker.one.is_port]
    found.sort(key=place)
    return [taker._replace(order=number) for number, taker in enumerate(found)]


def once(takers: Iterable[Taker]) -> list[Taker]:
    """Those that no earlier file has already: an overlay often says a port once more."""
    kept = []
    first: dict[tuple[object, ...], str] = {}
    for taker in takers:
        one = taker.one
        key = (taker.service, one.transport, one.first, one.last, one.address)
        path = first.setdefault((*key, _numbers(taker.inner)), one.place.path)
        if path == one.place.path:
            kept.append(taker)
    return kept


def inner_sides(project: Project) -> dict[Place, Declared]:
    """The inner side of what is published, by the place of the outer one."""
    found = {
        outer.place: inner
        for stack in project.stacks
        for service in stack.services
        for outer, inner in zip(service.publishes, service.inner, strict=True)
        if outer is not None
    }
    # Elsewhere the two stand side by side: `-p 8080:80`, `PublishPort=8080:80`.
    for outer, inner in pairwise(project.declared):
        if (
            (outer.role, inner.role) == ("publish", "container")
            and (outer.form, outer.who) == (inner.form, inner.who)
            and (outer.place.path, outer.place.line) == (inner.place.path, inner.place.line)
            and outer.form in _SIDE_BY_SIDE
        ):
            found.setdefault(outer.place, inner)
    return found


def _taker(service: StackService, outer: Declared, inner: Declared | None) -> Taker:
    width = inner.last - inner.first if inner is not None else 0
    choice = inner is not None and outer.last - outer.first > width
    return Taker(service.name, outer, 0, inner, choice, service.replicas)


def meetings(takers: Iterable[Taker]) -> Iterator[Meeting]:
    """Every two takers of one number on addresses that are not apart; choices are left out."""
    by_transport: dict[str, list[Taker]] = {}
    for taker in takers:
        if not taker.choice:
            by_transport.setdefault(taker.one.transport, []).append(taker)
    for each in by_transport.values():
        yield from _swept(sorted(each, key=lambda taker: (taker.one.first, taker.order)))


def _swept(takers: list[Taker]) -> Iterator[Meeting]:
    # Of each family ("" is both) the takers by address that may still have the next port.
    active: dict[str, dict[str, list[Taker]]] = {}
    for taker in takers:
        address = _address(taker.one)
        found: list[Taker] = []
        for family, own in _near(address):
            buckets = active.get(family, {})
            empty = []
            for key in buckets if own is None else own:
                if len(found) >= _MOST_PAIRS:
                    break
                if key in buckets:
                    found += _up(buckets[key], taker.one.first, _MOST_PAIRS - len(found))
                    if not buckets[key]:
                        empty.append(key)
            for key in empty:
                del buckets[key]
        for other in found:
            earlier, later = (other, taker) if other.order < taker.order else (taker, other)
            yield Meeting(earlier, later, taker.one.first)
        active.setdefault(_family(address), {}).setdefault(address, []).append(taker)


def _up(bucket: list[Taker], port: int, most: int) -> list[Taker]:
    """Those of a bucket that still have the port, the last first; others are dropped on the way."""
    found: list[Taker] = []
    while bucket and len(found) < most:
        taker = bucket.pop()
        if taker.one.last >= port:
            found.append(taker)
    bucket += reversed(found)
    return found


def _family(address: str) -> str:
    if not address or "$" in address:
        return address[:1]
    return "6" if ":" in address else "4"


def _near(address: str) -> list[tuple[str, tuple[str, ...] | None]]:
    """The families, and the addresses of each or all of them, that overlap with an address."""
    if not address:
        return [("", None), ("4", None), ("6", None), ("$", None)]
    family = _family(address)
    if address in ("0.0.0.0", "::"):
        return [("", None), (family, None)]
    wild = {"4": ("0.0.0.0",), "6": ("::",)}.get(family, ())
    return [("", None), (family, (*wild, address))]


def _address(one: Declared) -> str:
    text = (one.address or "").lower()
    return "127.0.0.1" if text == "localhost" else "" if text == "*" else text


def overlap(one: str, other: str) -> bool:
    """Whether two addresses are one in part; an empty one is every address of both families.

    The engine binds `0.0.0.0` for IPv4 alone and `::` for IPv6 alone. What is a variable without
    a value overlaps with every address and with itself.
    """
    if one == other or not one or not other:
        return True
    if "$" in one or "$" in other or (":" in one) != (":" in other):
        return False
    return one in ("0.0.0.0", "::") or other in ("0.0.0.0", "::")


def fully_taken(choice: Taker, takers: list[Taker]) -> list[Taker]:
    """Those who take every number that somebody may choose from; empty where one is left."""
    own = choice.one
    others = [
        taker
        for taker in takers
        if not taker.choice
        and taker.order != choice.order
        and taker.one.transport == own.transport
        and taker.one.first <= own.last
        and taker.one.last >= own.first
        and overlap(_address(taker.one), _address(own))
        and taker.can_meet(choice)
    ]
    others.sort(key=lambda taker: taker.one.first)
    port = own.first
    for taker in others:
        if taker.one.first > port:
            return []
        port = max(port, taker.one.last + 1)
    return others if port > own.last else []
