"""The census, its lists, the years and the assignees: every figure counted again from the rows."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command import portbook
from pages.reading import Reading, number
from pages.serving import Serving, serving
from portbook.model import RANGES
from portbook.pages.facts.assignee import assignee_ids, assignee_page, near_assignees
from portbook.pages.facts.method import LABELLED, RIGHT
from portbook.pages.facts.year import known_years
from portbook.registry.registrations import assignees
from test_documents import validator
from test_layout import TOP

pytestmark = pytest.mark.live

LIVES = ("alive", "overtaken", "orphan", "young")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for these tests."""
    with serving(tmp_path_factory.mktemp("census")) as found:
        yield found


@pytest.fixture(scope="module")
def everything() -> list[dict[str, Any]]:
    """Every registration, as the command prints them one by one."""
    rows: list[dict[str, Any]] = portbook("orphans", "--all", "--json").document["rows"]
    return rows


@pytest.fixture(scope="module")
def census(server: Serving) -> Reading:
    """The page of the census."""
    reply = server.ask("/en/orphans")
    assert reply.status == 200
    return Reading(reply.text)


def counted(rows: list[dict[str, Any]]) -> list[int]:
    """How many rows, and how many of each life."""
    lives = Counter(row["life"] for row in rows)
    return [len(rows), *(lives[life] for life in LIVES)]


def test_the_whole_is_counted(census: Reading, everything: list[dict[str, Any]]) -> None:
    """The first table and the first sentence have the counts of all rows."""
    total, *lives = counted(everything)
    rows = census.table("Every registered service").rows
    assert [row[0] for row in rows] == list(LIVES)
    assert [number(row[1]) for row in rows] == lives
    for row, count in zip(rows, lives, strict=True):
        assert row[2] == f"{100 * count / total:.1f}%"
    assert f"Of the {total:,} services" in census.text


def test_ranges_are_counted(census: Reading, everything: list[dict[str, Any]]) -> None:
    """Each range has the services that begin in it."""
    rows = census.table("Services by range").rows
    for known, row in zip(RANGES, rows, strict=True):
        found = [each for each in everything if known.first <= each["port"] <= known.last]
        assert [number(cell) for cell in row[1:]] == counted(found)


