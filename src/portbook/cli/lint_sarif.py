"""The findings of a lint in SARIF 2.1.0 (OASIS), for code hosts and editors."""

import os

from portbook.cli.lint_rules import LintRule, every_rule, page_of
from portbook.cli.sarif_run import log_of, plain
from portbook.model.declared import LintFinding, Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from portbook.lint.settings import Settings
    from portbook.survey.linting import LintReport

TOP = "SRCROOT"
"""What the files' addresses count from: the project's top folder."""


def lint_log(report: "LintReport", settings: "Settings", *, baseline: bool) -> "dict[str, Any]":
    """One SARIF log with one run; with `baseline` each result has a `baselineState`."""
    from urllib.parse import quote

    rules = every_rule()
    ids = [each.rule for each in rules]
    top = os.path.realpath(settings.top)
    made = _Results(report, settings, ids, baseline=baseline)
    return log_of(
        "portbook-lint/",
        [_rule(each) for each in rules],
        [made.result(each) for each in report.findings],
        report.gaps,
        {
            "originalUriBaseIds": {
                TOP: {"uri": f"file://{quote(top.rstrip('/'), errors='replace')}/"}
            }
        },
    )


def _rule(rule: LintRule) -> "dict[str, Any]":
    page = page_of(rule.rule)
    text = f"{rule.summary}. portbook lint --explain {rule.rule} tells more."
    return {
        "id": rule.rule,
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": rule.severity},
        "help": {"text": text} if page is None else {"text": text, "markdown": page},
        "properties": {"tags": ["network", "configuration"]},
    }


class _Results:
    """Makes results, and gives those that are alike different fingerprints."""

    def __init__(
        self, report: "LintReport", settings: "Settings", ids: list[str], *, baseline: bool
    ) -> None:
        self._report = report
        self._settings = settings
        self._ids = ids
        self._baseline = baseline
        self._seen: dict[str, int] = {}

    def result(self, found: LintFinding) -> "dict[str, Any]":
        """One finding."""
        from portbook.lint.keeping import fingerprint, line_of

        text = found.message if found.hint is None else f"{found.message}. {found.hint}"
        # Where the line stands is no part of it: a moved finding is the same one.
        line = fingerprint(line_of(found, self._report.lines))
        print_ = f"{found.rule}/{self._path(found.place)}/{found.port}/{line}"
        times = self._seen[print_] = self._seen.get(print_, 0) + 1
        result: dict[str, Any] = {
            "ruleId": found.rule,
            "ruleIndex": self._ids.index(found.rule),
            "level": found.severity,
            "message": {"text": plain(text)},
            "locations": [{"physicalLocation": self._physical(found.place)}],
            "relatedLocations": [
                {
                    "id": number,
                    "physicalLocation": self._physical(each.place),
                    "message": {"text": plain(each.what)},
                }
                for number, each in enumerate(found.related, start=1)
            ],
            "partialFingerprints": {"portbookLine/v1": f"{print_}:{times}"},
            "properties": {"port": found.port},
        }
        if self._baseline:
            result["baselineState"] = "unchanged" if found.known else "new"
        return result

    def _path(self, place: Place) -> str:
        from portbook.lint.keeping import path_from_top

        return path_from_top(place.path, self._settings, self._report.root)

    def _physical(self, place: Place) -> "dict[str, Any]":
        from urllib.parse import quote

        return {
            "artifactLocation": {
                "uri": quote(self._path(place), errors="replace"),
                "uriBaseId": TOP,
            },
            "region": _region(place, self._report.lines),
        }


def _region(place: Place, lines: "Callable[[str], list[str]]") -> dict[str, int]:
    """A place in UTF-16 code units, of which a character beyond U+FFFF has two."""
    every = lines(place.path)
    text = every[place.line - 1] if 0 < place.line <= len(every) else ""
    start = place.column - 1
    before = start + _pairs(text[:start])
    size = place.length + _pairs(text[start : start + place.length])
    return {
        "startLine": place.line,
        "startColumn": before + 1,
        "endLine": place.line,
        "endColumn": before + size + 1,
    }


def _pairs(text: str) -> int:
    return 0 if text.isascii() else sum(ord(sign) > 0xFFFF for sign in text)
