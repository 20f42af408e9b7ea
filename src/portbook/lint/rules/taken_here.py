"""A number that something on this machine holds already."""

from collections.abc import Iterator

from portbook.lint.held import held
from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import Declared, LintFinding

ID = "PB103"
SUMMARY = "a port that something on this machine holds already (with --here)"
SEVERITY = "warning"


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every declared number that a listener or a claim of this machine has, told once."""
    told: set[tuple[Declared, int]] = set()
    for each, port, taken in held(project, known):
        if taken.what == "reservation" or (each, port) in told:
            continue
        told.add((each, port))
        verb = "claims" if taken.what == "claim" else "listens on"
        yield LintFinding(
            ID,
            SEVERITY,
            each.place,
            port,
            f"{each.who} wants {port}/{each.transport}, and {taken.who} {verb} it here",
            f'"portbook why {port}" tells more; it is fine if that is {each.who} itself',
        )
