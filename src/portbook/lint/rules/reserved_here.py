"""A number that another project of this machine has reserved."""

from collections.abc import Iterator

from portbook.lint.held import held
from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import LintFinding

ID = "PB104"
SUMMARY = "a port that another project on this machine has reserved (with --here)"
SEVERITY = "warning"


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every declared number that is kept for somebody else."""
    for each, port, taken in held(project, known):
        if taken.what == "reservation":
            yield LintFinding(
                ID,
                SEVERITY,
                each.place,
                port,
                f"{each.who} wants {port}/{each.transport}, which is reserved for {taken.who}",
                f'"portbook free --near {port}" picks another; "portbook env" has the numbers of'
                " this project",
                digits=each.digits if each.first == each.last else (),
            )
