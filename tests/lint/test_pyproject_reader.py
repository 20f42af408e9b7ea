"""pyproject.toml: the tasks of each tool, in the forms that TOML has for a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.command_damage import bears_a_megabyte_of, bears_commands
from lint.reader_damage import damaged, reading_of
from portbook.lint.readers.pyproject import wants
from portbook.lint.source import Source


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ('[tool.poe.tasks]\nweb = "vite --port 3000"', "task web"),
        ("[tool.poe.tasks]\nweb.shell = 'vite --port \"3000\"'", "task web"),
        ('[tool.poe.tasks.web]\ncmd = """\nvite \\\n  --port 3000"""', "task web"),
        ('[tool.poe.tasks]\nweb = ["a", {cmd = "vite --port 3000"}]', "task web"),
        ('[tool.pdm.scripts]\nweb = {cmd = ["vite", "--port", "3000"]}', "task web"),
        ('[tool.pdm.scripts]\nweb = {composite = ["a", "vite --port 3000"]}', "task web"),
        ('[tool.hatch.envs.x.scripts]\nweb = ["a", "vite --port 3000"]', "task web"),
        ('[tool.taskipy.tasks]\nweb = {cmd = "vite --port 3000", help = "x"}', "task web"),
        ('[tool.pixi.tasks]\nweb = {cmd = "vite --port 3000", cwd = "x"}', "task web"),
        ('[tool.rye.scripts]\nweb = ["vite", "--port=3000"]', "task web"),
        ('[tool]\npoe.tasks."web" = "vite --port \\u0033000 --port 3000"', "task web"),
    ],
)
def test_tasks_are_commands(text: str, who: str) -> None:
    """One number, whose digits stand at its place."""
    reading = bears_commands("pyproject", "pyproject.toml", text.encode())
    assert reading is not None
    listens = [each for each in reading.declared if each.role == "listen"]
    assert [(each.first, each.who) for each in listens] == [(3000, who)]


def test_what_is_no_task_is_no_command() -> None:
    """Dependencies, settings, and the tables of tools that start nothing."""
    text = (
        '[project]\nname = "vite --port 3000"\n[tool.poe]\nport = 3000\n'
        '[tool.other.tasks]\na = "vite --port 3000"\n[tool.poe.tasks]\nn = 3000\n'
        'h = {help = "vite --port 3000"}\n'
    )
    assert reading_of("pyproject", "pyproject.toml", text).declared == ()


def test_only_projects_with_tasks_are_wanted() -> None:
    """Most of them have none, and need not be parsed."""
    assert wants(Source("pyproject.toml", b"[tool.poe.tasks]"))
    assert not wants(Source("pyproject.toml", b"[project]\nname = 'a'\n[tool.ruff]"))


@given(st.binary(max_size=200))
def test_any_bytes_pass_through_pyproject(data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears_commands("pyproject", "pyproject.toml", data)
    bears_commands("pyproject", "pyproject.toml", b"[tool.poe.tasks]\na = 'vite --port " + data)


@given(damaged("python-tasks/pyproject.toml"))
def test_damaged_projects_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    bears_commands("pyproject", "pyproject.toml", data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ("[tool.poe.tasks]\na = ", "["),
        ("[tool.poe.tasks]\na = ", "{a = "),
        ("[tool.poe.tasks]\n", "a = 'vite --port 3000'\n"),
        ("[tool.poe.tasks]\na = [", "'vite --port 3000', "),
    ],
)
def test_a_quarter_of_a_megabyte_of_tasks_is_read_in_time(before: str, again: str) -> None:
    """Nothing costs the square of its length."""
    bears_a_megabyte_of("pyproject", "pyproject.toml", before, again, part=4)
