"""One kind of visit to our host: what it really is, and how it is made."""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from tools.traffic_frames import Bytes

Shape = Callable[[int, Random], list[tuple[float, Bytes]]]
"""Frames of a source (its address as a number), each with seconds since it began."""


class Visit(NamedTuple):
    """A kind of visit, made by `full` sources in the whole corpus and by `short` in the short one.

    `name` says which program or shape it is, `truth` what the source is: one of
    portbook.model.traffic.VERDICTS. `tool` is what `watch` should name it; `marked`: its packets
    bear a mark, so that not naming it is an error; `scan_type` as `watch` names it.

    One of three is set. `command` is a program's line, in which {source}, {target}, {target6},
    {targets}, {mac}, {empty}, {home} and {number} are filled in; it runs as root where it is `raw`
    (it is told {source}) and else as a user whose packets have the source address. `plan` is
    an act of traffic_visitors.py with its arguments, `shape` makes frames. `road`: `near`, `far`
    (the bad one), `six` (IPv6) or `stack` (a plan of traffic_stacks.py); `both`: it has an IPv4
    address as well as one of IPv6.
    `through`: it begins with the capture and is ended with it.
    """

    name: str
    truth: str
    command: str = ""
    plan: dict[str, Any] | None = None
    shape: Shape | None = None
    tool: str | None = None
    marked: bool = False
    scan_type: str | None = None
    road: str = "near"
    both: bool = False
    raw: bool = False
    through: bool = False
    full: int = 2
    short: int = 0
