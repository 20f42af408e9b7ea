"""A README that names other numbers of this machine than the project's files.

Numbers can stand in source code, which is not read. So a README is doubted only where the
project's own program has a number in some file and the README names none of them.
"""

from bisect import bisect_right
from collections.abc import Iterator

from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import ON_THE_MACHINE, Declared, LintFinding, Related

ID = "PB506"
SUMMARY = "a README names a port of this machine that no file declares"
SEVERITY = "note"

_WEB = frozenset((None, "http", "https"))


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every first mention of a number that is nowhere else, where the real one is not named."""
    mentions: dict[str, list[Declared]] = {}
    for each in project.declared:
        if _is_prose(each):
            mentions.setdefault(each.place.path, []).append(each)
    if not mentions:
        return
    declared = _Ranges([e for e in project.declared if not _is_prose(e) and e.first <= e.last])
    own = [each for each in project.declared if _is_own(each)]
    for path, named in mentions.items():
        folder = path.rpartition("/")[0]
        prefix = folder + "/" if folder else ""
        near = [each for each in own if each.place.path.startswith(prefix)]
        numbers = {each.first for each in named}
        if not near or any(number in each.ports for each in near for number in numbers):
            continue
        seen = set()
        for each in named:
            if each.first in seen or not each.is_port or each.first in declared:
                continue
            seen.add(each.first)
            yield _finding(each, near)


def _finding(each: Declared, near: list[Declared]) -> LintFinding:
    told = dict.fromkeys(f"{e.who} has {_number(e)}" for e in near)
    return LintFinding(
        ID,
        SEVERITY,
        each.place,
        each.first,
        f"{each.who} sends readers to port {each.first}, which no file here declares:"
        f" {', '.join(list(told)[:3])}",
        "write the number that it is, or the name of the variable that it comes from",
        related=tuple(Related(e.place, f"{e.who} has {_number(e)}") for e in near[:3]),
    )


def _number(each: Declared) -> str:
    return str(each.first) if each.first == each.last else f"{each.first}-{each.last}"


def _is_prose(each: Declared) -> bool:
    return (
        each.form == "readme"
        and each.role == "mention"
        and each.product is None
        and each.speaks in _WEB
    )


def _is_own(each: Declared) -> bool:
    """Whether it is where the project's own program is reached, as far as the files say."""
    if each.role not in ON_THE_MACHINE or not each.is_port or each.transport != "tcp":
        return False
    if each.runs is None or not each.runs.startswith("folder:") or each.speaks not in _WEB:
        return False
    # What listens without a word on its protocol may be a debugger.
    return each.role == "publish" or each.speaks is not None


class _Ranges:
    """Numbers by ranges, which may overlap."""

    def __init__(self, declared: list[Declared]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for first, last in sorted((each.first, each.last) for each in declared):
            if self._ends and first <= self._ends[-1]:
                self._ends[-1] = max(last, self._ends[-1])
            else:
                self._starts.append(first)
                self._ends.append(last)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._starts, number) - 1
        return at >= 0 and number <= self._ends[at]
