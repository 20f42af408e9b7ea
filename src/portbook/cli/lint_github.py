"""The findings of a lint as annotations of GitHub Actions ("workflow commands")."""

import os

from portbook.cli.lint_text import shown_from, spot, summary
from portbook.cli.render import safe
from portbook.model.declared import LintFinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from portbook.survey.linting import LintReport

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def annotations(report: "LintReport") -> list[str]:
    """One command for each finding that no baseline knows and for each gap; then the summary."""
    where = _from_workspace(report.root)
    lines = [_annotation(each, where) for each in report.findings if not each.known]
    for gap in report.gaps:
        hint = f" ({gap.hint})" if gap.hint else ""
        title = _property("portbook lint is incomplete")
        lines.append(f"::warning title={title}::{_data(safe(f'{gap.what}: {gap.why}{hint}'))}")
    return [*lines, summary(report)]


def _from_workspace(root: str) -> "Callable[[str], str]":
    """Annotations name files from the top of the checkout, wherever the command is run."""
    top = os.environ.get("GITHUB_WORKSPACE")
    if not top:
        return shown_from(root)

    def shown(path: str) -> str:
        near = os.path.relpath(os.path.join(root, path), os.path.realpath(top))
        return shown_from(root)(path) if near.startswith(os.pardir) else near

    return shown


def _annotation(found: LintFinding, where: "Callable[[str], str]") -> str:
    place = found.place
    properties = {
        "file": where(place.path),
        "line": str(place.line),
        "endLine": str(place.line),
        "col": str(place.column),
        "endColumn": str(place.column + place.length),
        "title": found.rule,
    }
    said = ",".join(f"{name}={_property(safe(value))}" for name, value in properties.items())
    told = [found.message]
    told += [f"also {spot(each.place, where)}: {each.what}" for each in found.related]
    told += [f"help: {found.hint}"] if found.hint else []
    text = "\n".join(safe(line) for line in told)
    return f"::{_COMMANDS[found.severity]} {said}::{_data(text)}"


def _data(text: str) -> str:
    """What stands behind the second `::`, in one line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """The value of a property, in which `:` and `,` would end something."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
