"""A container that is told to listen on a number which is not the one that is published."""

import re
from collections.abc import Iterator

from portbook.lint.debuggers import DEBUGGERS
from portbook.lint.images import Image, image_of
from portbook.lint.known import Known
from portbook.lint.port_variables import told_ports
from portbook.lint.project import Project, StackService
from portbook.model.declared import Declared, LintFinding, Related

ID = "PB505"
SUMMARY = "a container told to listen on another port than the published one"
SEVERITY = "warning"

_DIGITS = re.compile(r"[0-9]+")
_MOST = 20
"""Ports of one service that are weighed against its command."""


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every service whose variables, or whose command, and whose inner ports disagree."""
    for stack in project.stacks:
        for service in stack.services:
            if service.inner and service.whole and service.network is None:
                image = _image_of(service)
                by_variable = list(_service(service, image))
                yield from by_variable or _commanded(service, image)


def _image_of(service: StackService) -> Image | None:
    own = service.base if service.folder is not None else service.image
    return image_of(own) if own else None


def _service(service: StackService, image: Image | None) -> Iterator[LintFinding]:
    told = told_ports(service.variables, image)
    inner = [each for each in service.inner if each.transport == "tcp" and each.is_port]
    if not told or not inner or any(_has(service, one.port) for one in told):
        return
    if any(_is_named(service, each.first) for each in inner):
        return
    one = told[0]
    numbers = ", ".join(str(each.first) for each in inner[:4])
    outers = [each.first for each in service.publishes if each is not None and each.is_port]
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


def _commanded(service: StackService, image: Image | None) -> Iterator[LintFinding]:
    """A command that listens on none of the published ports, which nothing else speaks of."""
    told = [each for each in service.told if each.transport == "tcp"]
    inner = [each for each in service.inner if each.transport == "tcp"]
    if not told or not inner or any(_has(service, each.first) for each in told[:20]):
        return
    inner = [each for each in inner if each.first not in DEBUGGERS]
    if not inner or len(inner) > _MOST or any(_is_spoken_of(service, image, e) for e in inner):
        return
    one, command = inner[0], told[0]
    numbers = ", ".join(dict.fromkeys(str(each.first) for each in told[:4]))
    whose = "its" if service.own_command else "its image's"
    yield LintFinding(
        ID,
        SEVERITY,
        one.place,
        one.first,
        f"{service.name} publishes {_numbers(one)}/tcp of its container, but {whose} command"
        f" listens on {numbers}",
        f"make the inner side {command.first}, or let the command listen on {one.first}",
        tuple(Related(each.place, f"the command's port {each.first}") for each in told[:4]),
    )


def _is_spoken_of(service: StackService, image: Image | None, inner: Declared) -> bool:
    """Whether a port is the image's, or a variable, the command or a health check names it."""
    others = [*service.listens]
    if not service.own_command:
        others += service.image_exposes
    if any(each.first <= inner.last and inner.first <= each.last for each in others):
        return True
    # A program with one port of its own leaves that one where it is told another.
    if image is not None and len(image.ports) > 1 and inner.first in image.ports:
        return True
    variables = (*service.variables, *service.image_variables)
    texts = [each.value.text for each in variables if each.value is not None]
    texts += [each.text for each in service.commands]
    return any(str(inner.first) in _DIGITS.findall(text) for text in texts)


def _numbers(one: Declared) -> str:
    return str(one.first) if one.first == one.last else f"{one.first}-{one.last}"