def test_years_are_counted(census: Reading, everything: list[dict[str, Any]]) -> None:
    """Each year has the services with their first date in it, and one row has the undated."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in everything:
        found.setdefault(
            (each["registered"] or "undated")[:4].replace("unda", "undated"), []
        ).append(each)
    rows = census.table("Services by the year").rows
    assert {row[0]: [number(cell) for cell in row[1:]] for row in rows} == {
        year: counted(some) for year, some in found.items()
    }


def test_numbers_of_sources_are_counted(census: Reading, everything: list[dict[str, Any]]) -> None:
    """Each class of numbers of sources has its services."""
    bounds = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 99))
    rows = census.table("Services by how many sources").rows
    for (low, high), row in zip(bounds, rows, strict=True):
        found = [each for each in everything if low <= each["sources"] <= high]
        assert [number(cell) for cell in row[1:]] == counted(found)


def test_assignees_are_counted(census: Reading, everything: list[dict[str, Any]]) -> None:
    """Those with most registrations, each id of a row for itself, with a link to its page."""
    found: Counter[str] = Counter()
    for each in everything:
        found.update(set((each["assignee"] or "").split()))
    for row in census.table("Assignees with most").rows:
        name = row[0].replace(" ", "_")
        assert number(row[1]) == found[name]
        assert f"/en/assignee/{name}" in census.links
    most = [number(row[1]) for row in census.table("Assignees with most").rows]
    # An id that is no row's first spelling can only have fewer here than the page counts.
    assert most == sorted((count for _, count in found.most_common(len(most))), reverse=True)


def test_given_up_numbers_and_empty_runs_are_what_lookups_say(census: Reading) -> None:
    """No service is registered on them; a run ends where one is."""
    everywhere: set[int] = set()
    for row in portbook("orphans", "--all", "--json").document["rows"]:
        everywhere.update(range(row["port"], row["last_port"] + 1))
    given_up = census.table("Numbers that had a service").rows
    assert len(given_up) == 15
    assert not everywhere & {int(row[0]) for row in given_up}
    for first, last, length in census.table("Longest runs").rows:
        assert not everywhere & set(range(int(first), int(last) + 1))
        assert {int(first) - 1, int(last) + 1} <= everywhere | {49152}
        assert number(length) == int(last) - int(first) + 1


def test_the_documents_are_those_of_the_command(server: Serving) -> None:
    """`portbook orphans --json` and `--stats --json`, and they fit their schemas."""
    for path, name, options in (
        ("/orphans.json", "orphans", ()),
        ("/census.json", "census", ("--stats",)),
    ):
        reply = server.ask(path)
        validator(name).validate(reply.document)
        assert reply.document == portbook("orphans", *options, "--json").document


def test_the_lists_have_every_orphan_once(server: Serving, census: Reading) -> None:
    """50 lists, each with its numbers alone, linked from the census with how many it has."""
    orphans = portbook("orphans", "--json").document["rows"]
    found = []
    for thousand in range(50):
        reply = server.ask(f"/en/orphans/{thousand}")
        assert reply.status == 200
        page = Reading(reply.text)
        last = min(thousand * 1000 + 999, 49151)
        rows = page.table("Registrations without").rows if page.tables else ()
        assert all(thousand * 1000 <= int(row[0].split("–")[0]) <= last for row in rows)  # noqa: RUF001 - as the page writes it
        assert f"{thousand * 1000}–{last} {len(rows):,}" in census.text  # noqa: RUF001 - the same
        assert f"/en/orphans/{thousand}" in census.links
        beside = [thousand - 1] * (thousand > 0) + [thousand + 1] * (thousand < 49)
        assert {f"/en/orphans/{each}" for each in beside} <= set(page.links)
        found += [(row[0], row[1]) for row in rows]
    assert len(found) == len(orphans) == len(set(found))
    assert {(row["service"]) for row in orphans} == {service for _, service in found}


@pytest.mark.parametrize(
    "name", ["50", "-1", "03", "3.0", "x", "99999999999999999999", "³", "3/4", "nope.svg", "%2e%2e"]
)
def test_other_lists_do_not_exist(server: Serving, name: str) -> None:
    """There are lists 0 to 49, written without zeros in front."""
    assert server.ask(f"/orphans/{quote(name, safe='/%')}").status == 404


def test_an_assignee_is_told(server: Serving) -> None:
    """Who, what, since when, what became of it; the links lead to the ports."""
    page = Reading(server.ask("/en/assignee/Jay_Eckles").text)
    told = (
        "One service is registered to Jay Eckles. It is from February 2002. "
        "It has left no public trace. 16 sources were searched, as of 23 November 2026."
    )
    assert told in page.text
    assert "/en/3255" in page.links
    row = page.table("Everything").rows[0]
    assert row[:5] == ("3255", "semaphore", "TCP, UDP", "orphan", "February 2002")


def test_everybody_of_a_joint_registration_is_a_link(server: Serving) -> None:
    """IANA joins several ids by a space: each has a page of its own, and no page joins them."""
    page = Reading(server.ask("/en/assignee/Ed_Metcalf").text)
    assert {"/en/assignee/Ed_Metcalf", "/en/assignee/Albert_Holt"} <= set(page.links)
    joint = server.ask("/en/assignee/Ed_Metcalf%20Albert_Holt")
    assert joint.status == 404
    offered = {"/en/assignee/Ed_Metcalf", "/en/assignee/Albert_Holt"}
    assert offered <= set(Reading(joint.text).links)


def test_other_spellings_lead_to_the_one_of_iana(server: Serving) -> None:
    """Case, spaces and percent signs: one page, one address."""
    for text in ("jay_eckles", "Jay Eckles", "JAY_eckles", "%4aay_Eckles".lower()):
        reply = server.ask(f"/nl/assignee/{quote(text, safe='%')}")
        assert (reply.status, reply.headers["location"]) == (302, "/nl/assignee/Jay_Eckles")
    assert server.ask("/assignee/Mahr_GmbH_G%C3%B6ttingen").status == 200
    moved = server.ask("/assignee/mahr%20gmbh%20g%C3%B6ttingen")
    assert moved.headers["location"] == "/assignee/Mahr_GmbH_G%C3%B6ttingen"


def test_nobody_is_told_with_who_may_be_meant(server: Serving) -> None:
    """404 with near ids as links; the document is an error, too."""
    for text in ("Jay_Ekles", "Eckles"):
        reply = server.ask(f"/en/assignee/{text}")
        assert reply.status == 404
        assert "/en/assignee/Jay_Eckles" in Reading(reply.text).links
        assert server.ask(f"/assignee/{text}.json").document["error"]["code"] == "not_found"
    for text in ("%20", "..%2f..%2fetc%2fpasswd", "<script>", "%00", "a" * 1500):
        assert server.ask(f"/assignee/{quote(text, safe='%')}").status == 404


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=200))
def test_no_text_breaks_the_search_for_an_assignee(text: str) -> None:
    """Whatever was asked for, those who are offered have a page."""
    for each in near_assignees(text):
        assert assignee_page(each) is not None


def test_every_id_has_its_page_and_its_document(server: Serving) -> None:
    """A sample of all, with every odd one: the figures of page, document and census agree."""
    known = {each.id: each for each in assignees()}
    assert set(assignee_ids()) == set(known)
    odd = [each for each in known if not each.replace("_", "").isalnum() or not each.isascii()]
    drawn = random.Random(3255).sample(sorted(known), 40)
    for each in [*odd[:40], *drawn, "IESG"]:
        page = Reading(server.ask(f"/en/assignee/{quote(each)}").text)
        document = server.ask(f"/assignee/{quote(each)}.json").document
        assert document["counts"] == known[each].counts
        assert len(page.table("Everything").rows) == len(document["rows"]) == known[each].total
        assert not page.inline
        for link in page.links:
            assert "/assignee/" not in link or unquote(link.rpartition("/")[2]) in known


@pytest.mark.parametrize("identifier", ["Jay_Eckles", "IESG", "Mahr_GmbH_Göttingen", "FORTÉ"])
def test_the_document_of_an_assignee_is_the_one_of_the_command(
    server: Serving, identifier: str
) -> None:
    """`portbook orphans --all --assignee ID --json`."""
    reply = server.ask(f"/assignee/{quote(identifier)}.json")
    validator("orphans").validate(reply.document)
    command = portbook("orphans", "--all", "--assignee", identifier, "--json")
    assert reply.document == command.document


def test_a_year_is_told(server: Serving, census: Reading) -> None:
    """Every year with a registration has a page that the census leads to, with all its rows."""
    assert {f"/en/year/{year}" for year in known_years()} <= set(census.links)
    for year in known_years():
        document = server.ask(f"/year/{year}.json").document
        page = Reading(server.ask(f"/en/year/{year}").text)
        rows = page.table("Everything").rows
        assert [row[1] for row in rows] == [row["service"] for row in document["rows"]]
        assert len(rows) == sum(document["counts"].values()) > 0
    command = portbook("orphans", "--all", "--year", "2002", "--json").document
    assert server.ask("/year/2002.json").document == command
    around = Reading(server.ask("/en/year/2002").text).links
    assert {"/en/year/2001", "/en/year/2003"} <= set(around)


@pytest.mark.parametrize(
    "year", ["1999", "1803", "9999", "0000", "02002", "202", "2002x", "-200", "²002"]
)
def test_other_years_do_not_exist(server: Serving, year: str) -> None:
    """404, with the years beside it where it is one."""
    reply = server.ask(f"/en/year/{quote(year)}")
    assert reply.status == 404
    if year == "1999":
        assert {"/en/year/1997", "/en/year/2001"} <= set(Reading(reply.text).links)


def test_the_method_names_every_source(server: Serving) -> None:
    """All of `portbook sources`, with version, licence and link."""
    page = Reading(server.ask("/en/method").text)
    rows = {row[0]: row for row in page.table("Where traces").rows}
    for each in portbook("sources", "--json").document["sources"]:
        row = (each["id"], each["title"], each["version"], each["licence"])
        assert rows[each["id"]] == (*row, "23 November 2026")
        assert each["link"] in page.links
    assert "seven lives" in page.text


def test_the_quality_of_the_rules_is_the_measured_one() -> None:
    """docs/life.md is measured again by a test of its own; the pages have its figures."""
    text = (TOP / "docs" / "life.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| **")]
    matrix = [[int(cell) for cell in row.split("|")[2:6]] for row in rows]
    assert len(matrix) == 4
    assert sum(map(sum, matrix)) == LABELLED
    # The columns of the table and its rows are in the same order.
    assert sum(matrix[place][place] for place in range(4)) == RIGHT


@pytest.mark.parametrize(
    "path",
    ["orphans", "orphans/3", "orphans/29", "assignee/IESG", "year/2002", "method", "search?q=a"],
)
def test_pages_are_whole_in_every_language(server: Serving, path: str) -> None:
    """Tags that close, no style or script inline, ids once, an ETag that holds."""
    for language in ("en", "nl"):
        reply = server.ask(f"/{language}/{path}")
        assert reply.status == 200
        page = Reading(reply.text)
        assert page.language == reply.headers["content-language"] == language
        assert page.open == []
        assert not page.inline
        assert len(page.ids) == len(set(page.ids))
        assert "None" not in page.text
        again = server.ask(f"/{language}/{path}", If_None_Match=reply.headers["etag"])
        assert again.status == 304
