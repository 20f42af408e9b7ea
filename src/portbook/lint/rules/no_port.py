"""A number that is no port: above 65535, or a range that runs backwards."""

from collections.abc import Iterator

from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import LintFinding

ID = "PB306"
SUMMARY = "a number that is no port"
SEVERITY = "error"


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every number where a port must stand that is none."""
    for each in project.declared:
        if each.is_port or each.role == "mention":
            continue
        if each.first > each.last:
            what = f"the range {each.first}-{each.last} of {each.who} runs backwards"
            hint = f"did you mean {each.last}-{each.first}?"
        else:
            wrong = each.last if each.first <= 65535 else each.first
            what = f"{wrong} of {each.who} is no port: ports are 0 to 65535"
            hint = "a digit too many, perhaps"
        yield LintFinding(ID, SEVERITY, each.place, None, what, hint)
