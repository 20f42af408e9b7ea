"""Where else a number has to change when a program gets another: what surely means that program.

The same program's other declarations, the defaults of the variable that it comes from, and the
addresses of this machine (`localhost:8080`) that can mean nobody else. In a collision most such
addresses can mean either program: those are left to people.
"""

import re
from collections.abc import Iterator, Sequence

from portbook.lint.parts import Variable, Written
from portbook.lint.port_variables import told_ports
from portbook.model.declared import ON_THE_MACHINE, Declared, LintFinding, Place
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Lines = Callable[[str], list[str]]

_LOCAL = re.compile(
    r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[?::1?\]?|host\.docker\.internal)", re.IGNORECASE
)
_HOST_BEFORE = re.compile(r"(\[[0-9a-fA-F:.]{0,45}\]|[\w.\-]{0,255}):$")
_LONGEST_HOST = 300
_NAMED = re.compile(r"(?:\$\{(\w{1,200}):?-|^\s*(?:export\s+)?(\w{1,200})\s?=\s?[\"']?)$")
_INSIDE = ("dockerfile", "kubernetes")
"""Forms whose `localhost` is a container's own."""
_ADDRESS_HERE = re.compile(r"^\s*-?\s*[\"']?\w{1,200}\s*[:=]\s*[\"']?https?://localhost:$")
"""A variable's value that is an address for people's browsers, up to its number."""
_ENV_FILES = (
    *(".env", ".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults"),
    *(".env.development", ".env.test", ".env.staging", ".env.production"),
    *(".env.local", "env.example", "env.sample", "env.template", "env.dist"),
    *("example.env", "sample.env"),
)
"""Files that have the variables of their folder, whether or not one is named like a port."""

INSIDE = "the same digits are the number inside the container"


class Agreed(Record):
    """`places` change together; `left` may mean others too, each with whom it may mean.

    `outside` is a place of the same program whose number is written nowhere here; `shared` says
    what else would change with the places, empty where nothing would.
    """

    places: tuple[Place, ...]
    left: tuple[tuple[Place, str], ...]
    outside: Place | None = None
    shared: str = ""


def agreeing(
    target: Declared,
    found: LintFinding,
    declared: Sequence[Declared],
    lines: "Lines",
    *,
    wide: bool,
) -> Agreed:
    """What has to change with the number of `target`, which is one number.

    `wide`: what the same program binds in a container is the same setting, and changes too;
    never for a container's outer number.
    """
    wide = wide and target.role == "listen"
    places = dict.fromkeys(target.digits)
    if found.place == target.place:
        places |= dict.fromkeys(found.digits)
    alike = [each for each in declared if each.first == each.last == target.first]
    others = [each for each in declared if _rivals(each, target, places)]
    outside = None
    # Of one program too: a service that publishes a number twice.
    against = {found.place, *(each.place for each in found.related)} - {target.place}
    for each in alike:
        # A container's outer number says nothing of what its program binds, here or inside.
        if each.role == target.role or (wide and each.role == "container"):
            if each.place in against or not is_same(each, target):
                continue
            if not each.digits:
                outside = each.place
            places |= dict.fromkeys(each.digits)
    places |= dict.fromkeys(_of_its_variable(places, target.first, declared, lines))
    shared = _shared(places, target, declared)
    if not shared and target.role == "publish":
        shared = _fed(places, target, declared, lines)
    left: dict[Place, str] = {}
    for each in alike:
        if each.role not in ("setting", "mention", "client") or not each.written:
            continue
        if each.place not in places:
            said = _meant(each, target, others, lines)
            if said == "it":
                places[each.place] = None
            elif said != "another":
                left[each.place] = said
    return Agreed(tuple(places), tuple(left.items()), outside, shared)


def _rivals(each: Declared, target: Declared, places: dict[Place, None]) -> bool:
    """Whether a declaration is of another program that has the number too."""
    return (
        each.role in ON_THE_MACHINE
        and each.first <= target.first <= each.last
        and not (each.role == target.role and is_same(each, target))
        and not places.keys() & set(each.digits)
    )


def is_same(each: Declared, target: Declared) -> bool:
    """Whether two declarations are one program's."""
    if each.role == target.role == "publish" and each.form == target.form == "compose":
        # Two services that are built from one folder are two containers.
        return (each.runs, each.who) == (target.runs, target.who)
    if each.runs is not None or target.runs is not None:
        return each.runs == target.runs
    return each.place.path == target.place.path and each.who == target.who


def _shared(places: "dict[Place, None]", target: Declared, declared: Sequence[Declared]) -> str:
    """What else has its number from digits that would change."""
    for each in declared:
        if each.role in ("client", "mention") or places.keys().isdisjoint(each.digits):
            continue
        if each.role == "setting":
            if target.role == "publish" and not each.written:
                return INSIDE
        elif each.role == "container":
            if target.role == "publish" or not is_same(each, target):
                return INSIDE
        elif not is_same(each, target):
            return f"the same digits are the number of {each.who}"
    return ""


