"""Makefiles and justfiles: recipes, and the variables that are put into them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.command_damage import bears_a_megabyte_of, bears_commands
from lint.reader_damage import damaged, reading_of, told
from portbook.model.declared import Declared, Place


def make(text: str) -> tuple[Declared, ...]:
    """The declarations of a Makefile."""
    return reading_of("makefile", "Makefile", text).declared


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("PORT = 8080", [8080]),
        ("PORT:=8080", [8080]),
        ("export WEB_PORT ?= 8080 # comment", [8080]),
        ("PORT ::= 8080", [8080]),
        ("override db-port = 5432", [5432]),
        ("PORTS_WEB = 8080", [8080]),
        ("PORT = 8080 8081", []),
        ("PORT = $(shell free)", []),
        ("PORT = 0", []),
        ("REPORT = 8080", []),
        ("SUPPORT_LEVEL = 3", []),
        ("JOBS = 8080", []),
        ("PORT = 8080\nPORT = 8081", []),
        ("PORT = 8080\nPORT = 8080", [8080]),
    ],
)
def test_variables_that_are_named_like_a_port_are_settings(line: str, numbers: list[int]) -> None:
    """With one value, which is a number."""
    found = make(line)
    assert [each.first for each in found] == numbers
    assert {each.role for each in found} <= {"setting"}


def test_a_variable_in_a_recipe_stands_for_its_digits() -> None:
    """The place is the variable's, the digits are those of its definition."""
    setting, listen = make("PORT ?= 8080\nrun:\n\t@vite --port $(PORT)\n")
    assert setting.place == Place("Makefile", 1, 9, 4)
    assert listen.place == Place("Makefile", 3, 15, 7)
    assert (listen.first, listen.written, listen.digits) == (8080, False, (setting.place,))
    assert (listen.who, listen.runs) == ("make run", "folder:")


def test_a_number_that_is_put_together_is_none() -> None:
    """Half of it comes from a variable."""
    assert [each.role for each in make("PORT = 80\nrun:\n\tvite --port $(PORT)80\n")] == ["setting"]
    assert make("run:\n\tvite --port $(OTHER)\n") == ()


def test_recipes_go_on_behind_a_backslash() -> None:
    """Each line of a recipe is a command, with those that continue it."""
    text = "run: build\n\tvite \\\n\t  --port \\\n\t  3000\n\n\t-vite --port 3001\n"
    assert told(reading_of("makefile", "Makefile", text)) == [
        "4:4 3000/tcp listen make run http",
        "6:15 3001/tcp listen make run http",
    ]


def test_recipes_of_justfiles_have_parameters() -> None:
    """Its default is put in; in another recipe the file's variable counts."""
    text = (
        "port := '8080'\nserve port=\"9000\" host='x':\n    vite --port {{port}}\n"
        "other:\n    vite --port {{ port }}\n\tvite --port {{port}}1\n"
    )
    assert told(reading_of("justfile", "justfile", text)) == [
        "2:13 9000/tcp setting serve port",
        "1:10 8080/tcp setting port",
        "3:17 9000/tcp listen just serve http",
        "5:17 8080/tcp listen just other http",
    ]


def test_scripts_of_other_languages_in_justfiles_are_no_commands() -> None:
    """A recipe that begins with `#!` is a script: of a shell it is read, of others not."""
    text = (
        "a:\n  #!/usr/bin/env python3\n  vite --port 1024\nb:\n  #!/bin/bash\n  vite --port 1025\n"
    )
    assert [e.first for e in reading_of("justfile", "justfile", text).declared] == [1025]


@given(st.binary(max_size=200))
def test_any_bytes_pass_through_recipes(data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears_commands("makefile", "Makefile", data)
    bears_commands("makefile", "Makefile", b"PORT=1\na:\n\tvite --port $(PORT)" + data)
    bears_commands("justfile", "justfile", data)
    bears_commands("justfile", "justfile", b"port := '1'\na:\n\tvite --port {{port}}" + data)


@given(damaged("make-recipes/Makefile"))
def test_damaged_makefiles_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    bears_commands("makefile", "Makefile", data)


@given(damaged("make-just/justfile"))
def test_damaged_justfiles_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    bears_commands("justfile", "justfile", data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ("a:\n", "\tvite --port $(PORT) \\\n"),
        ("PORT=3000\na:\n", "\tvite --port $(PORT)\n"),
        ("", "a "),
        ("a:\n\t", "$(PORT"),
        ("", "export "),
    ],
)
def test_a_quarter_of_a_megabyte_of_recipes_is_read_in_time(before: str, again: str) -> None:
    """Nothing costs the square of its length."""
    bears_a_megabyte_of("makefile", "Makefile", before, again, part=4)
    bears_a_megabyte_of("justfile", "justfile", before, again.replace("$(", "{{"), part=4)
