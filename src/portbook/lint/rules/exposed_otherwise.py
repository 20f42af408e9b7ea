"""A built service that publishes an inner port which its Dockerfile does not expose."""

import re
from collections.abc import Iterator

from portbook.lint.images import image_of
from portbook.lint.known import Known
from portbook.lint.project import Project, StackService
from portbook.model.declared import Declared, LintFinding, Related

ID = "PB501"
SUMMARY = "a published inner port that the Dockerfile does not expose"
SEVERITY = "warning"

_DIGITS = re.compile(r"[0-9]{1,5}")
_DEBUGGERS = (2345, 5005, 5678, 9229)


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every inner port of a built service that nothing but the compose file speaks of."""
    for stack in project.stacks:
        for service in stack.services:
            # With a command of its own it may run another program of the image.
            if service.folder is None or service.own_command or not service.image_exposes:
                continue
            spoken = _spoken_of(service)
            for inner in service.inner:
                exposed = [e for e in service.image_exposes if e.transport == inner.transport]
                if exposed and inner.is_port and not _is_meant(inner, exposed, spoken):
                    yield _finding(service, inner, exposed)


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