def _fed(
    places: "dict[Place, None]", target: Declared, declared: Sequence[Declared], lines: "Lines"
) -> str:
    """What the variable of a container's outer number is put into besides that number."""
    outer = [each.place for each in declared if each.role == "publish" and is_same(each, target)]
    for place, name, folder in _variables(places, lines):
        if _is_told(name, place) and _goes_inside(place, declared, lines):
            return INSIDE
        used = re.compile(rf"\$(?:\{{{name}(?:\}}|:?[-?+])|{name}(?!\w))")
        for path in _files(folder, declared):
            for at, line in enumerate(lines(path), start=1):
                if name not in line or line.lstrip().startswith("#"):
                    continue
                for found in used.finditer(line):
                    if _ADDRESS_HERE.search(
                        line[max(0, found.start() - _LONGEST_HOST) : found.start()]
                    ):
                        continue
                    first, last = found.start() + 1, found.end() + 1
                    if not any(
                        (one.path, one.line) == (path, at)
                        and first - one.length < one.column <= last
                        for one in outer
                    ):
                        return f"{path}:{at} has the same variable for something else"
    return ""


def _is_told(name: str, place: Place) -> bool:
    """Whether a variable of this name tells a program what to listen on."""
    return bool(told_ports((Variable(name, Written("8080", place)),), None))


def _goes_inside(place: Place, declared: Sequence[Declared], lines: "Lines") -> bool:
    """Whether a compose file gives all variables of a file to a container."""
    name = place.path.rpartition("/")[2]
    paths = {each.place.path for each in declared if each.form == "compose"}
    for path in paths - {place.path}:
        text = "\n".join(lines(path))
        if "env_file" in text and name in text:
            return True
    return False


def _variables(places: "dict[Place, None]", lines: "Lines") -> Iterator[tuple[Place, str, str]]:
    """The variables that have their value or default at places, each with its folder."""
    for place in tuple(places):
        every = lines(place.path)
        before = every[place.line - 1][: place.column - 1] if place.line <= len(every) else ""
        match = _NAMED.search(before[-_LONGEST_HOST:])
        if match is not None:
            yield place, match[1] or match[2], place.path.rpartition("/")[0]


def _files(folder: str, declared: Sequence[Declared]) -> list[str]:
    """The files of a folder that may have its variables."""
    paths = {
        each.place.path
        for each in declared
        if each.form in ("compose", "dotenv") and each.place.path.rpartition("/")[0] == folder
    }
    return sorted(paths | {f"{folder}/{name}" if folder else name for name in _ENV_FILES})


def _of_its_variable(
    places: "dict[Place, None]", number: int, declared: Sequence[Declared], lines: "Lines"
) -> Iterator[Place]:
    """The number as the default or value of the same variable, in the files of its folder."""
    for _, name, folder in _variables(places, lines):
        says = re.compile(
            rf"(?:\$\{{{name}:?-|^\s*(?:export\s+)?{name}\s?=\s?[\"']?)({number})(?![\w.])"
        )
        for path in _files(folder, declared):
            for at, line in enumerate(lines(path), start=1):
                if name in line:
                    for said in says.finditer(line):
                        yield Place(path, at, said.start(1) + 1, len(said[1]))


def _meant(each: Declared, target: Declared, others: Sequence[Declared], lines: "Lines") -> str:
    """`it`, `another` (program or machine), or for people: whom it may mean."""
    if any(each.place in other.digits for other in others):
        return "another"
    if each.role == "setting" and each.form == "compose" and target.role == "publish":
        # In a container's environment; what it is told to listen on is never the outer number.
        name = each.who.rpartition(" ")[2]
        return "another" if _is_told(name, each.place) else "the container itself"
    if each.role == "setting":
        if each.runs is not None and each.runs == target.runs:
            return "it"
        if each.runs is not None and any(each.runs == other.runs for other in others):
            return "another"
    elif not _is_local(each, lines) or each.form in _INSIDE:
        return "another"
    elif each.form == "compose":
        return "the container itself"
    if each.role != "setting":
        if not others:
            return "it"
        if each.speaks and target.speaks and each.speaks != target.speaks:
            return "another"
        if each.speaks and each.speaks == target.speaks:
            others = [other for other in others if other.speaks in (None, each.speaks)]
            if not others:
                return "it"
    deep = _depth_within(each, target)
    deepest = max((_depth_within(each, other) for other in others), default=0)
    if deep > deepest:
        return "it"
    if deepest > deep:
        return "another"
    names = dict.fromkeys(one.who for one in (target, *others[:2]))
    return " or ".join(names) if others else f"{target.who} or something else"


def _depth_within(each: Declared, program: Declared) -> int:
    """How deep the folder of a program is in which a place lies: 0 for the top or outside."""
    runs = (program.runs or "").partition("#")[0]
    if not runs.startswith("folder:"):
        return 0
    folder = runs.removeprefix("folder:").strip("/")
    if folder in ("", ".") or not each.place.path.startswith(f"{folder}/"):
        return 0
    return folder.count("/") + 1


def _is_local(each: Declared, lines: "Lines") -> bool:
    """Whether a number that somebody connects to is one of this machine."""
    if each.address is not None and not _LOCAL.fullmatch(each.address):
        return False
    every = lines(each.place.path)
    if not 0 < each.place.line <= len(every):
        return False
    before = every[each.place.line - 1][: each.place.column - 1]
    host = _HOST_BEFORE.search(before[-_LONGEST_HOST:])
    return host is None or not host[1] or _LOCAL.fullmatch(host[1]) is not None
