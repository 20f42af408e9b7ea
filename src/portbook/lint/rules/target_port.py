"""A Service that sends to a port which the Pods behind it do not have.

A name must be the name of a port with the same protocol, or nothing is sent at all. Numbers need
not be declared: they are weighed only where every container declares some.
"""

from collections.abc import Iterator

from portbook.lint.cluster import Behind, Cluster, nearest_first
from portbook.lint.known import Known
from portbook.lint.parts import ClusterPort, ClusterService
from portbook.lint.project import Project
from portbook.lint.written import is_template
from portbook.model.declared import LintFinding, Related

ID = "PB502"
SUMMARY = "a Service that sends to a port which no container behind it has"
SEVERITY = "error"

_MOST_SAID = 4
_LAST = 65535


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every targetPort that is not found in the Pods of the files."""
    cluster = Cluster(project)
    for path, service in project.parts(ClusterService):
        behind = cluster.behind(path, service)
        if behind is None:
            continue
        for port in service.ports:
            found = _weigh_port(path, service, port, behind)
            if found is not None:
                yield found


def _weigh_port(
    path: str, service: ClusterService, port: ClusterPort, behind: Behind
) -> LintFinding | None:
    target = port.target.text if port.target is not None else str(port.port.first)
    place = port.target.place if port.target is not None else port.port.place
    if not target or is_template(target):
        return None
    transport = port.port.transport
    sends = f"Service/{service.name} sends {port.port.first}/{transport} to"
    nearest = nearest_first(path, behind.workloads)
    workload = f"{nearest[0][1].kind}/{nearest[0][1].name}"
    others = f" and {len(nearest) - 1} more" if len(nearest) > 1 else ""
    if target.isascii() and target.isdigit():
        number = int(target)
        if number in behind.numbers or number in behind.told or not _all_declare(behind):
            return None
        ports = sorted(port for port in behind.numbers if port <= _LAST)
        if not ports:  # What is no port is told of where it stands.
            return None
        numbers = _listed(ports)
        severity = "warning"
        message = f"{sends} {number}, while {workload}{others} declares {numbers}"
        hint = "make them the same; a containerPort may also be missing"
    else:
        if (target, transport) in behind.names:
            return None
        severity = SEVERITY
        message = f'{sends} "{target}", and no {transport} port of {workload}{others} has that name'
        names = sorted({name for name, _ in behind.names})
        others_of_it = sorted(other for name, other in behind.names if name == target)
        if others_of_it:
            hint = f'"{target}" is {_listed(others_of_it)} there'
        else:
            hint = f"the ports there are named {_listed(names)}" if names else "name a port so"
    return LintFinding(
        ID,
        severity,
        place,
        port.port.first,
        message,
        hint,
        tuple(
            Related(each.ports[0].place if each.ports else nearest[0][1].place, "a port behind it")
            for each in behind.containers[:_MOST_SAID]
            if each.ports
        ),
    )


def _all_declare(behind: Behind) -> bool:
    """Whether every container says which ports it has: otherwise the one without may have it."""
    return bool(behind.containers) and all(each.ports for each in behind.containers)


def _listed(values: list[str] | list[int]) -> str:
    shown = ", ".join(str(each) for each in values[:_MOST_SAID])
    return f"{shown}, …" if len(values) > _MOST_SAID else shown
