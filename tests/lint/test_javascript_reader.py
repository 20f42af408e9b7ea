"""Configurations in JavaScript: how they are exported, and what a value may look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lint.command_damage import bears_a_megabyte_of, bears_commands
from lint.reader_damage import damaged, reading_of, told
from portbook.lint.readers.javascript import wants
from portbook.lint.source import Source


def vite(text: str) -> list[int]:
    """The numbers that a vite.config.ts declares."""
    return [each.first for each in reading_of("javascript", "vite.config.ts", text).declared]


@pytest.mark.parametrize(
    "text",
    [
        "export default { server: { port: 3000 } }",
        "export default defineConfig({ server: { port: 3000 } })",
        "export default defineConfig(({ mode }) => ({ server: { port: 3000 } }))",
        "export default defineConfig(async () => { return { server: { port: 3000 } } })",
        "export default function () { return { server: { port: 3000 } } }",
        "const config = { server: { port: 3000 } };\nexport default config",
        "const config: Config = { server: { port: 3000 } };\nexport default defineConfig(config)",
        "export default { server: { port: 3000 } } satisfies UserConfig",
        "export default ({ server: { port: 3000 } }) as UserConfig",
        "module.exports = { server: { port: 3000 } }",
        "module.exports = merge(base, { server: { port: 3000 } })",
        "const make = () => { if (a) { return { server: { port: 3000 } } } }\nexport default make",
        "export const port = 3000\nexport default { server: { port } }",
        "const server = { port: 3000 }\nexport default { server }",
        "const base = { server: { port: 3000 } }\nexport default { ...base, x: 1 }",
    ],
)
def test_an_exported_object_is_found_however_it_is_wrapped(text: str) -> None:
    """Nothing is run: the literal is followed."""
    assert vite(text) == [3000]


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        ("3000", [3000]),
        ("'3000'", [3000]),
        ("`3000`", [3000]),
        ("process.env.PORT || 3000", [3000]),
        ("Number(process.env.PORT ?? 3000)", [3000]),
        ("parseInt(env.PORT ?? '3000', 10)", [3000]),
        ("+(process.env.PORT || '3000')", [3000]),
        ("env.PORT ? Number(env.PORT) : 3000", [3000]),
        ("(3000 as number)", [3000]),
        ("dev ? 3000 : 3001", []),
        ("Number(process.env.PORT)", []),
        ("`${port}`", []),
        ("3000 + offset", []),
        ("pick(3000)", []),
        ("0xbb8", []),
        ("3_000", []),
        ("0", []),
        ("null", []),
        ("70000", [70000]),
    ],
)
def test_a_value_counts_where_its_number_is_certain(value: str, numbers: list[int]) -> None:
    """A literal, or the one that stands behind a variable of the environment."""
    assert vite(f"export default {{ server: {{ port: {value} }} }}") == numbers


def test_a_name_with_two_meanings_has_none() -> None:
    """Which of them counts is not known without running it."""
    text = "const port = 1; export default () => { const port = 2; return { server: { port } } }"
    assert vite(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "const a = { x: b }; const b = { x: a }; export default { server: a, ...b }",
        "const a = a; export default a",
        "const a = () => a; export default a",
        "const server = { ...server, port: 3000 }; export default { server }",
    ],
)
def test_circles_end(text: str) -> None:
    """Constants that lead back to themselves."""
    assert vite(text) in ([], [3000])


def test_the_host_is_the_address() -> None:
    """`true` is every address, `false` says nothing, a text is what it says."""
    for host, shown in (("true", " 0.0.0.0"), ("false", ""), ("'::1'", " ::1")):
        text = f"export default {{ server: {{ host: {host}, port: 3000 }} }}"
        (found,) = told(reading_of("javascript", "vite.config.ts", text))
        assert found.split("listen server.port")[1] == f"{shown} http"


def test_https_is_told() -> None:
    """Where the server has a certificate it speaks https."""
    text = "module.exports = { devServer: { port: 8443, server: 'https', https: {} } }"
    assert told(reading_of("javascript", "webpack.config.js", text)) == [
        "1:39 8443/tcp listen devServer.port https"
    ]


def test_columns_count_characters() -> None:
    """Not bytes: what stands before the number may be of any alphabet."""
    text = "/* über naïveté 漢字 */ export default { server: { port: 3000 } }"
    assert told(reading_of("javascript", "vite.config.ts", text)) == [
        f"1:{text.index('3000') + 1} 3000/tcp listen server.port http"
    ]


def test_a_mistake_is_told_and_the_rest_is_read() -> None:
    """The object has one; what stands around it counts."""
    reading = reading_of(
        "javascript", "vite.config.ts", "export default {\n server: { port: 3000 },\n x: = 4 }"
    )
    assert [each.line for each in reading.faults] == [1]
    assert [each.first for each in reading.declared] == [3000]


def test_a_file_without_a_word_of_ports_is_not_parsed() -> None:
    """Parsing costs a millisecond and more."""
    assert not wants(Source("next.config.js", b"module.exports = { reactStrictMode: true }"))
    assert wants(Source("vite.config.ts", b"export default { server: { port: 1 } }"))


@given(st.binary(max_size=200))
def test_any_bytes_pass_through_javascript(data: bytes) -> None:
    """Reading or Unreadable, never another exception."""
    bears_commands("javascript", "vite.config.ts", data)
    bears_commands("javascript", "vite.config.ts", b"export default { server: { port: " + data)
    bears_commands("javascript", "angular.json", b'{"projects": {"a": ' + data)


@given(damaged("js-vite/vite.config.ts") | damaged("js-others/playwright.config.ts"))
def test_damaged_scripts_are_borne(data: bytes) -> None:
    """And every number stands where it is said to stand."""
    for name in ("vite.config.ts", "playwright.config.ts", "webpack.config.js"):
        bears_commands("javascript", name, data)


@pytest.mark.parametrize(
    ("before", "again"),
    [
        ("", "export default "),
        ("export default ", "{port:"),
        ("export default ", "a("),
        ("", "module.exports = {port: 1}\n"),
        ("export default () => {", "if (a) { return {} }\n"),
        ("export default {", "...a, "),
        ("", "const a = {a, ...a};"),
    ],
)
def test_a_megabyte_of_javascript_is_read_in_time(before: str, again: str) -> None:
    """Nothing costs the square of its length."""
    bears_a_megabyte_of("javascript", "vite.config.js", before, again)
