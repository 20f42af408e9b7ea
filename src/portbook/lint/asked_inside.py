"""Health checks of compose files and Dockerfiles that ask a port which their container has not.

The container must be known well enough: its command or a variable tells its program a number, its
image is a known one or exposes ports. Of others only the outer number is doubted, which the
container itself never has. A number that a file of the project gives to a program is let pass:
many have a further port for such questions.
"""

import re
from collections.abc import Iterable, Iterator

from portbook.lint.images import Image, image_of
from portbook.lint.parts import ImageFile, Variable, Written
from portbook.lint.port_variables import told_ports
from portbook.lint.project import Project, StackService
from portbook.model.declared import Declared, LintFinding, Place, Related

_ID = "PB503"
_SEVERITY = "warning"

_DIGITS = re.compile(r"[0-9]{1,5}")
_MOST = 50
"""Questions of one health check that are weighed."""

_OPEN = ("runtime", "proxy")
"""Kinds of images whose ports are what their configuration says."""


def outside(project: Project) -> Iterator[LintFinding]:
    """Every health check of a container outside of a cluster."""
    services = [each for stack in project.stacks for each in stack.services]
    programs = _programs(project, services)
    by_file: dict[str, list[StackService]] = {}
    for service in services:
        if service.image_file is not None:
            by_file.setdefault(service.image_file, []).append(service)
        # Who shares a network asks whoever is there.
        if service.network is None and service.whole and not service.unpaired:
            yield from _service(service, programs)
    yield from _images(project, by_file, programs)


def _programs(project: Project, services: list[StackService]) -> set[int]:
    """The numbers that files of the project give to programs, those of outer ports left out."""
    outer: set[Place] = set()
    for service in services:
        for each in service.publishes:
            if each is not None:
                outer.update((each.place, *each.sources))
    return {
        each.first
        for each in project.declared
        if each.role in ("listen", "setting") and each.place not in outer
    }


def _service(service: StackService, programs: set[int]) -> Iterator[LintFinding]:
    own = service.base if service.folder is not None else service.image
    image = image_of(own) if own else None
    exposed = () if service.own_command else service.image_exposes
    asks = {each.place for each in service.asked}
    commanded = [each for each in service.listens if each.place not in asks][:_MOST]
    ports = (*service.inner, *service.exposes, *service.image_exposes, *commanded)
    variables = (*service.variables, *service.image_variables)
    numbers = _named(variables, service.commands, image)
    told = [one.port for one in told_ports(variables, image)]
    sure = bool(service.told or told or exposed or _is_known(image))
    outer = [each for each in service.publishes if each is not None]
    for each in service.asked[:_MOST]:
        is_outer = any(one.first <= each.first <= one.last for one in outer)
        if each.first in numbers or each.first in programs or _is_in(each, ports):
            continue
        if not (is_outer and service.inner) and not sure:
            continue
        has = [one.first for one in (*service.told, *service.inner, *service.exposes, *exposed)]
        has += told or (image.ports[:2] if image is not None and not has else ())
        why = ", its outer number, which only the machine sees" if is_outer else ""
        yield _finding(
            each,
            f"the health check of {service.name} asks {each.first}{why}",
            has,
            (*service.told, *service.inner, *service.exposes, *exposed),
        )


def _images(
    project: Project, by_file: dict[str, list[StackService]], programs: set[int]
) -> Iterator[LintFinding]:
    agreed: set[Place] = set()
    found = []
    for path, image in project.parts(ImageFile):
        base = image_of(image.base) if image.base else None
        asks = {each.place for each in image.asked}
        ports = [*image.exposes, *(each for each in image.listens if each.place not in asks)]
        numbers = _named(image.variables, image.commands, base)
        for service in by_file.get(path, ()):
            # What starts it may tell it another number.
            numbers |= _named(service.variables, service.commands, None)
            ports += [*service.inner, *service.exposes]
        has = [one.first for one in (*image.told, *image.exposes)]
        if not has and base is not None and _is_known(base):
            has += base.ports[:2]
        named = numbers | programs
        for each in image.asked[:_MOST]:
            if not has or each.first in named or _is_in(each, ports):
                agreed.add(each.place)
            else:
                said = f"the health check of the image asks {each.first}"
                found.append(_finding(each, said, has, (*image.told, *image.exposes)))
    # Of a stage that others are made from, all of them must disagree.
    yield from (one for one in found if one.place not in agreed)


def _named(
    variables: Iterable[Variable], commands: Iterable[Written], image: Image | None
) -> set[int]:
    """Every number of its variables and its command, and those of its image."""
    found = set(image.ports) if image is not None else set()
    texts = [each.value.text for each in variables if each.value is not None]
    for text in (*texts, *(each.text for each in commands)):
        found.update(int(number) for number in _DIGITS.findall(text))
    return found


def _is_known(image: Image | None) -> bool:
    return image is not None and bool(image.ports) and image.kind not in _OPEN


def _is_in(asked: Declared, ports: Iterable[Declared]) -> bool:
    return any(each.first <= asked.first <= each.last for each in ports)


def _finding(each: Declared, said: str, has: list[int], ports: tuple[Declared, ...]) -> LintFinding:
    numbers = ", ".join(dict.fromkeys(str(number) for number in has[:4]))
    return LintFinding(
        _ID,
        _SEVERITY,
        each.place,
        each.first,
        f"{said}, but the container listens on {numbers}",
        "ask the port that the program has inside the container",
        tuple(Related(one.place, f"a port of it: {one.first}") for one in ports[:4]),
    )
