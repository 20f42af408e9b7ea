"""A probe that asks a port which its container does not have.

A name that is missing makes the probe fail for ever. A number need not be declared: it is weighed
only where the container declares others, and its command and variables do not tell it either.
"""

from collections.abc import Iterator

from portbook.lint.asked_inside import outside
from portbook.lint.known import Known
from portbook.lint.parts import PodContainer, Workload, Written
from portbook.lint.project import Project
from portbook.model.declared import LintFinding, Related

ID = "PB503"
SUMMARY = "a probe that asks a port which its container does not have"
SEVERITY = "error"

_MOST_SAID = 4


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every probe and every hook whose port is not its container's, in a cluster or outside."""
    yield from outside(project)
    for _, workload in project.parts(Workload):
        for container in workload.containers:
            for kind, port in container.probes:
                found = _weigh_probe(workload, container, kind, port)
                if found is not None:
                    yield found


def _weigh_probe(
    workload: Workload, container: PodContainer, kind: str, port: Written
) -> LintFinding | None:
    who = f"{kind} of {workload.kind}/{workload.name}: {container.name}"
    hint = None
    if port.text.isascii() and port.text.isdigit():
        number = int(port.text)
        declared = {each.first for each in container.ports if each.is_port}
        if not declared or number in declared or number in container.told:
            return None
        severity = "warning"
        numbers = ", ".join(str(each) for each in sorted(declared)[:_MOST_SAID])
        message = f"the {who} asks {number}, and the container declares {numbers}"
        hint = "make them the same, or declare the port that is asked"
    else:
        # A patch of an object that is written elsewhere does not name its image.
        if port.text in container.names or container.image is None:
            return None
        severity = SEVERITY
        message = f'the {who} asks "{port.text}", and no port of the container has that name'
        named = [name for name in container.names if name]
        if named:
            hint = f"its ports are named {', '.join(named[:_MOST_SAID])}"
    return LintFinding(
        ID,
        severity,
        port.place,
        int(port.text) if port.text.isascii() and port.text.isdigit() else None,
        message,
        hint,
        tuple(Related(each.place, "a port of it") for each in container.ports[:_MOST_SAID]),
    )
