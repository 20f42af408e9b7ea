"""Two programs that are started together and want one number."""

import re
from collections.abc import Iterable, Iterator

from portbook.lint.known import Known
from portbook.lint.parts import ClusterService, Workload
from portbook.lint.project import Project, Stack
from portbook.lint.takers import Meeting, Taker, fully_taken, meetings, once, takers_of
from portbook.model.declared import ON_THE_MACHINE, Declared, LintFinding, Place, Related

ID = "PB101"
SUMMARY = "a port that two programs of the project take at once"
SEVERITY = "error"

_QUADLET = (".container", ".pod")
_SOCKETS = re.compile(r"\s*Sockets\s*=")
"""A service names sockets that are not called as it is (systemd.service)."""

_MOST_WORK = 2_000_000
"""Choices times fixed ports that are compared; a project of people has some hundreds."""


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every number that is taken twice in a stack, a Procfile, units, a job of CI or a cluster."""
    for stack in project.stacks:
        yield from _stack(stack)
    for takers in _others(project):
        found = [each for each in meetings(takers) if _differ(each) and _start(each, project)]
        told = _told(found, takers)
        yield from map(_on_the_job, told) if takers[0].one.form == "actions" else told
    yield from _node_ports(project)
    yield from _pods(project)
    yield from _host_ports(project)


def _stack(stack: Stack) -> Iterator[LintFinding]:
    every = takers_of(stack)
    takers = once(every)
    found = [
        each
        for each in meetings(takers)
        if each.earlier.can_meet(each.later) and not each.earlier.is_repeated_by(each.later)
    ]
    yield from _told(found, every)
    choices = [taker for taker in takers if taker.choice]
    if len(choices) * len(takers) <= _MOST_WORK:
        yield from _choices(choices, takers)
    for taker in takers:
        if taker.times > (taker.one.last - taker.one.first + 1 if taker.choice else 1):
            one = taker.one
            yield LintFinding(
                ID,
                SEVERITY,
                one.place,
                one.first,
                f"{taker.service} is started {taker.times} times, and each publishes"
                f" {_numbers(one)}/{one.transport} on this machine",
                "leave the outer number away, or give a range of them",
            )


def _choices(choices: list[Taker], takers: list[Taker]) -> Iterator[LintFinding]:
    for choice in choices:
        others = fully_taken(choice, takers)
        if others:
            one = choice.one
            names = " and ".join(dict.fromkeys(taker.service for taker in others[:4]))
            yield LintFinding(
                ID,
                SEVERITY,
                one.place,
                one.first,
                f"{choice.service} may take any of {_numbers(one)}/{one.transport}, and {names}"
                " take all of them",
                "give it a wider range",
                tuple(Related(taker.one.place, _what(taker)) for taker in others[:8]),
            )


def _told(found: Iterable[Meeting], takers: list[Taker]) -> Iterator[LintFinding]:
    """One finding for each later declaration, the nearest of the earlier ones first."""
    by_later: dict[int, list[Meeting]] = {}
    for each in found:
        by_later.setdefault(each.later.order, []).append(each)
    same: dict[tuple[str, int], list[Taker]] = {}
    for taker in takers:
        same.setdefault((taker.service, taker.one.first), []).append(taker)
    for group in by_later.values():
        later = group[0].later
        also = same[later.service, later.one.first]
        near = sorted(group, key=lambda one: _distance(one.earlier.one.place, later.one.place))
        nearest, port = near[0].earlier, max(near[0].port, near[0].earlier.one.first)
        yield LintFinding(
            ID,
            SEVERITY,
            later.one.place,
            port,
            _message(nearest, later, port),
            f'give one of them another number, such as "portbook free --near {port}" picks',
            tuple(Related(one.earlier.one.place, _what(one.earlier)) for one in near),
            _digits(later, [one.earlier for one in near], also),
        )


def _message(earlier: Taker, later: Taker, port: int) -> str:
    number = f"{port}/{later.one.transport}"
    does = "publish" if earlier.one.role == later.one.role == "publish" else "take"
    if earlier.service == later.service:
        return f"{later.service} {does}{'es' if does == 'publish' else 's'} {number} twice"
    return f"{earlier.service} and {later.service} both {does} {number} on this machine"


def _what(taker: Taker) -> str:
    return f"{taker.service} takes {_numbers(taker.one)}/{taker.one.transport} here"


def _numbers(one: Declared) -> str:
    return str(one.first) if one.first == one.last else f"{one.first}-{one.last}"


def _distance(one: Place, other: Place) -> tuple[bool, int, int]:
    return (one.path != other.path, abs(one.line - other.line), abs(one.column - other.column))


def _digits(later: Taker, others: list[Taker], also: list[Taker]) -> tuple[Place, ...]:
    """What changes with the later one: the same port of the same service in another file too."""
    one = later.one
    if one.first != one.last or not one.digits:
        return ()
    found = list(one.digits)
    for taker in also[:100]:
        if taker.is_repeated_by(later):
            if not taker.one.digits:
                return ()
            found += taker.one.digits
    taken = {place for other in others for place in other.one.digits}
    return () if taken.intersection(found) else tuple(dict.fromkeys(found))


def _others(project: Project) -> Iterator[list[Taker]]:
    """Programs that are started together outside of compose, group by group."""
    groups: dict[tuple[str, str], list[Taker]] = {}
    for each in project.declared:
        if each.role not in ON_THE_MACHINE or not each.is_port:
            continue
        path = each.place.path
        if each.form == "actions":
            # Every job has a machine of its own, and its containers share that.
            key, service = ("job", (each.runs or path).rpartition("#")[0]), each.who
        elif each.form == "procfile":
            key, service = ("procfile", path), each.who
        elif each.form == "systemd" and path.endswith((".socket", ".service")):
            key, service = ("sockets", path.rpartition("/")[0]), path.rpartition("/")[2]
        elif each.role == "publish" and path.endswith(_QUADLET) and "@." not in path:
            # A template is started under names of its own, with their numbers or not at all.
            key, service = ("quadlet", path.rpartition("/")[0]), path.rpartition("/")[2]
        else:
            continue
        group = groups.setdefault(key, [])
        group.append(Taker(service, each, len(group)))
    yield from groups.values()


def _start(meeting: Meeting, project: Project) -> bool:
    """Whether two units may both start; others always do, as far as this goes."""
    pair = (meeting.earlier.one, meeting.later.one)
    services = [each for each in pair if each.place.path.endswith(".service")]
    if not services:
        return True
    service = services[0]
    # Of two services one may replace the other; a socket is handed over to its own service.
    if len(services) > 1 or "@." in service.place.path or pair[0].runs == pair[1].runs:
        return False
    return not any(_SOCKETS.match(line) for line in project.lines(service.place.path))


def _on_the_job(found: LintFinding) -> LintFinding:
    """The same on the machine of a job, whose steps know the number from anywhere."""
    text = found.message.replace(" on this machine", " on the machine of their job")
    return found._replace(message=text, hint="give one of them another outer number", digits=())


def _node_ports(project: Project) -> Iterator[LintFinding]:
    """Ports of every node that two Services of one folder want: a cluster gives each once."""
    groups: dict[str, list[Taker]] = {}
    for path, service in project.parts(ClusterService):
        group = groups.setdefault(path.rpartition("/")[0], [])
        for port in service.ports:
            if port.node is not None and port.node.is_port and port.node.first:
                name = f"{service.namespace}/{service.name}" if service.namespace else service.name
                group.append(Taker(name, port.node, len(group)))
    for takers in groups.values():
        for each in _told((m for m in meetings(takers) if _differ(m)), takers):
            text = each.message.replace(" on this machine", " on every node of the cluster")
            yield each._replace(
                message=text, hint="give one of them another, or none to be given one"
            )


def _pods(project: Project) -> Iterator[LintFinding]:
    """Containers of one Pod, which have one network: a number of it is for one of them."""
    for _, workload in project.parts(Workload):
        takers: list[Taker] = []
        for container in workload.containers:
            for port in container.ports if not container.passing else ():
                if port.is_port:
                    takers.append(Taker(container.name, port, len(takers)))
        for each in _told((m for m in meetings(takers) if _differ(m)), takers):
            text = each.message.replace(
                " on this machine", f" in the Pod of {workload.kind}/{workload.name}"
            )
            yield each._replace(
                message=text,
                hint="the containers of a Pod share its ports: give one of them another number",
                digits=(),
            )


def _host_ports(project: Project) -> Iterator[LintFinding]:
    """Ports of the node that two containers of one Pod want, which no cluster takes."""
    groups: dict[tuple[str, str], list[Taker]] = {}
    for each in project.declared:
        if each.form != "kubernetes" or each.role != "publish" or not each.is_port:
            continue
        workload, colon, container = each.who.partition(": ")
        if each.runs is not None and colon and each.first:
            group = groups.setdefault((each.place.path, each.runs), [])
            group.append(Taker(container, each._replace(who=workload), len(group)))
    passing = {
        (path, f"{workload.kind}/{workload.name}", container.name)
        for path, workload in project.parts(Workload)
        for container in workload.containers
        if container.passing
    }
    for (path, _), every in groups.items():
        takers = [one for one in every if (path, one.one.who, one.service) not in passing]
        for found in _told((m for m in meetings(takers) if _differ(m)), takers):
            pod = takers[0].one.who
            yield found._replace(
                message=found.message.replace(" on this machine", f" on the node of {pod}"),
                hint="a cluster refuses such a Pod: give one of them another hostPort, or none",
            )


def _differ(meeting: Meeting) -> bool:
    return meeting.earlier.service != meeting.later.service
