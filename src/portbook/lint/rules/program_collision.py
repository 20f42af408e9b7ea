"""A program of the project and a container, or two programs that start together, on one number.

The program is another one than the container's where that has a well-known image of its own, or is
built from a folder that has nothing to do with the program's. A program whose own folder is in the
stack as well is started there or here, and never both: nothing is said.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from portbook.lint.images import image_of
from portbook.lint.known import Known
from portbook.lint.project import Project, Stack, StackService
from portbook.model.declared import Declared, LintFinding, Related

ID = "PB105"
SUMMARY = "a program here and a container, or two programs started together, on one port"
SEVERITY = "warning"

_FORMS = frozenset(("package", "javascript", "procfile", "makefile", "justfile", "pyproject"))
_ANY_PROGRAM = frozenset(("runtime", "web", "proxy"))
"""Images that may well run the project's own program, or serve what it serves."""

_EVERYWHERE = frozenset((None, "0.0.0.0", "::", "*"))


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every number that two programs want at the same time."""
    programs = [
        each
        for each in project.declared
        if each.role == "listen" and each.form in _FORMS and each.runs is not None and each.is_port
    ]
    yield from _together(programs)
    single = sorted((each for each in programs if each.first == each.last), key=_first)
    for stack in project.stacks:
        yield from _in_stack(stack, single)


def _first(each: Declared) -> int:
    return each.first


def _in_stack(stack: Stack, programs: list[Declared]) -> Iterator[LintFinding]:
    """Those of one stack; `programs` have one number each, and are ordered by it."""
    built = [service.folder for service in stack.services if service.folder is not None]
    for service in stack.services:
        if not _is_its_own(service):
            continue
        for publish in service.publishes:
            if publish is None or not publish.is_port:
                continue
            same: list[Declared] = []
            for at in range(bisect_left(programs, publish.first, key=_first), len(programs)):
                each = programs[at]
                if each.first > publish.last or (same and each.first != same[0].first):
                    break
                if each.transport != publish.transport or not _meet(each, publish):
                    continue
                # What is built from a folder around or below a program may be that program.
                if not any(_is_related(folder, _folder(each)) for folder in built):
                    same.append(each)
            if same:
                yield _with_container(publish, same)


def _is_its_own(service: StackService) -> bool:
    """Whether a service surely runs another program than those of the project's files."""
    if service.folder is not None:
        return True
    image = image_of(service.image) if service.image else None
    return image is not None and image.kind not in _ANY_PROGRAM


def _with_container(publish: Declared, same: list[Declared]) -> LintFinding:
    first = same[0]
    port = f"{first.first}/{first.transport}"
    return LintFinding(
        ID,
        SEVERITY,
        publish.place,
        first.first,
        f"{publish.who} publishes {port} on this machine, and {_named(first)} listens there",
        f'give one of them another number, such as "portbook free --near {first.first}" picks',
        related=tuple(Related(each.place, f"{_named(each)} listens here") for each in same[:5]),
        digits=publish.digits if publish.first == publish.last else (),
    )


def _together(programs: Iterable[Declared]) -> Iterator[LintFinding]:
    """Programs that one script starts side by side (`package` and other files with commands)."""
    seen: dict[tuple[str, str, int, str], list[Declared]] = {}
    for each in programs:
        group = (each.runs or "").rpartition("#")[0]
        # The processes of a Procfile are weighed with the services of compose files (PB101).
        if "#" not in group or each.form == "procfile" or each.first != each.last:
            continue
        before = seen.setdefault((each.place.path, group, each.first, each.transport), [])
        rival = next((e for e in before if e.runs != each.runs and _meet(e, each)), None)
        if rival is not None:
            port = f"{each.first}/{each.transport}"
            script = group.rpartition("#")[2]
            yield LintFinding(
                ID,
                SEVERITY,
                each.place,
                each.first,
                f"{_pair(rival, each)} both listen on {port}, and {script} starts them together",
                f'give one of them another number, such as "portbook free --near {each.first}"'
                " picks",
                related=(Related(rival.place, f"{_named(rival)} listens here"),),
                digits=each.digits,
            )
        if len(before) < 5:
            before.append(each)


def _pair(one: Declared, other: Declared) -> str:
    if one.who == other.who:
        return f"{one.product or 'one program'} and {other.product or 'another'}"
    return f"{one.who} and {other.who}"


def _named(each: Declared) -> str:
    return f"{each.who} ({each.product})" if each.product else each.who


def _folder(each: Declared) -> str:
    return (each.runs or "").partition(":")[2].partition("#")[0]


def _is_related(one: str, other: str) -> bool:
    """Whether two folders are one, or one is in the other."""
    one, other = one.strip("/"), other.strip("/")
    if one in ("", ".") or other in ("", "."):
        return True
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _meet(one: Declared, other: Declared) -> bool:
    """Whether two addresses are one, or one of them is every address."""
    first, second = (
        "127.0.0.1" if each.address == "localhost" else each.address for each in (one, other)
    )
    return first in _EVERYWHERE or second in _EVERYWHERE or first == second
