"""Files of variables: the dialect, what is a port in them, and variables put into texts."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.lint.interpolation import UNKNOWN, Filled, env_values, fill
from portbook.lint.parts import EnvFile, Written
from portbook.lint.readers import dotenv
from portbook.lint.source import MOST_BYTES, Source, Unreadable
from portbook.model.declared import Place


def env_of(text: str) -> EnvFile:
    """The variables of a text."""
    (part,) = dotenv.read(Source(".env", text.encode())).parts
    assert isinstance(part, EnvFile)
    return part


def filled(text: str, env: str = "") -> Filled:
    """A text of line 1, column 1, with the variables of a .env file put in."""
    return fill(
        Written(text, Place("compose.yaml", 1, 1, max(1, len(text)))), env_values(env_of(env))
    )


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("A = b  ", "b"),
        ("A=b # c", "b"),
        ("A=b#c", "b#c"),
        ("A='b # c' # d", "b # c"),
        ('A="b \\"c\\"" # d', 'b "c"'),
        ('A="b\nc"', "b\nc"),
        ("A=", ""),
        ("A=b\r", "b"),
        ("A='$X'", "$X"),
        ('A="${X:-d}"', "d"),
        ("A=one=two", "one=two"),
    ],
)
def test_the_usual_dialect(line: str, value: str) -> None:
    """Export, spaces, quotes, comments, lines within quotes."""
    assert env_values(env_of(line + "\n"))["A"].text == value


@pytest.mark.parametrize(
    ("text", "env", "result"),
    [
        ("${A}", "A=1", "1"),
        ("$A-$B", "A=1\nB=2", "1-2"),
        ("${A:-2}", "A=", "2"),
        ("${A-2}", "A=", ""),
        ("${A-2}", "", "2"),
        ("${A:-${B:-3}}", "", "3"),
        ("${A:+4}", "A=1", "4"),
        ("${A:+4}", "A=", ""),
        ("${A+4}", "A=", "4"),
        ("${A:?no}", "A=1", "1"),
        ("${A:?no}", "", UNKNOWN),
        ("${A}", "", UNKNOWN),
        ("$$A", "A=1", "$A"),
        ("${A", "A=1", UNKNOWN),
        ("${A!x}", "A=1", UNKNOWN),
        ("$", "", UNKNOWN),
        ("${B}", "A=1\nB=${A}0", "10"),
        ("${B}", "B=${A}0", UNKNOWN),
    ],
)
def test_variables_are_put_in(text: str, env: str, result: str) -> None:
    """Every form of the compose specification, and what is none of them."""
    assert filled(text, env).text == result


def test_where_the_characters_come_from() -> None:
    """A default stands here, a value in its file; what is put together stands nowhere."""
    whole = filled("${A:-80}:${B}:9${B}", "# c\nB=8\n")
    assert whole.text == "80:8:98"
    default, value, both = whole.span(0, 2), whole.span(3, 4), whole.span(5, 7)
    assert (default.place.column, default.place.length, default.written) == (6, 2, True)
    assert (value.place.column, value.place.length, value.written) == (10, 4, False)
    assert value.sources == (Place(".env", 2, 3, 1),)
    assert (both.place.column, both.place.length, both.sources) == (15, 5, ())


@settings(max_examples=300)
@given(st.text("${}:-+?AB1 \n", max_size=60), st.text("${}:-=AB1\n'\" #", max_size=60))
def test_any_text_can_be_filled(text: str, env: str) -> None:
    """Whatever it is: the pieces are the text, and every part of it has a place."""
    whole = filled(text, env)
    assert "".join(piece.text for piece in whole.pieces) == whole.text
    for end in range(len(whole.text)):
        span = whole.span(0, end + 1)
        if span.written:
            start = sum(len(line) + 1 for line in text.split("\n")[: span.place.line - 1])
            start += span.place.column - 1
            assert text[start : start + end + 1] == whole.text[: end + 1]


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_env_file_or_none(data: bytes) -> None:
    """Every number stands where it is said to stand."""
    try:
        source = Source(".env", b"A_PORT=1\n" + data)
        reading = dotenv.read(source)
    except Unreadable:
        return
    for each in reading.declared:
        text = source.lines[each.place.line - 1][each.place.column - 1 :][: each.place.length]
        assert int(text.partition("-")[0]) == each.first


def test_a_line_that_is_none_is_told_once() -> None:
    """The rest of the file is read."""
    reading = dotenv.read(Source(".env", b"PORT: 1\nA_PORT=2\nnothing here\n"))
    assert [(fault.line, fault.why) for fault in reading.faults] == [
        (1, "no NAME=value, and in 1 more lines")
    ]
    assert [each.first for each in reading.declared] == [2]


@pytest.mark.parametrize(
    "data",
    [
        b'A="\\\n' * 150_000,
        b"A" * MOST_BYTES,
        b"A" + b" " * (MOST_BYTES - 1),
        b"A=$A$A$A$A\n" * 15_000,
        b"A_HOSTS=" + b"a:1," * 250_000,
        b"A=" + b"http://a:1," * 90_000,
    ],
)
def test_a_hostile_megabyte_of_variables_takes_bounded_time(data: bytes) -> None:
    """Quotes that do not end, names that do not, values that double themselves."""
    start = time.process_time()
    try:
        reading = dotenv.read(Source(".env", data[:MOST_BYTES]))
        for part in reading.parts:
            assert isinstance(part, EnvFile)
            env_values(part)
    except Unreadable:
        pass
    assert time.process_time() - start < 10
