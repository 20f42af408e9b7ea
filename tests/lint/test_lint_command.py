"""`portbook lint` as it is called: what it prints, what it refuses, what its exit code says."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tools.make_schemas import documents, schema_of

from command import Run, portbook
from portbook.cli.lint_text import line_shown, report_lines, without_secrets
from portbook.cli.render import Style, width
from portbook.lint.rules import NAMES
from portbook.model.declared import LintFinding, Place, Related
from portbook.survey.linting import LintReport

PLAIN = Style(color=False, width=80, cut=False)
COMPOSE = """\
services:
  web:
    image: nginx
    ports:
      - "127.0.0.1:8080:80"
  admin:
    image: nginx
    ports:
      - "127.0.0.1:8080:80"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a collision, which is the working folder."""
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    (folder / "compose.yaml").write_text(COMPOSE)
    monkeypatch.chdir(folder)
    return folder


def closed(schema: Any) -> Any:
    """The schema with every object closed: a field that is in no schema is a fault here."""
    if isinstance(schema, dict):
        shut = {key: closed(value) for key, value in schema.items()}
        return {**shut, "additionalProperties": False} if "properties" in shut else shut
    return [closed(item) for item in schema] if isinstance(schema, list) else schema


def fits(name: str, document: Any) -> None:
    """A document is of its schema, with no field that is not published."""
    Draft202012Validator(closed(schema_of(name, documents()[name]))).validate(document)


def test_a_collision_is_shown_with_its_line_and_the_other_place(shop: Path) -> None:
    """Path, line and column first, as editors make links of it; the digits are underlined."""
    run = portbook("lint")
    assert (run.code, run.err) == (1, "")
    first, line, carets, *rest = run.out.splitlines()
    assert first.startswith("compose.yaml:")
    assert ": error PB101 " in first
    assert line.endswith('- "127.0.0.1:8080:80"')
    at = line.index("8080")
    assert carets[at:] == "^^^^"
    assert any(each.startswith("  also compose.yaml:5:20: ") for each in rest) or any(
        each.startswith("  also compose.yaml:9:20: ") for each in rest
    )
    assert rest[-1] == "1 finding (1 error) in 1 file; 1 file with ports read"


def test_a_clean_project_has_no_finding(shop: Path) -> None:
    """Exit code 0 and one line."""
    (shop / "compose.yaml").write_text(COMPOSE.replace("8080:80", "8093:80", 1))
    run = portbook("lint", "--select", "PB1")
    assert (run.code, run.err) == (0, "")
    assert run.out == "0 findings; 1 file with ports read\n"


def test_a_file_that_is_none_is_told_and_the_rest_goes_on(shop: Path) -> None:
    """On stderr, with exit code 3 where nothing was found, and 1 where something was."""
    (shop / "docker-compose.yml").write_text("services: [\n")
    run = portbook("lint", "--select", "PB101")
    assert run.code == 1
    assert "PB101" in run.out
    assert "incomplete: docker-compose.yml" in run.err
    assert portbook("lint", "--select", "PB306").code == 3


def test_fail_on_says_from_where_on_it_fails(shop: Path) -> None:
    """Severities, of the settings too."""
    (shop / ".portbook.toml").write_text('[lint.severity]\nPB101 = "note"\n')
    assert portbook("lint", "--select", "PB101").code == 0
    assert portbook("lint", "--select", "PB101", "--fail-on", "note").code == 1
    (shop / ".portbook.toml").write_text('[lint]\nfail-on = "error"\nseverity.PB101 = "warning"\n')
    assert portbook("lint", "--select", "PB101").code == 0
    assert portbook("lint", "--select", "PB101", "--fail-on", "warning").code == 1


def test_options_are_before_the_settings(shop: Path) -> None:
    """--select replaces, --ignore and --exclude are added."""
    (shop / ".portbook.toml").write_text('[lint]\nignore = ["PB101"]\nselect = ["PB3"]\n')
    assert "PB101" not in portbook("lint").out
    assert "PB101" not in portbook("lint", "--select", "PB101").out
    (shop / ".portbook.toml").write_text('[lint]\nselect = ["PB3"]\n')
    assert "PB101" in portbook("lint", "--select", "PB1").out
    assert portbook("lint", "--select", "PB1", "--ignore", "PB101").code == 0
    excluded = portbook("lint", "--select", "PB1", "--exclude", "compose.yaml")
    assert excluded.out == "0 findings; 0 files with ports read\n"


def test_the_documents_are_of_their_schemas(shop: Path) -> None:
    """--json, --jsonl, --list and --rules."""
    (shop / "docker-compose.yml").write_text("services: [\n")
    whole = portbook("lint", "--json")
    fits("lint", whole.document)
    assert whole.document["root"] == str(shop)
    assert whole.document["incomplete"]
    *found, last = portbook("lint", "--jsonl").out.splitlines()
    assert [json.loads(each)["schema"] for each in found] == ["portbook/lint-finding/1"] * len(
        found
    )
    fits("lint-finding", json.loads(found[0]))
    assert json.loads(last)["schema"] == "portbook/incomplete/1"
    fits("declared", portbook("lint", "--list", "--json").document)
    fits("declared-port", json.loads(portbook("lint", "--list", "--jsonl").out.splitlines()[0]))
    fits("lint-rules", portbook("lint", "--rules", "--json").document)
    portbook("lint", "--write-baseline", "ports.json")
    fits("lint-baseline", json.loads((shop / "ports.json").read_text()))


def test_the_list_has_every_declared_port(shop: Path) -> None:
    """By number, without a judgement: exit code 0 in spite of the collision."""
    run = portbook("lint", "--list")
    assert (run.code, run.err) == (0, "")
    rows = [row.split() for row in run.out.splitlines()]
    assert ["8080/tcp", "publish", "web", "127.0.0.1", "compose.yaml:5:20"] in rows
    assert rows[-1] == ["4", "ports", "declared", "in", "1", "file"]


def test_every_rule_is_listed_and_has_a_page(shop: Path) -> None:
    """--rules and --explain."""
    rows = portbook("lint", "--rules").out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == list(NAMES)
    for name in ("PB101", "pb201"):
        run = portbook("lint", "--explain", name)
        assert run.code == 0, run.err
        assert run.out.startswith(f"# {name.upper()}")
    assert portbook("lint", "--explain", "PB1").code == 2
    assert "did you mean PB101" in portbook("lint", "--explain", "PB1O1").err


def test_an_editor_s_unsaved_text_is_judged_instead_of_the_file(shop: Path) -> None:
    """`-` with --stdin-filename: the findings of that file, from what stdin says."""

    def held(text: str) -> Run:
        done = subprocess.run(
            [sys.executable, "-m", "portbook", "lint", "-", "--stdin-filename", "compose.yaml"],
            input=text.encode(),
            capture_output=True,
            check=False,
        )
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    run = held("# a line more\n" + COMPOSE)
    assert run.code == 1
    assert "compose.yaml:10:20: error PB101" in run.out or "compose.yaml:6:20" in run.out
    assert held(COMPOSE.replace("8080:80", "8093:80", 1)).code == 0
    assert held("services: [\n").code == 3
    assert portbook("lint", "-").code == 2
    assert portbook("lint", "x", "--stdin-filename", "compose.yaml").code == 2
    assert portbook("lint", "-", "--stdin-filename", "../x.yaml").code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--json", "--sarif"), "--json and --sarif are two forms"),
        (("--github", "--jsonl"), "--jsonl and --github are two forms"),
        (("--diff",), "--diff is for --fix"),
        (("--yes",), "--yes is for --fix"),
        (("--fix", "--json"), "--fix shows a diff"),
        (("--fix", "--list"), "--fix shows a diff"),
        (("--fix", "--write-baseline", "x"), "first the one, then the other"),
        (("--list", "--sarif"), "--list judges nothing"),
        (("--select", "PB9"), "unknown rule 'PB9'"),
        (("--select", ","), "names no rule"),
        (("--fail-on", "high"), "invalid choice"),
        (("--exclude", "!"), "a pattern that is none"),
        (("nowhere.yaml",), "there is no such file"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    arguments: tuple[str, ...], said: str, shop: Path
) -> None:
    """Exit code 2, nothing on stdout."""
    run = portbook("lint", *arguments)
    assert (run.code, run.out) == (2, "")
    assert said in run.err.splitlines()[0]


def test_without_the_packages_of_the_extra_it_says_which_to_install(shop: Path) -> None:
    """Exit code 5 and the way out."""
    source = str(Path(sys.modules["portbook"].__file__ or "").parent.parent)
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import sys; from portbook.cli import run; run()", "lint"],
        env={"PYTHONPATH": source, "PORTBOOK_DATA_HOME": str(shop)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (5, "")
    assert "portbook[lint]" in done.stderr


def test_a_file_s_findings_are_the_same_with_a_kept_reading(shop: Path) -> None:
    """Twice with the cache, once without."""
    first, second = portbook("lint").out, portbook("lint").out
    assert first == second == portbook("lint", "--no-cache").out


def shown(text: str, column: int, length: int, style: Style = PLAIN) -> tuple[str, str]:
    """A line and its carets without the gutter."""
    line, carets = line_shown(text, Place("x", 7, column, length), style, "error")
    return line[8:], carets[8:]


def test_carets_stand_under_the_digits_whatever_is_before_them() -> None:
    """Tabs, wide characters, combining ones, controls."""
    for before in ("", "\t\t", "端口: ", "e\u0301 ", "\x1b[31m", "\u202e", "😀 "):
        line, carets = shown(f"x{before}8080 # more", 2 + len(before), 4)
        at = line.index("8080")
        assert carets == " " * width(line[:at]) + "^^^^"
        assert "\x1b" not in line
        assert "\u202e" not in line


def test_of_a_long_line_the_place_is_shown() -> None:
    """Minified files have one line; a range of digits can be long too."""
    text = "a" * 5000 + "8080" + "b" * 5000
    for cut in (40, 80, 200):
        line, carets = shown(text, 5001, 4, Style(color=False, width=cut, cut=True))
        assert width(line) <= max(cut, 38)
        assert line[carets.index("^") :][:4] == "8080"
        assert line.startswith("…")
        assert line.endswith("…")


@given(st.text(max_size=80), st.integers(1, 90), st.integers(0, 90), st.integers(20, 99))
def test_any_line_is_shown(text: str, column: int, length: int, cut: int) -> None:
    """Within the width, without a control character, and never an exception."""
    style = Style(color=False, width=cut, cut=True)
    for line in line_shown(text, Place("x", 1, column, length), style, "note"):
        assert line.isprintable()
        assert width(line) <= max(cut, 38) + 12


def test_passwords_are_stars() -> None:
    """In URLs and settings; the number stays, and so does every column."""
    place = Place("x", 1, 34, 4)
    line = "DATABASE_URL=postgres://app:s3cr@db:5432/app"
    assert without_secrets(line, place) == "DATABASE_URL=postgres://app:****@db:5432/app"
    assert without_secrets("API_TOKEN=abc PORT=80", place) == "API_TOKEN=*** PORT=80"
    assert without_secrets("password: hunter2", place) == "password: *******"
    assert without_secrets("SECRET_PORT=8080", Place("x", 1, 13, 4)) == "SECRET_PORT=8080"
    assert without_secrets("http://localhost:8080/a@b", place) == "http://localhost:8080/a@b"


def test_a_report_shows_no_password_of_a_line(shop: Path) -> None:
    """For people and for a code host's log."""
    (shop / "compose.yaml").write_text(
        COMPOSE.replace('8080:80"', '8080:80" # http://app:hunter2@localhost:8080/')
    )
    for form in ((), ("--github",), ("--sarif",), ("--json",)):
        run = portbook("lint", *form)
        assert run.code == 1
        assert "hunter2" not in run.out


