"""A container that is told to listen on a number which is not the one that is published."""

import re
from collections.abc import Iterator

from portbook.lint.images import image_of
from portbook.lint.known import Known
from portbook.lint.port_variables import told_ports
from portbook.lint.project import Project, StackService
from portbook.model.declared import LintFinding, Related

ID = "PB505"
SUMMARY = "a container told to listen on another port than the published one"
SEVERITY = "warning"


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every service whose variables and whose inner ports disagree."""
    for stack in project.stacks:
        for service in stack.services:
            if service.inner and service.whole and service.network is None:
                yield from _service(service)


def _service(service: StackService) -> Iterator[LintFinding]:
    if service.folder is not None:
        image = image_of(service.base) if service.base else None
    else:
        image = image_of(service.image) if service.image else None
    told = told_ports(service.variables, image)
    inner = [each for each in service.inner if each.transport == "tcp"]
    if not told or not inner or any(_has(service, one.port) for one in told):
        return
    if any(_is_named(service, each.first) for each in inner):
        return
    one = told[0]
    numbers = ", ".join(str(each.first) for each in inner[:4])
    outers = [each.first for each in service.publishes if each is not None]
    more = " (its outer number, which only the machine sees)" if one.port in outers else ""
    yield LintFinding(
        ID,
        SEVERITY,
        one.place,
        one.port,
        f"{service.name} is told {one.name}={one.port}{more}, but {numbers} of its container is"
        " published",
        f"make the inner side {one.port}, or {one.name} {inner[0].first}",
        tuple(Related(each.place, f"the inner port {each.first}") for each in inner[:4]),
    )


def _has(service: StackService, port: int) -> bool:
    sides = (*service.inner, *service.exposes)
    return any(each.first <= port <= each.last for each in sides)


def _is_named(service: StackService, port: int) -> bool:
    """Whether a command or a health check says that an inner port is the right one."""
    if any(each.first <= port <= each.last for each in service.listens):
        return True
    return any(re.search(rf"(?<!\d){port}(?!\d)", each.text) for each in service.commands)
