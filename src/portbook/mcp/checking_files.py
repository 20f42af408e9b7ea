"""The tool that checks the ports which a project's files declare."""

import os

from portbook.mcp.plain_text import first_rows, gap_lines, tamed
from portbook.mcp.told import Told
from portbook.mcp.whereabouts import folder_or_own
from portbook.model import NotPermitted, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_FINDINGS = 100
_MOST_LINES = 20


def lint(asked: "dict[str, Any]") -> Told:
    """`portbook lint`.

    Raises:
        UsageError: there is no such folder.
        NotPermitted: it cannot be read.
        EnvironmentFault: the server's working folder, which it is below, was removed.
    """
    folder = asked["folder"]
    folder_or_own(folder)
    if "\0" in folder or not os.path.exists(folder):
        raise UsageError(
            f"there is no folder {folder!r}",
            hint="a relative one is below the server's working folder",
        )
    if not os.access(folder, os.R_OK):
        raise NotPermitted(f"{folder!r} cannot be read", hint="run portbook as a user who may")
    told = tamed(_report(folder, here=asked["here"]))
    findings = told["findings"]
    count = len(findings)
    first_rows(told, "findings", MOST_FINDINGS, hint="lint a folder below it")
    lines = [f"{count} finding{'' if count == 1 else 's'} in {folder}"]
    lines += [_line(each) for each in findings[:_MOST_LINES]]
    if count > _MOST_LINES:
        lines.append(f"and {count - _MOST_LINES} more")
    lines += gap_lines(told)
    return Told(told, tuple(lines))


def _report(folder: str, *, here: bool) -> "dict[str, Any]":
    from portbook.model import document
    from portbook.survey.linting import lint_paths, report_body

    # Without the cache of `portbook lint`: a tool that only reads writes no file.
    return document("lint", report_body(lint_paths([folder], here=here, cache=False)))


def _line(finding: "dict[str, Any]") -> str:
    place = finding["place"]
    hint = f" ({finding['hint']})" if finding.get("hint") else ""
    where = f"{place['path']}:{place['line']}:{place['column']}"
    return f"{where}: {finding['severity']} {finding['rule']}: {finding['message']}{hint}"
