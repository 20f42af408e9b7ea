"""A service that is asked on a port which it does not have.

Inside the project's network a service has its inner ports; the outer ones are the machine's.
"""

import re
from collections.abc import Iterator

from portbook.lint.endpoint import Endpoint, in_list, in_urls
from portbook.lint.images import Image, image_of
from portbook.lint.interpolation import MOST_TEXT, part
from portbook.lint.known import Known
from portbook.lint.parts import EnvFile, Variable
from portbook.lint.port_variables import told_ports
from portbook.lint.project import Project, Stack, StackService
from portbook.model.declared import Declared, LintFinding, Place, Related
from portbook.model.record import Record

ID = "PB507"
SUMMARY = "an address with a port that the service it names does not have"
SEVERITY = "warning"

_PORT = re.compile(r"[0-9]{1,5}")
_DIGITS = re.compile(r"[0-9]{1,5}")
_LIST = re.compile(
    r".*(?:ADDR|ADDRESS|HOSTS?|SERVERS?|BROKERS?|ENDPOINTS?|UR[LI]S?|NODES)", re.IGNORECASE
)
_HOST = re.compile(r"(.*_)?(?:HOST|HOSTNAME|ADDR|ADDRESS|SERVER)", re.IGNORECASE)


class _Asked(Record):
    """A host and a port that a variable names."""

    host: str
    port: int
    place: Place
    who: str


class _Service(Record):
    """What is known of who is asked; `sure`: there is no other port than these."""

    service: StackService
    ports: tuple[Declared, ...]
    numbers: frozenset[int]
    outers: tuple[Declared, ...]
    sure: bool


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every address in the variables of a stack, and in the .env files beside it."""
    folders = {stack.folder for stack in project.stacks}
    beside: dict[str, list[_Asked]] = {}
    for path, env in project.parts(EnvFile):
        folder, _, name = path.rpartition("/")
        if folder in folders:
            beside.setdefault(folder, []).extend(_of_variables(name, env.variables))
    for stack in project.stacks:
        shared = {each.network for each in stack.services}
        there = {
            each.name: _known_of(each)
            for each in stack.services
            # Who shares its network with others has their ports as well.
            if each.network is None and not shared & {f"service:{each.name}"}
        }
        for asked in _asked(stack, there, beside.get(stack.folder, [])):
            yield from _weigh(asked, there[asked.host])


def _weigh(asked: _Asked, there: _Service) -> Iterator[LintFinding]:
    if asked.port in there.numbers or any(
        each.first <= asked.port <= each.last for each in there.ports
    ):
        return
    name = there.service.name
    outer = next((each for each in there.outers if each.first <= asked.port <= each.last), None)
    if not there.ports and not there.numbers:
        return
    if outer is None and not there.sure:
        return
    ports = ", ".join(dict.fromkeys(str(each) for each in _numbers(there)[:4]))
    message = f"{asked.who} asks {name} on {asked.port}"
    if outer is not None:
        message += f", its outer number; inside the project's network it is {ports}"
    else:
        message += f", but it listens on {ports}"
    related = [outer] if outer is not None else list(there.ports[:3])
    yield LintFinding(
        ID,
        SEVERITY,
        asked.place,
        asked.port,
        message,
        f"write {name}:{_right(outer, there)}",
        tuple(Related(each.place, f"{each.who}: {each.role} {each.first}") for each in related),
    )


def _numbers(there: _Service) -> list[int]:
    return [each.first for each in there.ports] or sorted(there.numbers)


def _right(outer: Declared | None, there: _Service) -> int:
    for one, inner in zip(there.service.publishes, there.service.inner, strict=True):
        if outer is not None and one == outer and inner.is_port:
            return inner.first
    return _numbers(there)[0]


def _known_of(service: StackService) -> _Service:
    image = _image_of(service)
    sides = (*service.inner, *service.exposes, *service.image_exposes, *service.listens)
    # What is no port is told of where it stands.
    ports = tuple(each for each in sides if each.is_port)
    numbers = set(image.ports) if image is not None else set()
    for variable in (*service.variables, *service.image_variables):
        # A number of the service's own variables may be a port of it.
        if variable.value is not None and len(variable.value.text) < 200:
            numbers.update(int(each) for each in _DIGITS.findall(variable.value.text))
    for command in service.commands:
        numbers.update(int(each) for each in _DIGITS.findall(command.text))
    is_known = image is not None and bool(image.ports) and image.kind not in ("runtime", "proxy")
    told = bool(told_ports(service.variables, image))
    whole = service.whole and len(ports) == len(sides)
    sure = whole and not told and (is_known or bool(service.image_exposes))
    outers = tuple(each for each in (*service.publishes, *service.unpaired) if each is not None)
    # Without an inner port it is not known what is right.
    return _Service(service, ports, frozenset(numbers), outers, sure and bool(ports or numbers))


def _image_of(service: StackService) -> Image | None:
    own = service.base if service.folder is not None else service.image
    return image_of(own) if own else None


def _asked(stack: Stack, there: dict[str, _Service], beside: list[_Asked]) -> Iterator[_Asked]:
    seen: set[Place] = set()
    for service in stack.services:
        for asked in _of_variables(service.name, service.variables):
            if asked.host in there and asked.host != service.name and asked.place not in seen:
                seen.add(asked.place)
                yield asked
    for asked in beside:
        if asked.host in there and asked.place not in seen:
            yield asked


def _of_variables(who: str, variables: tuple[Variable, ...]) -> Iterator[_Asked]:
    given = {each.name: each for each in variables}
    for variable in variables:
        value = variable.value
        if value is None or not value.text or len(value.text) > MOST_TEXT:
            continue
        name = f"{variable.name} of {who}"
        if ":" in value.text:
            is_list = "//" not in value.text and _LIST.fullmatch(variable.name)
            found = in_list(value.text) if is_list else in_urls(value.text)
            for each in found:
                if each.host and each.first == each.last and not _is_default(value.text, each):
                    place = part(value, each.start, each.start + each.length).place
                    yield _Asked(each.host, each.first, place, name)
        elif host := _HOST.fullmatch(variable.name):
            port = given.get(f"{host[1] or ''}PORT")
            if port is None or port.value is None or not _PORT.fullmatch(port.value.text):
                continue
            yield _Asked(
                value.text, int(port.value.text), port.value.place, f"{port.name} of {who}"
            )


def _is_default(text: str, each: Endpoint) -> bool:
    return text[each.start + each.length :][:1] == "}"
