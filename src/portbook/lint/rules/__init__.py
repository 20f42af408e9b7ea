"""The rules of `portbook lint`, each a file of its own, in the order of their ids.

A rule has `ID`, `SUMMARY` (one line for lists), `SEVERITY` (its usual one: error, warning, note)
and `weigh(project, known)`, which yields findings. Its page is docs/lint/ID.md.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from portbook.lint.known import Known
    from portbook.lint.project import Project
    from portbook.model.declared import LintFinding

    class Rule(Protocol):
        """A module that looks for one kind of mistake."""

        ID: str
        SUMMARY: str
        SEVERITY: str

        def weigh(self, project: Project, known: Known) -> Iterator[LintFinding]:
            """Every place that makes the mistake."""


NAMES = {
    "PB101": "collision",
    "PB102": "profile_collision",
    "PB103": "taken_here",
    "PB104": "reserved_here",
    "PB105": "program_collision",
    "PB201": "registered_otherwise",
    "PB202": "malware_default",
    "PB203": "browser_blocked",
    "PB301": "ephemeral",
    "PB302": "kernel_reserved",
    "PB303": "node_range",
    "PB304": "node_port_outside",
    "PB305": "privileged",
    "PB306": "no_port",
    "PB401": "published_everywhere",
    "PB501": "exposed_otherwise",
    "PB502": "target_port",
    "PB503": "probe_port",
    "PB504": "backend_port",
    "PB505": "told_otherwise",
    "PB506": "read_otherwise",
    "PB507": "asked_otherwise",
    "PB508": "forwarded_port",
}
"""Every rule's id, and the file it is in."""


@cache
def rules() -> "tuple[Rule, ...]":
    """Every rule."""
    return tuple(import_module(f"portbook.lint.rules.{name}") for name in NAMES.values())


def weigh_all(project: "Project", known: "Known") -> "list[LintFinding]":
    """What every rule finds, ordered by place and rule."""
    found = [each for rule in rules() for each in rule.weigh(project, known)]
    return sorted(
        set(found), key=lambda f: (f.place.path, f.place.line, f.place.column, f.rule, f.message)
    )
