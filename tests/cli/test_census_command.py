"""`portbook orphans`: the tombstones, all registrations, and the census as text and JSON."""

import json
import os
import pty
import re
import subprocess
import sys
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tools.make_schemas import SCHEMAS

from command import portbook
from portbook.cli.census_text import _bar, census_lines
from portbook.cli.render import Style, width
from portbook.model import LAST_PORT, plain
from portbook.registry.census import census
from portbook.registry.nearby import CODES, better_near
from portbook.registry.registrations import registrations
from portbook.registry.since import changes


def fits(name: str, found: Any) -> None:
    """Check a document against its published schema; a field that is in none is a fault."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    schema["additionalProperties"] = False
    for definition in schema["$defs"].values():
        definition["additionalProperties"] = False
    Draft202012Validator(schema).validate(found)


def on_a_terminal(*arguments: str, columns: int = 100) -> str:
    """What a person sees who runs portbook, without colour."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "xterm"}
    run = subprocess.Popen([sys.executable, "-m", "portbook", *arguments], stdout=theirs, env=env)
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 65536):
            text += piece
    except OSError:  # EIO: the other end is closed
        pass
    finally:
        os.close(ours)
    assert run.wait(timeout=30) == 0
    return text.decode().replace("\r\n", "\n")


def test_the_tombstones_have_a_life_of_one_kind() -> None:
    """Without --all every row is an orphan, and the document is what it was, with more fields."""
    found = portbook("orphans", "--year", "2002", "--json").document
    fits("orphans", found)
    assert {row["life"] for row in found["rows"]} == {"orphan"}
    assert list(found["rows"][0])[:7] == [
        *("port", "last_port", "service", "transports"),
        *("description", "assignee", "registered"),
    ]


def test_all_registrations_are_listed_with_their_life() -> None:
    """As many rows as the counts say, and the same counts with and without --all."""
    graves = portbook("orphans", "--year", "2002", "--json").document
    found = portbook("orphans", "--all", "--year", "2002", "--json").document
    fits("orphans", found)
    assert found["counts"] == graves["counts"]
    for life, count in found["counts"].items():
        assert sum(row["life"] == life for row in found["rows"]) == count
    assert len(found["rows"]) > len(graves["rows"])


def test_a_stream_of_all_registrations_has_its_own_schema() -> None:
    """A living service is no tombstone."""
    lines = portbook("orphans", "--all", "--assignee", "IESG", "--jsonl").out.splitlines()
    for line in lines:
        fits("registration", json.loads(line))
    assert {json.loads(line)["schema"] for line in lines} == {"portbook/registration/1"}
    stones = portbook("orphans", "--assignee", "IESG", "--jsonl").out.splitlines()
    assert {json.loads(line)["schema"] for line in stones} == {"portbook/tombstone/1"}
    assert 0 < len(stones) < len(lines)


def test_the_table_of_all_has_a_column_for_the_life() -> None:
    """The other table has none, as before."""
    every = portbook("orphans", "--all", "--assignee", "Jay_Eckles").out.splitlines()
    stones = portbook("orphans", "--assignee", "Jay_Eckles").out.splitlines()
    assert every[3].split()[3] == "LIFE"
    assert every[4].split()[:4] == ["3255", "semaphore", "tcp,udp", "orphan"]
    assert "LIFE" not in stones[3]
    assert stones[4].split()[:4] == ["3255", "semaphore", "tcp,udp", "2002-02"]


@pytest.mark.parametrize(
    "option", [("--range", "user"), ("--year", "2002"), ("--assignee", "IESG"), ("--all",)]
)
def test_the_census_goes_with_no_selection(option: tuple[str, ...]) -> None:
    """It counts the whole registry: one line says what to leave out."""
    run = portbook("orphans", "--stats", *option)
    assert run.code == 2
    assert run.out == ""
    assert run.err.count("\n") == 2
    assert f"leave out {option[0]}" in run.err


