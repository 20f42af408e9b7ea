"""Two services of different profiles that publish one number."""

from collections.abc import Iterator

from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.lint.takers import meetings, once, takers_of
from portbook.model.declared import LintFinding, Related

ID = "PB102"
SUMMARY = "a port that services of different profiles publish"
SEVERITY = "note"


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every number that two profiles cannot have at once."""
    for stack in project.stacks:
        for earlier, later, first_port in meetings(once(takers_of(stack))):
            if earlier.can_meet(later) or earlier.service == later.service:
                continue
            port = max(first_port, earlier.one.first)
            first, second = earlier.one.profiles[0], later.one.profiles[0]
            yield LintFinding(
                ID,
                SEVERITY,
                later.one.place,
                port,
                f"{earlier.service} of profile {first} and {later.service} of profile {second}"
                f" both publish {port}/{later.one.transport}: the two cannot be up together",
                "that is fine where only one of them is meant to be",
                (Related(earlier.one.place, f"{earlier.service} publishes it here"),),
            )
