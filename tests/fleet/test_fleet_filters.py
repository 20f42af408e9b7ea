"""What a filter can say, and that whatever else is one line with its position."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portbook.fleet.filter_words import LONGEST
from portbook.fleet.filters import (
    EVERYTHING,
    MOST_DEPTH,
    MOST_TESTS,
    BadFilter,
    Check,
    Group,
    Not,
    parse,
)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", EVERYTHING),
        ("port=80", Check("port", "is", (80,))),
        ("PORT = 8000-8999", Check("port", "within", (8000, 8999))),
        ("port<80", Check("port", "within", (0, 79))),
        ("severity>=medium", Check("severity", "is", ("medium", "high"))),
        ("process=?", Check("process", "unknown")),
        ("process='?'", Check("process", "is", ("?",))),
        ("unit=-", Check("unit", "absent")),
        ("label.Role~a**b", Check("label.Role", "like", ("a*b",))),
        ("user!=root", Not(Check("user", "is", ("root",)))),
        ("address=::1", Check("address", "is", ("::1",))),
        ("port not in (80, 443)", Not(Check("port", "is", (80, 443)))),
        (
            "host=a or host=b and not name='x\\'y'",
            Group(
                "any",
                (
                    Check("host", "is", ("a",)),
                    Group(
                        "all",
                        (Check("host", "is", ("b",)), Not(Check("name", "is", ("x'y",)))),
                    ),
                ),
            ),
        ),
    ],
)
def test_a_filter_is_a_tree(text: str, tree: object) -> None:
    """`and` binds closer than `or`; key words in any case."""
    assert parse(text) == tree
    assert repr(parse(text)) == repr(tree)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port", "not the end"),
        ("port=", "a value is missing before the end"),
        ("port=http", "port is a number such as 80 or 8000-8999, not 'http' at character 6"),
        ("port=90-80", "runs backwards"),
        ("reach=anny", "reach is one of loopback"),
        ("process<5", "process has no order"),
        ("user=a user=b", "'and' or 'or' is missing before 'user' at character 8"),
        ("(user=a", "')' is missing before the end"),
        ("user='a", "the quote at character 6 is not closed"),
        ("user!a", "followed by neither = nor ~"),
        ("user='a\0'", "an unprintable character"),
        ("reach=?", "reach is never unknown"),
        ("drop table", "no field 'drop' at character 1"),
        ("not " * (MOST_DEPTH + 1) + "port=1", "levels"),
        ("(" * 1_900, "levels"),
        (f"port in ({','.join(['1'] * (MOST_TESTS + 1))})", "more than 100 values"),
        ("a" * (LONGEST + 1), "longer than"),
    ],
)
def test_what_is_no_filter_is_one_line(text: str, said: str) -> None:
    """With the position of what does not fit."""
    with pytest.raises(BadFilter) as caught:
        parse(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@given(some.text(max_size=300) | some.text("()=!~<>?-'\"\\ ,andorti", max_size=300))
def test_any_text_is_a_filter_or_a_bad_one(text: str) -> None:
    """Nothing else is raised."""
    said = ""
    try:
        parse(text)
    except BadFilter as error:
        said = str(error)
    assert "\n" not in said
