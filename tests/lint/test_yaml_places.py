"""YAML, JSON and TOML as trees: every text where it stands, and no file that harms."""

import contextlib
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from portbook.lint.jsonc import jsonc_tree
from portbook.lint.source import Source, Unreadable
from portbook.lint.syntax_tree import toml_tree
from portbook.lint.tree import Node, texts
from portbook.lint.yaml_tree import yaml_documents


def source(text: str | bytes, path: str = "a.yaml") -> Source:
    """A file's text."""
    return Source(path, text if isinstance(text, bytes) else text.encode())


def value(node: Node) -> object:
    """A tree as plain values, as far as its texts go."""
    if node.kind == "map":
        return {name.text: value(below) for name, below in node.each()}
    if node.kind == "list":
        return [value(below) for below in node.items]
    return node.text


def every_text(node: Node) -> list[Node]:
    """Every text of a tree, keys among them; shared parts once."""
    found: dict[int, Node] = {}
    seen: set[int] = set()
    todo = [node]
    while todo:
        here = todo.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        if here.kind == "text":
            found[id(here)] = here
        todo += [each for pair in here.pairs for each in pair] + here.items
    return list(found.values())


YAML = """\
name: &n "wéb"
ports: [8080, '9090', "1\\t2"]
base: &base {a: 1, b: 2}
more:
  <<: *base
  b: 3
  text: |
    8080
again: *n
"""


def test_yaml_has_every_value_with_its_place() -> None:
    """Quoted and plain texts, lists, aliases, merged maps, characters of several bytes."""
    found = source(YAML)
    (tree,) = yaml_documents(found)
    assert value(tree) == {
        "name": "wéb",
        "ports": ["8080", "9090", "1\t2"],
        "base": {"a": "1", "b": "2"},
        "more": {"a": "1", "b": "3", "text": "8080\n"},
        "again": "wéb",
    }
    first, second, escaped = texts(tree.get("ports"))
    assert found.place(first.begins, 4) == ("a.yaml", 2, 9, 4)
    assert found.place(second.begins, 4) == ("a.yaml", 2, 16, 4)
    assert (first.raw, second.raw, escaped.raw) == (True, True, False)
    assert (first.quoted, second.quoted) == (False, True)


def test_json_with_comments_has_every_value_with_its_place() -> None:
    """Comments of both kinds; places count characters, not bytes."""
    found = source('{ // é\n  "ports": [3000, "é:5432"], /* x */\n  "a": {"b": true}\n}')
    tree = jsonc_tree(found)
    assert value(tree) == {"ports": ["3000", "é:5432"], "a": {"b": "true"}}
    number, text = texts(tree.get("ports"))
    assert found.place(number.begins, 4) == ("a.yaml", 2, 13, 4)
    assert found.text[text.begins + 2 : text.begins + 6] == "5432"
    assert found.place(text.begins + 2, 4) == ("a.yaml", 2, 22, 4)


TOML = """\
top = 1
[tool.portbook."x y"]
a.b = "8080"
[[jobs]]
run = '''serve'''
[[jobs]]
list = [1, {port = 80}]
"""


def test_toml_has_every_value_under_its_path() -> None:
    """Tables, arrays of tables, dotted and quoted keys, inline tables."""
    tree = toml_tree(source(TOML))
    port = tree.at("tool", "portbook", "x y", "a", "b")
    assert port is not None
    assert port.text == "8080"
    jobs = tree.get("jobs")
    assert jobs is not None
    assert len(jobs.items) == 2
    inner = jobs.items[1].get("list")
    assert inner is not None
    assert value(inner) == ["1", {"port": "80"}]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1, 2\nb: 3", 2),
        ("a: *nobody", 1),
        ("\tb: 1", 1),
        ("a: 'open", 1),
        ("[" * 200 + "]" * 200, 1),
    ],
)
def test_yaml_that_is_none_is_told_with_its_line(text: str, line: int) -> None:
    """One sentence, and where."""
    with pytest.raises(Unreadable) as told:
        yaml_documents(source(text))
    assert told.value.line in (line, line + 1)
    assert "\n" not in str(told.value)


def test_a_bomb_of_aliases_stays_as_small_as_its_text() -> None:
    """Nine aliases to the power of twenty are twenty lists; walking keys does not expand them."""
    lines = ["a: &a [x, x]"]
    for before, name in zip("abcdefghijklmnopqrs", "bcdefghijklmnopqrst", strict=True):
        lines.append(f"{name}: &{name} [{', '.join(['*' + before] * 9)}]")
    began = time.process_time()
    (tree,) = yaml_documents(source("\n".join(lines)))
    assert len(every_text(tree)) < 100
    assert time.process_time() - began < 5


def test_a_bomb_of_merges_is_cut() -> None:
    """Maps that merge maps that merge maps: a hundred are drawn in, then no more."""
    lines = ["m0: &m0 {port: 1}"]
    for number in range(1, 30):
        below = ", ".join([f"*m{number - 1}"] * 9)
        lines.append(f"m{number}: &m{number} {{<<: [{below}], k{number}: 1}}")
    (tree,) = yaml_documents(source("\n".join(lines)))
    last = tree.get("m29")
    assert last is not None
    assert len(list(last.each())) <= 31
    assert last.get("nothing") is None


@pytest.mark.parametrize("deep", ["[", "- ", "{a: ", "? "])
def test_no_nesting_ends_the_process(deep: str) -> None:
    """PyYAML's composer recurses in C and would; the limit is a hundred."""
    with pytest.raises(Unreadable):
        yaml_documents(source(deep * 100_000))


@pytest.mark.parametrize("deep", ["[", '{"a":'])
def test_no_nesting_of_json_ends_the_process(deep: str) -> None:
    """Closed or not."""
    closing = {"[": "]", '{"a":': "}"}[deep]
    for text in (deep * 50_000, deep * 50_000 + "1" + closing * 50_000):
        with pytest.raises(Unreadable):
            jsonc_tree(source(text))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_tree_or_unreadable(data: bytes) -> None:
    """No other error from any of the three, whatever the bytes."""
    for read in (yaml_documents, jsonc_tree, toml_tree):
        with contextlib.suppress(Unreadable):
            read(Source("x", data))


plain = st.recursive(
    st.integers(0, 70_000) | st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])),
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(st.text("abcé-_", min_size=1, max_size=5), below, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcé-_", min_size=1, max_size=5), plain, min_size=1, max_size=4))
def test_yaml_reads_what_was_written_and_places_it_right(body: dict[str, object]) -> None:
    """Every text that stands there as it is, stands where its place says."""
    text = yaml.safe_dump(body, allow_unicode=True)
    found = source(text)
    (tree,) = yaml_documents(found)
    assert value(tree) == as_text(body)
    for each in every_text(tree):
        if each.raw:
            assert found.text[each.begins : each.begins + len(each.text)] == each.text


def as_text(body: object) -> object:
    """Plain values with every scalar as a text."""
    if isinstance(body, dict):
        return {str(key): as_text(below) for key, below in body.items()}
    if isinstance(body, list):
        return [as_text(below) for below in body]
    return str(body)
