"""A built service that publishes an inner port which its Dockerfile does not expose.

Or a Dockerfile that exposes another port than the one on which its own command listens.
"""

import re
from collections.abc import Iterator

from portbook.lint.debuggers import DEBUGGERS, XDEBUG_2
from portbook.lint.images import image_of
from portbook.lint.known import Known
from portbook.lint.parts import ImageFile
from portbook.lint.project import Project, StackService
from portbook.model.declared import Declared, LintFinding, Place, Related

ID = "PB501"
SUMMARY = "a published inner port that the Dockerfile does not expose"
SEVERITY = "warning"

_DIGITS = re.compile(r"[0-9]{1,5}")
_DEBUGGERS = DEBUGGERS | {XDEBUG_2}


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every inner port of a built service that nothing but the compose file speaks of.

    And every EXPOSE that its own image's command disagrees with.
    """
    yield from _images(project)
    for stack in project.stacks:
        for service in stack.services:
            # With a command of its own it may run another program of the image.
            if service.folder is None or service.own_command or not service.image_exposes:
                continue
            spoken = _spoken_of(service)
            for inner in service.inner:
                exposed = [
                    each
                    for each in service.image_exposes
                    if each.transport == inner.transport and each.is_port
                ]
                if exposed and inner.is_port and not _is_meant(inner, exposed, spoken):
                    yield _finding(service, inner, exposed)


def _images(project: Project) -> Iterator[LintFinding]:
    agreed: set[Place] = set()
    found: list[LintFinding] = []
    for _, image in project.parts(ImageFile):
        one = _of_image(image)
        if one is not None:
            found.append(one)
        else:
            # It may be another stage's that is made from this one.
            agreed.update(each.place for each in image.exposes)
    for one in found:
        if one.place not in agreed:
            yield one


def _of_image(image: ImageFile) -> LintFinding | None:
    """An EXPOSE of a stage of which no number is one that its command listens on."""
    told = [each for each in image.told if each.transport == "tcp"]
    exposed = [
        each
        for each in image.exposes
        if each.transport == "tcp" and each.is_port and each.first not in _DEBUGGERS
    ]
    if not told or not 0 < len(exposed) <= 50 or not all(each.written for each in exposed):
        return None
    texts = [each.text for each in image.commands]
    texts += [each.value.text for each in image.variables if each.value is not None]
    spoken = {each.first for each in image.listens}
    spoken.update(int(number) for text in texts for number in _DIGITS.findall(text))
    base = image_of(image.base) if image.base else None
    spoken.update(base.ports if base is not None else ())
    if any(each.first <= number <= each.last for each in exposed for number in spoken):
        return None
    one = exposed[0]
    numbers = ", ".join(dict.fromkeys(str(each.first) for each in told[:4]))
    return LintFinding(
        ID,
        SEVERITY,
        one.place,
        one.first,
        f"the image exposes {_numbers(one)}, but its command listens on {numbers}",
        f"expose {told[0].first}, or let the command listen on {one.first}",
        tuple(Related(each.place, f"the command's port {each.first}") for each in told[:4]),
    )


def _is_meant(inner: Declared, exposed: list[Declared], spoken: set[int]) -> bool:
    if inner.first in _DEBUGGERS or inner.first in spoken:
        return True
    return any(each.first <= inner.first and inner.last <= each.last for each in exposed)


def _spoken_of(service: StackService) -> set[int]:
    """Every number that the service's variables, its image and its command name."""
    found = {each.first for each in (*service.exposes, *service.listens)}
    texts = [each.text for each in service.commands]
    variables = (*service.variables, *service.image_variables)
    texts += [each.value.text for each in variables if each.value is not None]
    for text in texts:
        found.update(int(number) for number in _DIGITS.findall(text))
    image = image_of(service.base) if service.base else None
    # What the image below exposes stays exposed.
    return found.union(image.ports) if image is not None else found


def _finding(service: StackService, inner: Declared, exposed: list[Declared]) -> LintFinding:
    numbers = ", ".join(dict.fromkeys(_numbers(each) for each in exposed[:4]))
    return LintFinding(
        ID,
        SEVERITY,
        inner.place,
        inner.first,
        f"{service.name} publishes {_numbers(inner)}/{inner.transport} of its container, but the"
        f" image that it builds exposes {numbers}",
        "make the inner side what the program listens on, or expose it",
        tuple(Related(each.place, f"EXPOSE {_numbers(each)}") for each in exposed[:4]),
    )


def _numbers(one: Declared) -> str:
    return str(one.first) if one.first == one.last else f"{one.first}-{one.last}"
