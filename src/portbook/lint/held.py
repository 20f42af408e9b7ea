"""The numbers of a project that this machine has given to somebody already."""

from collections.abc import Iterator

from portbook.lint.known import Known, Taken
from portbook.lint.project import Project
from portbook.model.declared import ON_THE_MACHINE, Declared

_WIDEST = 1000
"""Numbers of one range that are asked one by one."""


def held(project: Project, known: Known) -> Iterator[tuple[Declared, int, Taken]]:
    """Every declared number on the machine with each who has it; none where nobody looked."""
    if not known.here:
        return
    for each in project.declared:
        if each.role in ON_THE_MACHINE and each.is_port:
            for port in each.ports[:_WIDEST]:
                for taken in known.taken(port, each.transport, each.address):
                    yield each, port, taken