def test_the_census_is_one_document() -> None:
    """What the library counts, as JSON, on one line with --jsonl."""
    found = portbook("orphans", "--stats", "--json").document
    fits("census", found)
    fields = {name: value for name, value in found.items() if name != "schema"}
    assert fields == {**plain(census()), "incomplete": []}
    line = portbook("orphans", "--stats", "--jsonl").out
    assert line.count("\n") == 1
    assert json.loads(line) == found


def test_the_census_in_a_pipe_is_tables_of_words_and_numbers() -> None:
    """Every figure of the document stands in the text, and no bar."""
    text = portbook("orphans", "--stats").out
    found = census()
    assert f"{found.counts['orphan']:,} of {found.total:,} registered services" in text
    assert not re.search(r"[#+.~=-]{4}", text)
    for each in found.by_year:
        assert re.search(rf"^ *{each.year or 'undated'} +{each.total:,} ", text, re.MULTILINE)
    for run in found.unassigned:
        assert re.search(rf"^{run.first}-{run.last} +{run.length}$", text, re.MULTILINE)
    for freed in found.freed:
        assert re.search(rf"^ *{freed.port}  {freed.services[0]} ", text, re.MULTILINE)
    for assignee in found.assignees:
        assert assignee.id.replace("_", " ") in text
    for unregistered in found.unregistered:
        assert re.search(rf"^ *{unregistered.port} +{unregistered.sources}  ", text, re.MULTILINE)


def test_a_terminal_gets_bars() -> None:
    """Each of the shares has one, of the same width, with as much of each sign as it has."""
    lines = on_a_terminal("orphans", "--stats").splitlines()
    system = next(line for line in lines if line.startswith("system "))
    user = next(line for line in lines if line.startswith("user "))
    bars = [line.split()[-1] for line in (system, user)]
    assert len(bars[0]) == len(bars[1]) >= 30
    share = next(each for each in census().by_range if each.name == "user")
    assert bars[1].count(".") / len(bars[1]) == pytest.approx(
        share.counts["orphan"] / share.total, abs=0.03
    )
    assert any("# alive, + overtaken, . orphan, ~ young" in line for line in lines)


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    """Whatever its width; words are wrapped, cells cut, bars left out."""
    for line in census_lines(census(), Style(False, columns, True), bars=True):
        assert width(line) <= max(columns, 22), line


def test_the_signs_of_a_bar_add_up() -> None:
    """Rounding never makes one longer or shorter than its share of the room."""
    assert _bar([("#", 1), ("+", 1), (".", 1)], None, 40) == "#" * 13 + "+" * 14 + "." * 13
    assert _bar([("#", 5), ("-", 0)], 10, 8) == "####"
    assert _bar([("#", 0)], 0, 8) == ""
    for each in census().by_year:
        parts = [(life[0], count) for life, count in each.counts.items()]
        assert len(_bar(parts, None, 33)) == 33


def test_nothing_registered_is_said_in_the_exit_code() -> None:
    """With --all as without."""
    for arguments in ((), ("--all",)):
        run = portbook("orphans", *arguments, "--assignee", "nobody at all")
        assert (run.code, run.err) == (1, "")
        assert run.out.startswith("0 of 0 registered services")


def test_every_registration_is_in_the_whole_list() -> None:
    """`portbook orphans --all` leaves none out."""
    found = portbook("orphans", "--all", "--json").document["rows"]
    assert found == plain(list(registrations()))


def test_the_figures_of_the_page_are_those_of_the_command() -> None:
    """Every line that docs/census.md shows is one that is printed, and its counts hold."""
    page = (SCHEMAS.parent / "census.md").read_text(encoding="utf-8")
    printed = portbook("orphans", "--stats").out.splitlines()
    blocks = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    shown = [line for block in blocks for line in block.splitlines()]
    assert len(shown) > 8
    assert [line for line in shown if line not in printed] == []
    undated = sum(change.date is None for change in changes())
    assert f"{undated} of the {len(changes())} changes have none" in page
    words = page.replace("\n", " ")
    assert f"{len(better_near(0, count=LAST_PORT)):,} of them" in words
    assert set(re.findall(r"`([a-z-]+)`", page.split("| code |")[1])) >= {*CODES[:-1]}
