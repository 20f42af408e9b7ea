"""The manual pages: what is committed is what the parsers say, and mandoc finds nothing wrong."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tools import make_man, man_roff

from portbook.cli import COMMANDS
from portbook.cli.completion_plan import plan

_NAMES = ["portbook.1", *(f"portbook-{word}.1" for word in COMMANDS)]


@pytest.fixture(name="mandoc")
def fixture_mandoc() -> str:
    """The program; skips where it is not there."""
    found = shutil.which("mandoc")
    if found is None:
        pytest.skip("mandoc is not installed")
    return found


@cache
def page(name: str) -> str:
    """A committed page."""
    return (make_man.FOLDER / name).read_text(encoding="utf-8")


def shown(mandoc: str, source: str, width: int = 78) -> str:
    """What a reader sees of roff."""
    done = subprocess.run(
        [mandoc, "-T", "utf8", "-O", f"width={width}"],
        input=source,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    # Bold and underlined signs are struck twice.
    return re.sub(".\b", "", done.stdout)


def test_the_committed_pages_are_what_the_parsers_say() -> None:
    """docs/man/ is generated: python -m tools.make_man."""
    made = make_man.pages()
    assert sorted(made) == sorted(path.name for path in make_man.FOLDER.iterdir()) == sorted(_NAMES)
    for name, text in made.items():
        assert page(name) == text, name


def test_the_pages_do_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor on the day: a page is made again without a change."""
    before = make_man.pages()
    monkeypatch.setenv("COLUMNS", "40")
    assert make_man.pages() == before


@pytest.mark.parametrize("name", _NAMES)
def test_mandoc_finds_nothing_wrong(name: str, mandoc: str) -> None:
    """No warning, no error, and nothing but ASCII."""
    assert page(name).isascii()
    done = subprocess.run(
        [mandoc, "-T", "lint", "-W", "warning", str(make_man.FOLDER / name)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", _NAMES)
def test_every_option_and_argument_is_on_its_page(name: str, mandoc: str) -> None:
    """As it is typed, with its help."""
    word = name.removeprefix("portbook").removesuffix(".1").removeprefix("-")
    text = " ".join(shown(mandoc, page(name)).split())
    for each in plan():
        if each.path.partition(" ")[0] != word:
            continue
        for option in each.options:
            tag = ", ".join(option.names)
            wanted = f" {tag} {option.metavar}".rstrip() if option.takes == "always" else f" {tag}"
            assert wanted in text, option
            assert " ".join(option.about.split()) in text, option
        for place in each.places:
            assert place.metavar in text and " ".join(place.about.split()) in text, place


@pytest.mark.parametrize("name", _NAMES)
def test_a_page_has_the_sections_that_a_reader_looks_for(name: str, mandoc: str) -> None:
    """In their usual order, with the exit codes of the contract."""
    text = shown(mandoc, page(name))
    titles = re.findall(r"^([A-Z][A-Z ]+)$", text, re.MULTILINE)
    usual = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"]
    assert [title for title in titles if title in usual] == usual
    for code in ("0", "1", "2", "3", "4", "5", "130"):
        assert re.search(rf"^ +{code} +\S", text, re.MULTILINE), code


def test_the_first_page_names_every_command_and_variable(mandoc: str) -> None:
    """What can be said through the environment is in no other list."""
    text = shown(mandoc, page("portbook.1"))
    for word in COMMANDS:
        assert f"portbook-{word}(1)" in text
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (make_man.TOP / "src").rglob("*.py")
    )
    variables = set(re.findall(r"PORTBOOK_[A-Z_]*[A-Z]", sources))
    assert len(variables) > 5
    assert {each for each in variables if each not in text} == set()


def test_every_page_that_is_referred_to_is_there() -> None:
    """In SEE ALSO and in the list of the commands."""
    for name in _NAMES:
        for found in re.findall(r"(portbook(?:\\-[a-z]+)*)(?:\\fR)?\(1\)", page(name)):
            assert found.replace("\\-", "-") + ".1" in _NAMES


def test_check_tells_stale_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that is missing, one that differs, one that is no command's any more."""
    monkeypatch.setattr(make_man, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["make_man"])
    assert make_man.main() == 0
    monkeypatch.setattr("sys.argv", ["make_man", "--check"])
    assert make_man.main() == 0
    (tmp_path / "portbook-ls.1").unlink()
    (tmp_path / "portbook-why.1").write_text("other")
    (tmp_path / "portbook-gone.1").write_text("old")
    assert make_man.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [f"stale: docs/man/portbook-{word}.1" for word in ("gone", "ls", "why")]
    monkeypatch.setattr("sys.argv", ["make_man"])
    assert make_man.main() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(_NAMES)


_PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60)
_HEAD = '.TH X 1 2026-11-23 "x" "x"\n.SH NAME\nx \\- x\n.SH DESCRIPTION\n'


@settings(max_examples=60)
@given(st.lists(_PRINTABLE.map(str.rstrip).filter(bool), min_size=1, max_size=20))
def test_lines_come_out_as_they_are(lines: list[str]) -> None:
    """Whatever printable ASCII is shown verbatim is shown so: no sign of it is an instruction."""
    mandoc = fixture_found()
    text = shown(mandoc, _HEAD + "\n".join(man_roff.verbatim(lines)) + "\n", 200)
    body = text[text.index("DESCRIPTION\n") + 12 :].splitlines()[: len(lines)]
    assert [line.removeprefix(" " * 11) for line in body] == lines


@settings(max_examples=60)
@given(st.lists(_PRINTABLE, min_size=1, max_size=20).map(" ".join))
def test_paragraphs_come_out_as_they_are(words: str) -> None:
    """The same where lines are filled, but for white space."""
    mandoc = fixture_found()
    source = [*man_roff.item(man_roff.bold(words[:40].strip() or "x"), words), ".PP", "end"]
    text = shown(mandoc, _HEAD + "\n".join(source) + "\n", 200)
    body = text[text.index("DESCRIPTION\n") + 12 : text.rindex("x   ")]
    tag = (words[:40].strip() or "x").split()
    assert body.split()[: len(tag) + len(words.split())] == tag + words.split()


def fixture_found() -> str:
    """mandoc for a test with given values, which takes no fixture."""
    found = shutil.which("mandoc")
    if found is None:
        pytest.skip("mandoc is not installed")
    return found
