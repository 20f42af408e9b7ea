"""That PostgreSQL and Python select the same rows by the same filter."""

import string
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from fleet.engines import Postgres
from portbook.fleet.filter_match import is_like, matches
from portbook.fleet.filter_sql import condition, labels_condition
from portbook.fleet.filters import CHOICES, FIELDS, MAY_BE_UNKNOWN, NUMBERS, parse
from portbook.model.fleet import FleetRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.fleet.filter_sql import Values
    from portbook.host.postgres import Link

# Few letters, so that values and patterns meet; those that LIKE, JSON or SQL could mind among them.
LETTERS = "ab%_\\'\"é*?-{},"
TEXTS = some.text(LETTERS, max_size=4)
LABELS = ("role", "a'b", "x%s")
NAMED = ("role", "x%s")
HOSTS = some.tuples(TEXTS, TEXTS, some.dictionaries(some.sampled_from(LABELS), TEXTS, max_size=3))


@some.composite
def rows(draw: some.DrawFn) -> FleetRow:
    """A row with facts that are there, absent and unknown."""

    def text(field: str) -> str | None:
        return None if field in unknown else draw(some.none() | TEXTS)

    unknown = draw(some.lists(some.sampled_from(MAY_BE_UNKNOWN), max_size=3, unique=True))
    values: list[object] = [
        *(draw(some.sampled_from(CHOICES["transport"])), draw(TEXTS)),
        *(draw(some.integers(0, 12)), draw(TEXTS), draw(some.integers(0, 3))),
        *(draw(some.sampled_from(CHOICES[each])) for each in ("state", "reach")),
        text("process"),
        None if "pid" in unknown else draw(some.none() | some.integers(0, 12)),
        *(text(each) for each in ("exe", "user", "unit", "container", "package")),
        text("speaks"),
        draw(some.sampled_from(CHOICES["verdict"])),
        draw(some.none() | some.sampled_from(CHOICES["severity"])),
        ",".join(draw(some.lists(some.sampled_from(("ab", "a%", "b_")), max_size=3))),
        draw(some.none() | some.integers(0, 9)),
        " ".join(f"{field}=denied" for field in unknown),
    ]
    return FleetRow._make(values)


def quoted(text: str) -> str:
    """A text as a filter has it in quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@some.composite
def comparisons(draw: some.DrawFn) -> str:
    """One comparison, of any field."""
    field = draw(some.sampled_from((*FIELDS, *(f"label.{name}" for name in NAMED))))
    number = str(draw(some.integers(0, 12)))
    if field in NUMBERS:
        value = draw(some.sampled_from((number, f"{number}-12")))
    elif field in CHOICES:
        value = draw(some.sampled_from(CHOICES[field]))
    else:
        value = quoted(draw(some.sampled_from(("ab", "a%", "b_")) | TEXTS))
    bare = [value]
    bare += ["?"] if field in MAY_BE_UNKNOWN else []
    bare += ["-"] if field not in ("port", *CHOICES) or field == "severity" else []
    sign = draw(some.sampled_from(("=", "!=", "~", "in", "<=", ">")))
    if sign == "~" and field not in NUMBERS:
        return f"{field} {draw(some.sampled_from(('~', '!~')))} {value}"
    if sign == "in":
        many = draw(some.lists(some.sampled_from(bare), min_size=1, max_size=3))
        return f"{field} {draw(some.sampled_from(('in', 'not in')))} ({', '.join(many)})"
    if sign in ("<=", ">") and field in NUMBERS:
        return f"{field}{sign}{number}"
    if sign in ("<=", ">") and field == "severity":
        return f"{field}{sign}{value}"
    return f"{field} {'!=' if sign == '!=' else '='} {draw(some.sampled_from(bare))}"


FILTERS = some.recursive(
    comparisons(),
    lambda inner: some.one_of(
        inner.map(lambda each: f"not ({each})"),
        some.tuples(inner, inner).map(lambda two: f"({two[0]} and {two[1]})"),
        some.tuples(inner, inner).map(lambda two: f"({two[0]} or {two[1]})"),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def link(postgres: Postgres) -> "Iterator[Link]":
    """One listener and its host, without the tables' constraints: any text may be in them."""
    import psycopg

    postgres.create("filters")
    with psycopg.connect(postgres.url_for(name="filters"), autocommit=True) as made:
        columns = ", ".join(
            f'"{field}" {"bigint" if field in ("port", "pid", "inode", "started") else "text"}'
            for field in FleetRow._fields
        )
        made.execute(f"CREATE TABLE listener ({columns})".encode())
        made.execute("CREATE TABLE host (id text, name text, labels jsonb)")
        made.execute("INSERT INTO listener (port) VALUES (1)")
        made.execute("INSERT INTO host VALUES ('', '', '{}')")
        yield made


