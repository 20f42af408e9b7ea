"""The first page: its figures counted again, its picks, and what it shows to whom."""

from collections import Counter
from collections.abc import Iterator

import pytest

from pages.reading import Reading, number
from pages.serving import Serving, serving
from portbook.model import LAST_PORT, PortEntry
from portbook.pages.facts.home import HomePage, home_page
from portbook.registry.lookup import lookup
from portbook.registry.registrations import registrations

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for these tests."""
    with serving(tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def home() -> HomePage:
    """The facts of the page, from the tables that come with portbook."""
    return home_page()


def test_the_port_space_is_counted_as_every_single_lookup_has_it(home: HomePage) -> None:
    """65,536 answers, one after the other, give the same counts; the bar has no gap."""
    counts = Counter(lookup(port).life.verdict for port in range(LAST_PORT + 1))
    assert {each.life: each.ports for each in home.counted} == dict(counts)
    assert sum(each.ports for each in home.counted) == LAST_PORT + 1
    assert home.orphans == counts["orphan"]
    end = 0
    for each in home.counted:
        assert each.first == end
        end += each.ports


def test_the_picks_are_what_the_sources_name_most(home: HomePage) -> None:
    """By the sources of each answer, among all numbers of that kind; the lowest of several."""

    def named(entry: PortEntry) -> set[str]:
        services = {row.service for row in entry.assignments}
        return {
            each.source
            for each in entry.life.evidence
            # On an overtaken number the registered name is copied from the registry.
            if entry.life.verdict != "overtaken" or each.product not in services
        }

    def most(*verdicts: str) -> tuple[int, int]:
        found = [
            (-len(named(entry)), entry.port)
            for entry in map(lookup, range(49152))
            if entry.life.verdict in verdicts
        ]
        sources, port = min(found)
        return port, -sources

    for pick, port_and_sources in (
        (home.overtaken, most("overtaken")),
        (home.busiest, most("alive")),
        (home.free, most("unassigned", "reserved")),
    ):
        assert pick is not None
        assert (pick.port, pick.sources) == port_and_sources
    assert home.busiest is not None
    assert home.busiest.name == lookup(home.busiest.port).assignments[0].service
    assert home.free is not None
    assert home.free.name in {use.product for use in lookup(home.free.port).unofficial}


def test_the_newest_registrations_are_the_latest_dates(home: HomePage) -> None:
    """No service that only got another transport, and each number once."""
    dates = sorted({(each.registered or "", each.port) for each in registrations()}, reverse=True)
    told = [(each.registered, each.port) for each in home.newest]
    assert told == dates[: len(told)]
    assert len({each.port for each in home.newest}) == len(home.newest) == 3


def test_the_page_tells_its_facts(server: Serving, home: HomePage) -> None:
    """What it counts stands in its table, and its picks are links."""
    reply = server.ask("/en/")
    assert reply.status == 200
    page = Reading(reply.text)
    told = {row[0]: number(row[1]) for row in page.table("All ports by life").rows}
    assert told == {each.life: each.ports for each in home.counted}
    picks = (home.overtaken, home.free, home.busiest)
    for port in [each.port for each in picks if each] + [each.port for each in home.newest]:
        assert f"/en/{port}" in page.links
    for path in ("/en/3255", "/en/map", "/en/orphans"):
        assert path in page.links
    assert "February 2002" in page.text
    assert not page.inline
    assert len(page.ids) == len(set(page.ids))


def test_the_start_is_the_same_until_something_changes(server: Serving) -> None:
    """It has an ETag, and who knows it gets 304; both languages are different pages."""
    first = server.ask("/", Accept_Language="nl")
    assert first.headers["content-language"] == "nl"
    assert first.headers["cache-control"] == "no-cache"
    again = server.ask("/", Accept_Language="nl", If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert server.ask("/en/").headers["etag"] != first.headers["etag"]
    assert server.ask("/", "HEAD").status == 200


def test_only_who_has_the_token_is_told_what_listens(server: Serving) -> None:
    """Counts by verdict, the same as the document has; kept by nobody on the way."""
    closed = Reading(server.ask("/en/").text)
    assert "only for who has the token" in closed.text
    reply = server.ask("/en/", known=True)
    assert reply.headers["cache-control"] == "no-store"
    page = Reading(reply.text)
    listeners = server.ask("/here.json", known=True).document["listeners"]
    verdicts = Counter(row["verdict"]["value"] for row in listeners)
    assert f"{len(listeners)} listener" in page.text
    for verdict, count in verdicts.items():
        assert f"{count} {verdict}" in page.text


def test_a_book_without_a_machine_does_not_speak_of_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """With --no-live there is no link to the listeners, and their page says why."""
    with serving(tmp_path_factory.mktemp("nolive"), "--no-live") as server:
        page = Reading(server.ask("/en/").text)
        assert not [link for link in page.links if "here" in link]
        refused = server.ask("/en/here")
        assert refused.status == 404
        assert "--no-live" in Reading(refused.text).text
        assert server.ask("/here/part").status == 404
        twin = server.ask("/here.json")
        assert twin.status == 404
        assert twin.document["error"]["code"] == "not_found"