def test_what_a_file_says_cannot_steer_a_terminal() -> None:
    """Names, messages and hints with escapes in them."""
    place = Place("a\x1b[2Jb.yaml", 1, 1, 1)
    found = LintFinding(
        *("PB101", "error", place, 1, "web\x1b[31m takes it\n"),
        hint="help\r",
        related=(Related(place, "x\u202ey"),),
    )
    report = LintReport("/", (found,), 1, (), (), lambda _: ["\x07"])
    for line in report_lines(report, PLAIN):
        assert line.isprintable()


def test_colours_are_for_terminals(shop: Path) -> None:
    """None in a pipe; --color always paints the severity."""
    assert "\x1b" not in portbook("lint").out
    assert "\x1b[31merror\x1b[0m" in portbook("lint", "--color", "always").out


def test_paths_are_written_from_where_one_stands(shop: Path) -> None:
    """Below the working folder relative, elsewhere whole."""
    (shop / "deploy").mkdir()
    (shop / "compose.yaml").rename(shop / "deploy" / "compose.yaml")
    assert portbook("lint", "deploy").out.startswith("deploy/compose.yaml:")
    os.chdir(shop / "deploy")
    assert portbook("lint", "..").out.startswith("compose.yaml:")
    os.chdir("/")
    assert portbook("lint", str(shop)).out.startswith((f"{shop}/deploy", str(shop)[1:]))
