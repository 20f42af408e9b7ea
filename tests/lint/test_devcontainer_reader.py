"""devcontainer.json, and JSON as editors keep it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.reader_damage import bears, bears_a_megabyte, damaged, reading_of, told
from portbook.lint.jsonc import jsonc_tree
from portbook.lint.source import Source, Unreadable
from portbook.lint.tree import Node

PATH = ".devcontainer/devcontainer.json"


def read(text: str) -> list[str]:
    """The declarations of one file."""
    return told(reading_of("devcontainer", PATH, text))


@pytest.mark.parametrize(
    ("text", "declares"),
    [
        ('{"forwardPorts": [3000]}', ["1:19 3000/tcp client forwardPorts"]),
        ('{"forwardPorts": ["3000"]}', ["1:20 3000/tcp client forwardPorts"]),
        ('{"forwardPorts": ["db:5432"]}', ["1:23 5432/tcp client forwardPorts db"]),
        ('{"forwardPorts": [0, null, "web", {}, [1]]}', []),
        ('{"portsAttributes": {"3000": {}}}', ["1:23 3000/tcp client portsAttributes"]),
        ('{"portsAttributes": {"3000-3010": {}}}', ["1:23 3000-3010/tcp client portsAttributes"]),
        ('{"portsAttributes": {".+/server.js": {}, "a.*": 1}}', []),
        ('{"otherPortsAttributes": {"3000": {}}}', []),
        (
            '{"appPort": 3000}',
            ["1:13 3000/tcp container appPort", "1:13 3000/tcp publish appPort 127.0.0.1"],
        ),
        ('{"appPort": "3000"}', ["1:14 3000/tcp container appPort"]),
        (
            '{"appPort": ["80:90"]}',
            ["1:15 80/tcp publish appPort", "1:18 90/tcp container appPort"],
        ),
        ('{"appPort": [0, "${localEnv:PORT}:90"]}', []),
        (
            '{"runArgs": ["-p", "80:90"]}',
            ["1:21 80/tcp publish runArgs", "1:24 90/tcp container runArgs"],
        ),
        (
            '{"runArgs": ["-p80:90"]}',
            ["1:17 80/tcp publish runArgs", "1:20 90/tcp container runArgs"],
        ),
        ('{"runArgs": ["--privileged", "80:90", "-p"]}', []),
        ('{"runArgs": ["-p", "80\\u003a90"]}', []),
        ('{"image": "x"}', []),
        ("[]", []),
        ("", []),
    ],
)
def test_what_a_container_for_work_declares(text: str, declares: list[str]) -> None:
    """What is forwarded is connected to; what is published is taken here."""
    reading = reading_of("devcontainer", PATH, text)
    # The two sides of a number stand in one place.
    assert sorted(told(reading)) == sorted(declares)


@pytest.mark.parametrize(
    ("path", "runs"),
    [
        (".devcontainer.json", "folder:"),
        (".devcontainer/devcontainer.json", "folder:"),
        (".devcontainer/python/devcontainer.json", "folder:"),
        ("api/.devcontainer/devcontainer.json", "folder:api"),
        ("api/.devcontainer.json", "folder:api"),
    ],
)
def test_what_is_published_is_the_program_of_the_folder(path: str, runs: str) -> None:
    """The one for which the container is, wherever its file is."""
    reading = reading_of("devcontainer", path, '{"appPort": "80:90"}')
    assert [each.runs for each in reading.declared] == [runs, runs]


def values(node: Node) -> object:
    """A tree as Python's own values; numbers and literals as their text."""
    if node.kind == "map":
        return {key.text: values(value) for key, value in node.pairs}
    return [values(item) for item in node.items] if node.kind == "list" else node.text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2,], // c\n "b": 3, /* } */ }', {"a": ["1", "2"], "b": "3"}),
        ("// nothing\n", {}),
        ('/* a */ "x" // b', "x"),
        ('{"a": "// no \\u0041\\n comment"}', {"a": "// no A\n comment"}),
        ("[[], {}, -1.5e3, true, null]", [[], {}, "-1.5e3", "true", "null"]),
    ],
)
def test_json_with_what_editors_allow(text: str, value: object) -> None:
    """Comments, and a comma behind the last value."""
    assert values(jsonc_tree(Source("a.json", text.encode()))) == value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a":', 1),
        ('{"a": 1,\n,}', 2),
        ("[,]", 1),
        ("{,}", 1),
        ("[1 2]", 1),
        ("[1\n2]", 2),
        ('{"a" 1}', 1),
        ('{"a"}', 1),
        ('{"a": }', 1),
        ('{"a":: 1}', 1),
        ("{1: 2}", 1),
        ('{"a": 1 "b": 2}', 1),
        ('{"a": 1}\n}', 2),
        ("{}\n[]", 2),
        ("{},", 1),
        ("[1", 1),
        ("[}", 1),
        ("{]", 1),
        ("[:]", 1),
        ("[a]", 1),
        ("/* x", 1),
        ('"x', 1),
        ('"\\q"', 1),
        ("[" * 101, 1),
    ],
)
def test_what_is_no_json_is_told_with_its_line(text: str, line: int) -> None:
    """Editors take more; a reader that guesses would be wrong about places."""
    with pytest.raises(Unreadable) as told_so:
        jsonc_tree(Source("a.json", text.encode()))
    assert told_so.value.line == line


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_every_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    """Texts, keys and structure; a number is the text that it is written as."""

    def known(one: object) -> object:
        if isinstance(one, dict):
            return {key: known(each) for key, each in one.items()}
        if isinstance(one, list):
            return [known(each) for each in one]
        return one if isinstance(one, str) else json.dumps(one)

    text = json.dumps(value, indent=1)
    assert values(jsonc_tree(Source("a.json", text.encode()))) == known(value)


@given(st.text(alphabet='{}[],:" \n/*\\a1', max_size=12))
def test_what_strict_json_takes_is_taken(text: str) -> None:
    """Whatever the standard library accepts of short texts is accepted, with the same values."""
    try:
        expected = json.loads(text, object_pairs_hook=dict)
    except ValueError:
        return
    found = values(jsonc_tree(Source("a.json", text.encode())))
    assert found == json.loads(text, parse_int=str, parse_float=str), expected


@given(st.binary(max_size=300))
def test_any_container_file_is_borne(data: bytes) -> None:
    """Nothing but a reading or Unreadable."""
    bears("devcontainer", PATH, data)


@given(
    st.one_of(
        damaged("devcontainer-node/.devcontainer/devcontainer.json"),
        damaged("devcontainer-published/.devcontainer.json"),
    )
)
def test_damaged_container_files_are_borne(data: bytes) -> None:
    """Real files with characters missing, doubled or added."""
    bears("devcontainer", PATH, data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ('{"forwardPorts": [', "3000,"),
        ('{"forwardPorts": [', '"a:1",'),
        ('{"portsAttributes": {', '"3000": {},'),
        ('{"runArgs": [', '"-p","80:80",'),
        ("", "[1,]"),
        ("", '{"a":'),
        ("", "/*"),
        ("", '"\\'),
        ("", ","),
    ],
)
def test_a_megabyte_of_container_file_is_borne(before: str, again: str) -> None:
    """Linear time and memory, whatever repeats."""
    bears_a_megabyte("devcontainer", PATH, before, again)
