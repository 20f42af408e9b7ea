"""What a reader makes of one file: the ports it declares, the parts that are joined, the faults."""

from portbook.lint.parts import Part
from portbook.model.declared import Declared
from portbook.model.record import Record


class Fault(Record):
    """Something in a file that was not understood: the line (from 1) or None, and why."""

    line: int | None
    why: str


class Reading(Record):
    """One file as its reader understood it.

    `declared` are ports that mean what they say alone; what needs other files to be understood
    (compose services, objects of a cluster) is in `parts`. What stands in `faults` was left out.
    """

    declared: tuple[Declared, ...] = ()
    parts: tuple[Part, ...] = ()
    faults: tuple[Fault, ...] = ()
