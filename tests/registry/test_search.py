"""Free text to services and products."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portbook.model import Assignment, TableFault, UsageError, document
from portbook.registry.search import Match, search
from portbook.registry.tables import write_assignments

FIELDS = (
    "name",
    "description",
    "assignee",
    "product",
    "fuzzy",
)


@pytest.fixture(autouse=True)
def _shipped_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No registry of whoever runs the tests."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))


def own_registry(folder: Path, *rows: Assignment) -> Path:
    """Put a registry of `rows` where the user's own is found; its table."""
    home = folder / "registry" / "current"
    home.mkdir(parents=True)
    write_assignments(str(home / "assignments.tsv"), rows, {"as_of": "2026-11-23"})
    return home / "assignments.tsv"


def first(text: str) -> Match:
    """The best match."""
    return search(text)[0]


def names(matches: Sequence[Match]) -> list[str]:
    """What was found, in order."""
    return [each.product or each.service or "" for each in matches]


def test_an_exact_name_comes_first_with_its_transports_joined() -> None:
    """One match per service and number, all of the row's facts with it."""
    assert first("Semaphore") == Match(
        3255,
        3255,
        ("tcp", "udp"),
        "semaphore",
        "Semaphore Connection Port",
        "Jay_Eckles",
        None,
        "name",
        100,
    )


def test_http_is_http_before_anything_that_contains_it() -> None:
    """The exact name, then the names that begin with it, shortest first."""
    found = names(search("http"))
    assert found[:2] == ["http", "https"]
    assert first("http").transports == ("tcp", "udp", "sctp")
    assert first("http").description == "World Wide Web HTTP"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("redis", "name"),
        ("postgres", "name"),
        ("internet printing protocol", "description"),
        ("jay_eckles", "assignee"),
        ("jellyfin", "product"),
        ("kuberntes", "fuzzy"),
    ],
)
def test_a_match_says_where_the_text_was_found(text: str, field: str) -> None:
    """A name counts more than a description, that more than a registrant or a product."""
    assert first(text).matched == field


def test_better_places_have_better_scores() -> None:
    """The order of the kinds of matches is the order of their scores."""
    scores: dict[str, set[int]] = {each: set() for each in FIELDS}
    for text in ("redis", "sql server", "jay_eckles", "grafana", "kuberntes", "printer"):
        for each in search(text):
            scores[each.matched].add(each.score)
    assert min(scores["description"]) > max(scores["assignee"])
    assert min(scores["assignee"]) > max(scores["product"])
    assert min(scores["product"]) > max(scores["fuzzy"]) > 0


def test_every_word_has_to_fit() -> None:
    """Two words narrow the search down."""
    found = search("sql server", limit=500)
    assert "ms-sql-s" in names(found)
    for each in found:
        text = f"{each.service} {each.product} {each.description} {each.assignee}".casefold()
        assert "sql" in text and "server" in text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("semaphor", "semaphore"),
        ("smeaphore", "semaphore"),
        ("postgers", "postgresql"),
        ("kuberntes", "kubernetes"),
        ("ngnix", "nginx"),
        ("elasticsaerch", "elasticsearch"),
        ("intrnet printng", "ipp"),
    ],
)
def test_a_slip_of_the_pen_is_forgiven(text: str, wanted: str) -> None:
    """A letter dropped, added, changed or swapped still finds the word, also in several words."""
    assert wanted in names(search(text))


def test_a_product_that_nobody_registered_is_found_with_its_number() -> None:
    """8086 is InfluxDB's, whatever the registry says; its best-attested number comes first."""
    found = [each for each in search("influxdb") if each.port == 8086]
    assert found[0].service is None
    assert found[0].product == "influxdb"
    assert found[0].transports == ("tcp",)


def test_a_product_that_is_the_registered_service_says_so() -> None:
    """VNC on 5900 is the Remote Framebuffer that is registered there."""
    vnc = next(each for each in search("vnc") if each.port == 5900)
    assert (vnc.product, vnc.service, vnc.matched) == ("vnc", "rfb", "product")
    assert vnc.description == "Remote Framebuffer"


def test_a_registered_service_is_not_listed_again_as_a_product() -> None:
    """Redis on 6379 stands there once, as what it is registered for."""
    assert [each.service for each in search("redis") if each.port == 6379] == ["redis"]


def test_a_name_without_a_port_is_found_behind_those_with_one(tmp_path: Path) -> None:
    """Service names without a number are part of the registry."""
    own_registry(
        tmp_path,
        Assignment("xyzzy", None, None, "tcp"),
        Assignment("xyzzy", 7, 7, "tcp"),
    )
    assert [each.port for each in search("xyzzy")] == [7, None]
    assert search("xyzzy")[1].last_port is None


def test_a_range_is_one_match() -> None:
    """X11 has 6000-6063."""
    x11 = next(each for each in search("x11") if each.service == "x11")
    assert (x11.port, x11.last_port) == (6000, 6063)


def test_an_own_registry_is_searched(tmp_path: Path) -> None:
    """After `portbook update` its rows are the ones that are found."""
    own_registry(tmp_path, Assignment("xyzzy-plugh", 7, 7, "tcp"))
    assert names(search("xyzzy")) == ["xyzzy-plugh"]
    assert search("remoteware") == ()


def test_the_limit_cuts_the_worst() -> None:
    """Fewer matches are the best ones."""
    assert search("http", limit=3) == search("http", limit=50)[:3]
    assert len(search("http", limit=3)) == 3


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "x" * 101])
def test_text_that_cannot_be_searched_is_refused_in_one_line(text: str) -> None:
    """Nothing, or more than anybody would type."""
    with pytest.raises(UsageError) as error:
        search(text)
    assert "\n" not in str(error.value)


def test_a_limit_below_one_is_refused() -> None:
    """No matches cannot be asked for."""
    with pytest.raises(UsageError, match="positive"):
        search("http", limit=0)


@pytest.mark.parametrize("text", ["***", "-", "\u2603", "zzzzzzzzzzzzzz", "\0", "q\u0301\u0301"])
def test_what_nothing_has_finds_nothing(text: str) -> None:
    """An empty answer is an answer."""
    assert search(text) == ()


def test_a_broken_row_is_a_fault_of_the_table(tmp_path: Path) -> None:
    """A row with cells missing is not skipped in silence."""
    path = own_registry(tmp_path, Assignment("xyzzy", 7, 7, "tcp", "plugh"))
    path.write_bytes(path.read_bytes().replace(b"xyzzy\tplugh", b"xyzzy plugh"))
    with pytest.raises(TableFault, match="11 cells"):
        search("xyzzy")


def test_the_matches_are_a_document() -> None:
    """The fields are JSON's."""
    json = document("search", {"text": "x11", "matches": search("x11", limit=1)})
    assert json["schema"] == "portbook/search/1"
    assert list(json["matches"][0]) == list(Match._fields)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(min_size=1, max_size=100))
@example("a b c d e f g h i j k l m n o p q r s t u v w x y z")
@example("\u017femaphore \u0130STANBUL \u00df")
@example("\ud800 lone")
@example("aaaa bbbb cccc dddd eeee ffff gggg hhhh")
def test_any_text_is_answered_or_refused(text: str) -> None:
    """Never anything but matches or a UsageError, ordered and within the limit."""
    try:
        found = search(text, limit=5)
    except UsageError:
        assert not text.strip()
        return
    assert len(found) <= 5
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert all(0 < each.score <= 100 and each.matched in FIELDS for each in found)
