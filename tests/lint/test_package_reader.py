"""package.json: scripts with escapes, `config`, the proxy, and what is started together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.command_damage import bears_a_megabyte_of, bears_commands
from lint.reader_damage import damaged, reading_of, told
from portbook.lint.readers.package import wants
from portbook.lint.source import Source
from portbook.model.declared import Declared, Place


def scripts(**each: str) -> tuple[Declared, ...]:
    """The declarations of a package with these scripts, as JSON has them."""
    lines = ",\n".join(f'"{name}": "{text}"' for name, text in each.items())
    return reading_of("package", "web/package.json", f'{{"scripts": {{\n{lines}\n}}}}').declared


def test_a_number_behind_escapes_stands_where_it_stands() -> None:
    """Two characters of JSON are one of the script, and the place counts those of the file."""
    (found,) = scripts(a=r"sh -c \"vite \u002d-port 3000\"")
    assert found.place == Place("web/package.json", 2, 32, 4)
    assert (found.first, found.role, found.who, found.product) == (
        3000,
        "listen",
        "script a",
        "vite",
    )
    assert found.runs == "folder:web"


def test_a_number_that_is_an_escape_itself_is_none() -> None:
    """Its digits stand nowhere as such."""
    assert scripts(a=r"vite --port \u00330000") == ()


def test_config_is_put_into_scripts() -> None:
    """The script has the variable's place, and the digits those of `config`."""
    text = (
        '{"config": {"port": 8123, "name": 4},\n'
        '"scripts": {"a": "vite --port $npm_package_config_port"}}'
    )
    setting, listen = reading_of("package", "package.json", text).declared
    assert (setting.role, setting.place) == ("setting", Place("package.json", 1, 21, 4))
    assert (listen.first, listen.written, listen.digits) == (8123, False, (setting.place,))
    assert listen.place == Place("package.json", 2, 31, 24)


def test_the_proxy_is_a_client() -> None:
    """As one text, or as a target for each path; other machines' are not told."""
    text = '{"proxy": {"/a": {"target": "http://localhost:5000"}, "/b": "http://api:5001"}}'
    assert told(reading_of("package", "package.json", text)) == [
        "1:47 5000/tcp client proxy localhost http"
    ]


def runs_of(**each: str) -> dict[str, str | None]:
    """What tells the listening programs of these scripts apart."""
    return {d.who.removeprefix("script "): d.runs for d in scripts(**each) if d.role == "listen"}


@pytest.mark.parametrize(
    "starter",
    [
        "run-p a b",
        "npm-run-all clean --parallel a b",
        r"concurrently -k \"npm:a\" \"npm run b\"",
        "concurrently npm:a yarn:b",
        "npm run a & yarn b",
        "run-p a b -- --silent",
    ],
)
def test_scripts_that_are_started_together_are_programs_of_their_own(starter: str) -> None:
    """All ways to start two scripts side by side."""
    found = runs_of(a="vite --port 3000", b="node x --port 4000", c="vite --port 5000", all=starter)
    assert found["a"] != found["b"]
    assert found["c"] == "folder:web"
    assert {str(each).rpartition("#")[0] for name, each in found.items() if name != "c"} == {
        "folder:web#script all"
    }


@pytest.mark.parametrize("starter", ["npm run a && npm run b", "npm-run-all a b", "run-s a b"])
def test_scripts_one_after_the_other_are_one_program(starter: str) -> None:
    """Nothing runs at the same time."""
    found = runs_of(a="vite --port 3000", b="node x --port 4000", all=starter)
    assert set(found.values()) == {"folder:web"}


def test_a_pattern_takes_the_scripts_of_one_level() -> None:
    """`dev:*` is `dev:a`, and not `dev:a:b`."""
    found = reading_of(
        "package",
        "package.json",
        '{"scripts": {"dev": "run-p dev:*", "dev:a": "vite --port 1024",'
        ' "dev:b": "vite --port 1025", "dev:a:c": "vite --port 1026"}}',
    ).declared
    assert [each.runs for each in found] == [
        "folder:#script dev#dev:a",
        "folder:#script dev#dev:b",
        "folder:",
    ]


def test_only_packages_with_scripts_are_wanted() -> None:
    """Thousands of others have nothing to say."""
    assert wants(Source("package.json", b'{"scripts": {}}'))
    assert not wants(Source("package.json", b'{"name": "a", "version": "1.0.0"}'))


@given(st.binary(max_size=200))
def test_any_bytes_pass_through_package_json(data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears_commands("package", "package.json", data)
    bears_commands("package", "package.json", b'{"scripts": {"a": "vite --port ' + data)


@given(damaged("node-together/package.json") | damaged("node-scripts/package.json"))
def test_damaged_packages_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    bears_commands("package", "package.json", data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ("", '{"scripts": '),
        ('{"scripts": {"a": "', "run-p a* & "),
        ('{"scripts": {"a": "', "\\\\"),
        ('{"scripts": {"a": "', "$npm_package_config_"),
    ],
)
def test_a_megabyte_of_package_json_is_read_in_time(before: str, again: str) -> None:
    """Nothing costs the square of its length; whole files too."""
    bears_a_megabyte_of("package", "package.json", before, again)
    end = '"}}' if before else ""
    text = before + again * (200_000 // len(again)) + end
    bears_commands("package", "package.json", text.encode())


def test_a_thousand_scripts_that_start_each_other_are_read_in_time() -> None:
    """Patterns times scripts stay within bounds."""
    rows = ", ".join(f'"dev:{n}": "run-p dev:* & vite --port {1024 + n}"' for n in range(1000))
    found = bears_commands("package", "package.json", f'{{"scripts": {{{rows}}}}}'.encode())
    assert found is not None
    assert len({each.first for each in found.declared if each.role == "listen"}) == 1000
