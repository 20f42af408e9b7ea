"""README: the addresses that prose names, and the commands of its blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.command_damage import bears_a_megabyte_of, bears_commands
from lint.reader_damage import damaged, reading_of
from portbook.lint.readers.readme import wants
from portbook.lint.source import Source


def prose(text: str, name: str = "README.md") -> list[int]:
    """The numbers that a text names itself."""
    found = reading_of("readme", name, text).declared
    assert {each.role for each in found} <= {"mention"}
    return [each.first for each in found if each.product is None]


def commands(text: str, name: str = "README.md") -> list[tuple[int, str]]:
    """The numbers of commands, each with its program."""
    found = reading_of("readme", name, text).declared
    return [(each.first, each.product) for each in found if each.product is not None]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("http://localhost:3000", [3000]),
        ("<http://localhost:3000/a?b=1>.", [3000]),
        ("**localhost:3000**, 127.0.0.1:3001; 0.0.0.0:3002, [::1]:3003.", [3000, 3001, 3002, 3003]),
        ("ws://localhost:3000", [3000]),
        ("localhost:PORT localhost:$PORT localhost:<port>", []),
        ("example.org:3000 mylocalhost:3000 my-localhost:3000 a.localhost:3000", []),
        ("localhost:3000.5 localhost:30-40 localhost:3000a localhost:1:2", []),
        ("localhost:0 localhost:123456", []),
        ("localhost:99999", [99999]),
    ],
)
def test_prose_names_this_machine(text: str, numbers: list[int]) -> None:
    """An address of this machine with a number that is written out."""
    assert prose(text) == numbers


def test_an_address_of_another_kind_is_told_by_its_scheme() -> None:
    """A database's is nothing that a reader opens."""
    assert commands("postgres://a:b@localhost:5432/c") == [(5432, "postgres")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```sh\nvite --port 3000\n```\n", [(3000, "vite")]),
        ("~~~~ bash\n$ vite \\\n  --port 3000\nout: vite --port 1\n~~~~\n", [(3000, "vite")]),
        ("1. a\n   ```\n   vite --port 3000\n   ```\n", [(3000, "vite")]),
        ("```\ndocker run -p 8080:80 nginx\n```\n", [(8080, "nginx")]),
        ("```console\n$ flask run\n```\n", [(5000, "flask")]),
        ("```python\nvite --port 3000\n```\n", []),
        ("vite --port 3000", []),
        ("```sh\ncurl http://example.org\n```\nvite --port 3000\n", []),
    ],
)
def test_blocks_of_shell_commands_are_read(text: str, found: list[tuple[int, str]]) -> None:
    """With prompts only what is behind them; other languages and prose are none."""
    assert commands(text) == found


def test_blocks_of_restructured_text_are_read() -> None:
    """By their indentation; what follows it is prose."""
    text = ".. code-block:: bash\n\n    vite --port 3000\n\nvite --port 3001\n"
    assert commands(text, "README.rst") == [(3000, "vite")]


def test_texts_alone_are_wanted() -> None:
    """A README may be a picture."""
    assert wants(Source("README", b""))
    assert wants(Source("docs/README.zh.md", b""))
    assert not wants(Source("README.png", b""))


@given(st.binary(max_size=200))
def test_any_bytes_pass_through_readmes(data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears_commands("readme", "README.md", data)
    bears_commands("readme", "README.md", b"```sh\n$ vite --port 1\n" + data)


@given(damaged("readme-otherwise/README.md") | damaged("readme-agrees/README.rst"))
def test_damaged_readmes_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    bears_commands("readme", "README.md", data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ("", "`"),
        ("", "```\n~~~\n`````\n"),
        ("```\n", "> $ vite --port 3 \\\n"),
        ("", "http://"),
        ("", "localhost:3000 "),
        (".. code::\n", "\n \n"),
        ("```\n", "$ it's\n"),
    ],
)
def test_half_a_megabyte_of_prose_is_read_in_time(before: str, again: str) -> None:
    """Nothing costs the square of its length."""
    bears_a_megabyte_of("readme", "README.md", before, again, part=2)
