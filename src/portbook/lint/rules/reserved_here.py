"""A number that another project of this machine has reserved."""

from collections.abc import Iterator

from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import ON_THE_MACHINE, LintFinding

ID = "PB104"
SUMMARY = "a port that another project on this machine has reserved (with --here)"
SEVERITY = "warning"

_WIDEST = 1000


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every declared number that is kept for somebody else."""
    if not known.here:
        return
    for each in project.declared:
        if each.role not in ON_THE_MACHINE or not each.is_port:
            continue
        for port in each.ports[:_WIDEST]:
            for taken in known.taken(port, each.transport, each.address):
                if taken.what == "reservation":
                    yield LintFinding(
                        ID,
                        SEVERITY,
                        each.place,
                        port,
                        f"{each.who} wants {port}/{each.transport}, which is reserved for"
                        f" {taken.who}",
                        f'"portbook free --near {port}" picks another; "portbook env" has the'
                        " numbers of this project",
                        digits=each.digits,
                    )
                    break
