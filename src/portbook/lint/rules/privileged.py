"""A program that a user starts, on a number that takes privileges."""

import re
from collections.abc import Iterator

from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import Declared, LintFinding

ID = "PB305"
SUMMARY = "a program started without privileges, on a port that takes them"
SEVERITY = "warning"

_FORMS = frozenset(("package", "javascript", "procfile", "makefile", "justfile", "pyproject"))
_RAISES = re.compile(r"\b(?:sudo|doas|pkexec|authbind|setcap|runas|gsudo)\b")


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every number below the first one that anybody may bind."""
    activated = {
        each.runs for each in project.declared if each.place.path.endswith(".socket") and each.runs
    }
    for each in project.declared:
        if each.role != "listen" or not each.is_port or each.first >= known.unprivileged:
            continue
        if each.form == "systemd":
            if each.runs in activated or not _is_plain_unit(project, each):
                continue
        elif each.form not in _FORMS or _is_raised(project, each):
            continue
        named = f"{each.who} ({each.product})" if each.product else each.who
        yield LintFinding(
            ID,
            SEVERITY,
            each.place,
            each.first,
            f"{named} listens on {each.first}/{each.transport}, which takes privileges: it is"
            f" below {known.unprivileged}",
            f"take a number from {known.unprivileged} on, and let a proxy or a published port"
            " have the low one",
            digits=each.digits,
        )


_USER = re.compile(
    r"\s*(?:User=(?!root\s*$|0\s*$)\S|DynamicUser=(?:yes|true|on|1)\b)", re.IGNORECASE
)
_GIVEN = re.compile(r"\s*(?:AmbientCapabilities=.*CAP_NET_BIND_SERVICE|Exec\w+=[@:-]*[+!])")


def _is_plain_unit(project: Project, each: Declared) -> bool:
    """Whether a unit of systemd runs as another user than root, and is given no right to bind."""
    lines = project.lines(each.place.path)
    if not each.place.path.endswith(".service") or any(map(_GIVEN.match, lines)):
        return False
    return any(map(_USER.match, lines))


def _is_raised(project: Project, each: Declared) -> bool:
    """Whether the command asks for privileges itself, in its line or one that it continues."""
    lines = project.lines(each.place.path)
    at = each.place.line - 1
    if not 0 <= at < len(lines):
        return False
    if _RAISES.search(lines[at]):
        return True
    first = max(0, at - 20)
    while at > first and lines[at - 1].endswith("\\"):
        at -= 1
        if _RAISES.search(lines[at]):
            return True
    return False
