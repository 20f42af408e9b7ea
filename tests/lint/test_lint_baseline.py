"""The baseline of a lint: stable when lines move, whole or not written, refused when damaged."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import Run, portbook
from portbook.host.baseline_file import BadBaseline
from portbook.lint.keeping import Kept, fingerprint, kept, known, parse
from portbook.lint.settings import Settings
from portbook.model.declared import LintFinding, Place

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


def lint(folder: Path, *arguments: str) -> Run:
    """`portbook lint` of a folder, the collisions alone."""
    return portbook("lint", str(folder), "--select", "PB101", *arguments)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with a collision."""
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    (folder / "compose.yaml").write_text(COMPOSE)
    return folder


def test_what_was_there_fails_nothing_any_more(shop: Path) -> None:
    """Writing takes everything for known; comparing tells what is new."""
    assert lint(shop).code == 1
    file = shop / "ports.json"
    written = lint(shop, "--write-baseline", str(file))
    assert (written.code, written.err) == (0, "")
    again = lint(shop, "--baseline", str(file))
    assert again.code == 0
    assert "0 findings, 1 more in the baseline" in again.out
    assert "compose.yaml" not in again.out


def test_a_line_that_moved_is_the_same_and_a_new_collision_is_new(shop: Path) -> None:
    """Lines before it, another indentation; then a third service on that number."""
    file = shop / "ports.json"
    lint(shop, "--write-baseline", str(file))
    moved = "# three\n# more\n# lines\n" + COMPOSE.replace('      - "', '        -   "')
    (shop / "compose.yaml").write_text(moved)
    assert lint(shop, "--baseline", str(file)).code == 0
    third = '  third:\n    image: nginx\n    ports: ["127.0.0.1:8080:81"]\n'
    (shop / "compose.yaml").write_text(moved + third)
    run = lint(shop, "--baseline", str(file), "--json")
    assert run.code == 1
    assert [each["known"] for each in run.document["findings"]].count(False) == 1


def test_it_is_the_same_wherever_it_is_asked_from(shop: Path) -> None:
    """Paths count from the project's top, not from the folder that is linted."""
    (shop / "deploy").mkdir()
    (shop / "compose.yaml").rename(shop / "deploy" / "compose.yaml")
    file = shop / "ports.json"
    lint(shop, "--write-baseline", str(file))
    body = json.loads(file.read_text())
    assert [each["path"] for each in body["findings"]] == ["deploy/compose.yaml"]
    assert lint(shop / "deploy", "--baseline", str(file)).code == 0
    assert lint(shop / "deploy" / "compose.yaml", "--baseline", str(file)).code == 0


def test_the_settings_can_name_it(shop: Path) -> None:
    """Relative to their file; an option is before it."""
    lint(shop, "--write-baseline", str(shop / "ports.json"))
    (shop / ".portbook.toml").write_text('[lint]\nbaseline = "ports.json"\n')
    assert lint(shop).code == 0
    (shop / "ports.json").write_text("{}")
    assert lint(shop).code == 5
    assert lint(shop, "--write-baseline", str(shop / "ports.json")).code == 0
    assert lint(shop).code == 0


def test_no_text_of_a_file_is_in_it(shop: Path) -> None:
    """A line of .env may hold a password."""
    (shop / "compose.yaml").write_text(COMPOSE.replace("image: nginx", "image: nginx # s3cret"))
    file = shop / "ports.json"
    lint(shop, "--write-baseline", str(file))
    text = file.read_text()
    assert "nginx" not in text
    assert "127.0.0.1" not in text
    assert json.loads(text)["schema"] == "portbook/lint-baseline/1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no baseline: it is not JSON"),
        ("[" * 100_000, "is no baseline: it is not JSON"),
        ("[]", "it names no schema"),
        ('{"schema": "portbook/baseline/1"}', "is of schema portbook/baseline/1"),
        ('{"schema": "portbook/lint-baseline/2"}', "is of schema portbook/lint-baseline/2"),
        ('{"schema": "portbook/lint-baseline/1"}', "has no list of findings"),
        ('{"schema": "portbook/lint-baseline/1", "findings": [3]}', "is damaged in finding 1"),
        (None, "cannot read the baseline"),
    ],
)
def test_a_file_that_is_none_is_one_line(text: str | None, said: str, shop: Path) -> None:
    """Missing, damaged, foreign: exit code 5, with the way to a new one, and nothing printed."""
    file = shop / "ports.json"
    if text is not None:
        file.write_text(text)
    run = lint(shop, "--baseline", str(file))
    assert (run.code, run.out) == (5, "")
    assert said in run.err
    assert run.err.splitlines()[1:] == [
        "hint: write a new one: portbook lint --write-baseline FILE"
    ]


def test_a_baseline_that_cannot_be_written_leaves_the_old_one(shop: Path) -> None:
    """A folder in its place: exit code 5, nothing changed."""
    (shop / "ports.json").mkdir()
    run = lint(shop, "--write-baseline", str(shop / "ports.json"))
    assert run.code == 5
    assert "no regular file" in run.err
    assert list((shop / "ports.json").iterdir()) == []


def finding(line: int, port: int | None = 8080) -> LintFinding:
    """A finding of a line."""
    return LintFinding("PB101", "error", Place("a.yaml", line, 1, 4), port, "it collides")


def test_of_several_alike_as_many_are_known_as_it_has() -> None:
    """Two of the same line's text, one of them new."""
    settings = Settings()
    every = [finding(1), finding(2), finding(3), finding(3, None)]

    def lines(_: str) -> list[str]:
        return ["x", "x ", "y"]

    before = kept(every[:1], settings, root=".", lines=lines)
    told = known(every, before, settings, root=".", lines=lines)
    assert [each.known for each in told] == [True, False, False, False]
    twice = kept(every, settings, root=".", lines=lines)
    assert sorted(each.times for each in twice) == [1, 1, 2]
    assert all(each.known for each in known(every, twice, settings, root=".", lines=lines))


ENTRIES = st.builds(
    Kept,
    st.text(max_size=9),
    st.text(max_size=9),
    st.none() | st.integers(0, 65535),
    st.text(max_size=9).map(fingerprint),
    st.integers(1, 99),
)


@given(st.lists(ENTRIES, max_size=5))
def test_what_was_written_is_read_again(entries: list[Kept]) -> None:
    """The same entries."""
    body = {
        "schema": "portbook/lint-baseline/1",
        "findings": [each._asdict() for each in entries],
    }
    assert parse(json.dumps(body).encode()) == tuple(entries)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda deeper: (
        st.lists(deeper, max_size=3)
        | st.dictionaries(
            st.sampled_from(["rule", "path", "port", "line", "times", "x"]), deeper, max_size=5
        )
    ),
    max_leaves=9,
)


@given(st.binary(max_size=200) | JSON.map(lambda body: json.dumps(body).encode()))
def test_any_bytes_are_a_baseline_or_none(data: bytes) -> None:
    """Never another exception."""
    for each in (data, b'{"schema": "portbook/lint-baseline/1", "findings": [' + data + b"]}"):
        with suppress(BadBaseline):
            assert isinstance(parse(each), tuple)
