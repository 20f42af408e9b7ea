"""Comments and settings that take findings away: these, and no others."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.lint.ignoring import settle
from portbook.lint.settings import Allowed, Settings
from portbook.model.declared import LintFinding, Place


def finding(line: int, rule: str = "PB101", path: str = "a.yaml", port: int = 8080) -> LintFinding:
    """A finding of a line."""
    return LintFinding(rule, "error", Place(path, line, 1, 4), port, "it collides")


def left(text: str, *found: LintFinding, settings: Settings | None = None) -> list[LintFinding]:
    """What is left of findings in a file of this text."""
    return settle(found, settings or Settings(), root=".", lines=lambda _: text.split("\n"))


@pytest.mark.parametrize(
    "line",
    [
        "- 8080:80 # portbook: ignore",
        "- 8080:80 #portbook:ignore",
        "- 8080:80 # portbook: ignore[PB101]",
        "- 8080:80 # portbook: ignore[PB1, PB401]",
        "- 8080:80 # portbook: ignore[PB401 PB101] -- as agreed",
        "port: 8080, // portbook: ignore[pb101]",
        "port: 8080, /* portbook: ignore[PB101] */",
        "listen = 8080 ; portbook: ignore[PB101]",
        "http://localhost:8080 <!-- portbook: ignore[PB101] -->",
        "port: {{ 8080 }} {{/* portbook: ignore */}}",
        "- 8080:80 # noqa # Portbook: Ignore[PB101]",
    ],
)
def test_a_comment_takes_the_findings_of_its_line(line: str) -> None:
    """In the style of every format."""
    assert left(line, finding(1)) == []


@pytest.mark.parametrize(
    "line",
    [
        "- 8080:80 # portbook: ignore[PB102]",
        "- 8080:80 # portbook: ignore[PB1013]",
        "- 8080:80 # portbook: ignore[]",
        "- 8080:80 # portbook: ignored",
        "- 8080:80 # portbook: ignore-file-x",
        "- 8080:80 portbook: ignore",
        "- 8080:80 # portbook ignore",
        "- 8080:80",
    ],
)
def test_what_is_no_such_comment_takes_nothing(line: str) -> None:
    """Another rule, an empty list, other words."""
    assert left(line, finding(1)) == [finding(1)]


def test_a_comment_alone_counts_for_the_line_below() -> None:
    """Also above further comments, but not across a line of text or an empty one."""
    above = "# portbook: ignore[PB101]\n"
    assert left(f"{above}EXPOSE 8080", finding(2)) == []
    assert left(f"{above}# why it is so\nEXPOSE 8080", finding(3)) == []
    assert left(f"{above}\nEXPOSE 8080", finding(3)) != []
    assert left("EXPOSE 80 # portbook: ignore\nEXPOSE 8080", finding(2)) != []
    assert left(f"EXPOSE 8080\n{above}", finding(1)) != []


def test_a_comment_for_the_file_stands_in_its_first_lines() -> None:
    """For the rules that it names, else for all; below the tenth line it is none."""
    head = "# portbook: ignore-file[PB1]\n"
    found = (finding(5), finding(6, "PB401"))
    assert left(head + "x\n" * 9, *found) == [finding(6, "PB401")]
    assert left("# portbook: ignore-file\n" + "x\n" * 9, *found) == []
    assert len(left("x\n" * 10 + head, *found)) == 2


def test_what_is_allowed_has_to_fit_in_everything_that_is_named() -> None:
    """Rule, number and path."""
    found = (finding(1), finding(1, port=8090), finding(1, "PB201"), finding(1, path="b/c.yaml"))

    def after(allowed: Allowed) -> list[int]:
        kept = left("", *found, settings=Settings(allow=(allowed,)))
        return [number for number, each in enumerate(found) if each in kept]

    assert after(Allowed("PB101", (8080, 8080), None, None)) == [1, 2]
    assert after(Allowed("PB2", None, None, None)) == [0, 1, 3]
    assert after(Allowed(None, (8081, 9000), None, None)) == [0, 2, 3]
    assert after(Allowed(None, None, "b/", None)) == [0, 1, 2]
    assert after(Allowed("PB101", (8080, 8080), "b/", None)) == [0, 1, 2]
    nothing = LintFinding("PB101", "error", Place("a.yaml", 1, 1, 1), None, "no number")
    allow = Settings(allow=(Allowed(None, (1, 65535), None, None),))
    assert left("", nothing, settings=allow) == [nothing]


def test_files_have_rules_of_their_own() -> None:
    """per-file-ignores takes the named rules from the files that fit."""
    settings = Settings(per_file_ignores=(("*.yaml", ("PB2",)), ("b/", ("PB1",))))
    found = (finding(1), finding(1, "PB201"), finding(1, path="b/c.yaml"))
    assert left("", *found, settings=settings) == [finding(1)]


def test_severities_are_those_of_the_settings() -> None:
    """The longer name wins, whatever the order."""
    settings = Settings(severity=(("PB101", "note"), ("PB1", "warning")))
    found = left("", finding(1), finding(1, "PB102"), finding(1, "PB301"), settings=settings)
    assert [each.severity for each in found] == ["note", "warning", "error"]


def test_rules_that_were_not_asked_for_are_gone() -> None:
    """select and ignore."""
    settings = Settings(select=("PB1",), ignore=("PB102",))
    found = (finding(1), finding(1, "PB102"), finding(1, "PB201"))
    assert left("", *found, settings=settings) == [finding(1)]


def test_a_file_that_has_shrunk_takes_nothing_away() -> None:
    """A line that is not there has no comment."""
    assert left("# portbook: ignore", finding(9)) == [finding(9)]


@given(st.text(max_size=300), st.integers(0, 9))
def test_any_text_is_taken(text: str, line: int) -> None:
    """Whatever the file holds: what is not about ignoring takes nothing."""
    kept = left(text, finding(line))
    assert kept == [finding(line)] or "portbook" in text.lower()


def test_a_line_of_a_megabyte_takes_no_time() -> None:
    """Comment signs without an end, in one line."""
    from time import perf_counter

    started = perf_counter()
    left("#portbook: " * 100_000, finding(1))
    left(("#" * 4_000 + "portbook\n") * 20, finding(20))
    assert perf_counter() - started < 1.0


def test_the_baseline_of_the_settings_is_compared(tmp_path: Path) -> None:
    """What it has is known and stays listed."""
    from json import dumps

    from portbook.lint.keeping import SCHEMA, kept

    def lines(_: str) -> list[str]:
        return ["- 8080:80"]

    settings = Settings(top=str(tmp_path))
    entries = kept([finding(1)], settings, root=str(tmp_path), lines=lines)
    file = tmp_path / "ports.json"
    file.write_text(dumps({"schema": SCHEMA, "findings": [each._asdict() for each in entries]}))
    found = settle(
        [finding(1), finding(1, "PB401")],
        settings._replace(baseline=str(file)),
        root=str(tmp_path),
        lines=lines,
    )
    assert [each.known for each in found] == [True, False]