def selected(
    link: "Link", where: str, row: FleetRow, host: str, name: str, labels: Mapping[str, str]
) -> bool:
    """Whether PostgreSQL selects the row."""
    from psycopg.sql import SQL, Identifier, Placeholder
    from psycopg.types.json import Jsonb

    sets = SQL(", ").join(
        SQL("{} = {}").format(Identifier(field), Placeholder()) for field in FleetRow._fields
    )
    link.execute(SQL("UPDATE listener SET {}").format(sets), tuple(row))
    link.execute(
        "UPDATE host SET id = %s, name = %s, labels = %s", (host, name, Jsonb(dict(labels)))
    )
    values: Values = {}
    chosen = condition(parse(where), values)
    statement = SQL("SELECT count(*) FROM listener l, host h WHERE {}").format(chosen)
    found = link.execute(statement, values).fetchone()
    return found == (1,)


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(where=FILTERS, row=rows(), host=HOSTS)
def test_the_database_and_python_agree(
    link: "Link", where: str, row: FleetRow, host: tuple[str, str, dict[str, str]]
) -> None:
    """The same answer for any row, absent and unknown facts among them, and any filter."""
    ours = matches(parse(where), row, *host)
    assert selected(link, where, row, *host) == ours


ROW = FleetRow(
    *("tcp", "0.0.0.0", 6379, "", 7, "listen", "any", None, None, None, "redis", None),
    *(None, None, None, "expected", None, "", None, "process=denied pid=denied"),
)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("process=redis", False),
        ("process!=redis", True),
        ("not process=redis", True),
        ("not process!=redis", False),
        ("process~*", False),
        ("process!~*", True),
        ("process not in (redis, '')", True),
        ("process=?", True),
        ("process!=?", False),
        ("process=-", False),
        ("unit=?", False),
        ("unit=-", True),
        ("unit!=-", False),
        ("pid<5", False),
        ("pid>=0", False),
        ("severity<=high", False),
        ("netns=-", True),
        ("rule=-", True),
        ("rule!=x", True),
        ("label.role=-", True),
        ("label.role!=web", True),
        ("not (process=redis and user=redis)", True),
        ("not (process=redis or user=redis)", False),
    ],
)
def test_a_fact_that_is_not_there_makes_a_comparison_false(
    link: "Link", where: str, *, expected: bool
) -> None:
    """Never a third thing between yes and no, in either place."""
    assert matches(parse(where), ROW, "web-1", "web", {}) is expected
    assert selected(link, where, ROW, "web-1", "web", {}) is expected


@settings(max_examples=300, deadline=None)
@given(text=some.text("ab", max_size=12), pattern=some.text("ab*?", max_size=12))
@example(text="a" * 5_000, pattern="*a" * 16 + "b")
def test_a_pattern_is_what_its_signs_say(text: str, pattern: str) -> None:
    """As a regular expression of the same meaning; a hostile one takes no time."""
    if len(text) < 100:
        import re

        regex = "".join({"*": ".*", "?": "."}.get(sign, sign) for sign in pattern)
        assert is_like(text, pattern) == bool(re.fullmatch(regex, text))
    else:
        assert not is_like(text, pattern)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=some.text("a_%\\", max_size=3), pattern=some.text("a_%\\*?", max_size=3))
@example(text="a", pattern="_")
@example(text="ab", pattern="%")
@example(text="\\", pattern="\\")
@example(text="a", pattern="\\a")
def test_a_pattern_has_no_sign_of_the_databases_own(link: "Link", text: str, pattern: str) -> None:
    """`%`, `_` and the backslash are themselves: only `*` and `?` stand for something else."""
    where = f"name~{quoted(pattern)}"
    assert selected(link, where, ROW, "web-1", text, {}) == is_like(text, pattern)


def test_nothing_from_outside_stands_in_the_statement(link: "Link") -> None:
    """Values are parameters, labels' names too; no word of them is in the text."""
    values: Values = {}
    where = parse("process='; DROP TABLE host' or label.x;y~'*EVIL*' or host in (EVIL, 'E2')")
    text = condition(where, values).as_string(link)
    text += labels_condition((("EVIL", "DROP"),), values).as_string(link)
    assert not any(word in text for word in ("DROP", "EVIL", "E2", "x;y"))
    assert set(string.printable[:62]).issuperset(name for name in "".join(values))
