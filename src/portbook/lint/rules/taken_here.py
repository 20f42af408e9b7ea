"""A number that something on this machine holds already."""

from collections.abc import Iterator

from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import ON_THE_MACHINE, LintFinding

ID = "PB103"
SUMMARY = "a port that something on this machine holds already (with --here)"
SEVERITY = "warning"

_WIDEST = 1000
"""Numbers of one range that are asked one by one."""


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every declared number that a listener or a claim of this machine has."""
    if not known.here:
        return
    for each in project.declared:
        if each.role not in ON_THE_MACHINE or not each.is_port:
            continue
        for port in each.ports[:_WIDEST]:
            for taken in known.taken(port, each.transport, each.address):
                if taken.what == "reservation":
                    continue
                verb = "claims" if taken.what == "claim" else "listens on"
                yield LintFinding(
                    ID,
                    SEVERITY,
                    each.place,
                    port,
                    f"{each.who} wants {port}/{each.transport}, and {taken.who} {verb} it here",
                    f'"portbook why {port}" tells more; it is fine if that is {each.who} itself',
                )
                break
