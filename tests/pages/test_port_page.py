"""The page of a port: all of them whole and sound, and the facts of some against the registry."""

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import unquote, urlsplit

import pytest

from pages.outline import Outline
from portbook.pages.addresses import spelled
from portbook.pages.book import Place, book
from portbook.pages.facts.port import CASES, PortPage, port_page
from portbook.pages.prose.port import port_text
from portbook.pages.prose.sources import LISTS
from portbook.pages.words import languages
from portbook.registry import lookup
from portbook.registry.nearby import better_near, neighbours
from portbook.registry.sources import read_sources

EXAMPLES = {
    "alive": 443,
    "overtaken": 8086,
    "orphan": 3255,
    "young": 300,
    "unassigned": 4,
    "reserved": 1023,
    "dynamic": 61001,
    "zero": 0,
}
NO_PERSON_WRITES = re.compile(r"\bNone\b|\{\{|\{%|%\(|\(\)|<p></p>|undefined| ,| \.[ <]|,,|\.\.")
ROOM = {"unassigned": 9_000, "dynamic": 9_000, "reserved": 9_000}
"""Bytes of a page without JavaScript's help, by case; of the others 14,000."""


def rendered(page: PortPage, language: str = "en", place: Place | None = None) -> str:
    """The page as it is written into a file, or from another place."""
    place = place or Place(f"/{page.label}", "", ".html", "../", served=False)
    made = book(language)
    text = port_text(made.words, page, place)
    return made.render("port.html", place, page=page, text=text, here=None).decode()


@cache
def main_of(port: int, transport: str | None = None) -> Outline:
    """What the page says, without frame and form."""
    html = rendered(port_page(port, transport))
    return Outline(html[html.index("<main") : html.index("</main>") + 7])


def words_of_others(port: int) -> set[str]:
    """What the registry and the sources say of a number in words of their own."""
    entry = lookup(port)
    told = {text for row in entry.assignments for text in row if isinstance(text, str)}
    return told | {trace.product for trace in entry.life.evidence}


def telling() -> Iterator[PortPage]:
    """All pages of the rarer cases, and a share of the others, spread over all numbers."""
    share = {"alive": 2, "overtaken": 2, "orphan": 13, "unassigned": 199, "dynamic": 199}
    for port in range(65536):
        life = lookup(port).life
        often = 7 if life.evidence else share.get(life.verdict, 1)
        if port % min(often, share.get(life.verdict, 1)) == 0:
            yield port_page(port)


def test_no_page_shows_that_a_machine_wrote_it() -> None:
    """No None, no placeholder, no empty brackets, no comma or full stop that hangs.

    Every registered number and every seventh of the others.
    """
    sizes: dict[str, list[int]] = {case: [] for case in CASES}
    for port in range(65536):
        if port % 7 and lookup(port).life.verdict in ("unassigned", "dynamic"):
            continue
        page = port_page(port)
        html = rendered(page)
        sizes[page.case].append(len(html.encode()))
        shown = re.sub("<[^>]+>", "", html[html.index("<main") :])
        for found in NO_PERSON_WRITES.finditer(shown):
            if not any(found[0] in text for text in words_of_others(port)):
                pytest.fail(f"{port}: {shown[max(0, found.start() - 60) : found.end() + 20]!r}")
    for case, some in sizes.items():
        some.sort()
        assert some[len(some) // 2] <= ROOM.get(case, 14_000)
    assert {case: len(some) for case, some in sizes.items() if len(some) < 100} == {
        "young": 20,
        "reserved": 74,
        "zero": 1,
    }


def test_every_page_is_sound_and_leads_to_pages_that_exist() -> None:
    """Well-formed, one heading of level 1, ids once, no heading and no list without anything.

    Links inside lead to a page in its one spelling, those outside to a source or an RFC.
    """
    count = 0
    outside = {each.link for each in read_sources().sources}
    outside |= {address for _, address in LISTS.values()}
    inside: set[str] = set()
    for page in telling():
        html = rendered(page, place=Place(f"/{page.label}"))
        found = Outline(html)
        where = page.label
        assert found.open == [], where
        assert not [kind for kind in found.inline if kind != "script"], where
        assert [each.level for each in found.headings].count(1) == 1, where
        assert len(set(found.ids)) == len(found.ids), where
        assert found.silent == [], where
        assert found.empty == [] or set(found.empty) == {"p"}, where  # the form's place to answer
        texts = [each.text for each in found.headings]
        assert len(set(texts)) == len(texts), where
        for link in found.links:
            if link.startswith("https://"):
                rfc = re.fullmatch(r"https://www\.rfc-editor\.org/rfc/rfc[0-9]+", link)
                assert rfc or link in outside, link
            elif not link.startswith("#"):
                inside.add(unquote(urlsplit(link).path))
        count += 1
    assert count > 1000
    wrong = {path for path in inside if not path.startswith(("/nl/", "/en/")) and path != "/"}
    assert {path for path in wrong if spelled(path) != path} == set()


def test_each_case_has_a_page_in_each_language_and_over_each_transport() -> None:
    """The eight cases, and that a page is about what it says it is."""
    for case, port in EXAMPLES.items():
        assert port_page(port).case == case
        for language in languages():
            for transport in (None, "tcp", "udp", "sctp", "dccp"):
                page = port_page(port, transport)
                found = Outline(rendered(page, language))
                assert found.open == []
                assert page.label in found.headings[0].text or case == "zero"


def test_the_eight_cases_are_told_in_different_words() -> None:
    """Title, lead and the answer to "should I use it" differ, numbers and names left aside."""
    leads, titles = set(), set()
    for port in EXAMPLES.values():
        page = port_page(port)
        names = [page.service, page.product, page.label, r"[0-9]+"]
        plain = "|".join(re.escape(name) if name != r"[0-9]+" else name for name in names if name)
        told = port_text(book("en").words, page, Place("/"))
        leads.add(re.sub(plain, "", told.lead))
        titles.add(re.sub(plain, "", told.title))
    assert len(leads) == 8
    assert len(titles) == 6  # where a service is registered, the title is its name


def test_semaphore_is_told_as_the_registry_has_it() -> None:
    """3255: who, when, what, and that nothing is left of it in how many sources, as of when."""
    page = port_page(3255)
    entry = lookup(3255)
    text = main_of(3255).said
    assert page.case == entry.life.verdict == "orphan"
    assert [each.name for each in page.entries[0].assignee] == ["Jay Eckles"]
    assert page.entries[0].registered == "2002-02"
    assert page.entries[0].transports == ("tcp", "udp")
    assert page.traces == ()
    assert "Semaphore Connection Port" in text
    assert "Jay Eckles registered it in February 2002." in text
    sources = entry.life.sources_checked
    assert f"As of 23 November 2026 none of {sources} sources, such as" in text
    for source in read_sources().sources:
        assert f"method.html#{source.id}" in main_of(3255).links
        assert source.version in text
    assert "assignee/Jay_Eckles.html" in main_of(3255).links
    assert "year/2002.html" in main_of(3255).links
    assert "method.html" in main_of(3255).links
    assert "map.html?port=3255" in main_of(3255).links
    assert "Why an orphaned registration matters" in text


def test_https_is_told_with_its_rfc_its_changes_and_every_source() -> None:
    """443: two entries, what was changed in 2021, and each source with its link and version."""
    page = port_page(443)
    found = main_of(443)
    assert [each.transports for each in page.entries] == [("tcp", "udp"), ("sctp",)]
    assert page.entries[0].rfcs == (9110,)
    assert "https://www.rfc-editor.org/rfc/rfc9110" in found.links
    assert "1 October 2021: https for TCP and UDP: assignee now IESG" in found.said
    sources = {each.source for each in lookup(443).life.evidence}
    assert {each.source.id for each in page.traces} == sources
    for source in read_sources().sources:
        assert (source.link in found.links) == (source.id in sources)
        if source.id in sources:
            assert source.version in found.said
    assert f"As of 23 November 2026, {page.meant} of 16 public sources name https" in found.said


def test_every_product_of_every_source_is_on_the_page() -> None:
    """8080 and 3000 have the most: what is folded away is still there."""
    for port in (8080, 3000):
        text = main_of(port).said
        for trace in lookup(port).life.evidence:
            assert trace.product in text


def test_an_overtaken_number_is_told_by_what_overtook_it() -> None:
    """8086 is registered for d-s-n and known for InfluxDB."""
    found = main_of(8086)
    assert found.headings[0].text == "Port 8086: d-s-n, in practice influxdb"
    assert "mean something else, influxdb above all." in found.said
    assert "Gary Hampton registered it on 27 February 2008." in found.said


def test_a_young_registration_is_not_called_silent() -> None:
    """300 was registered in 2025."""
    text = main_of(300).said
    assert "registered on port 300 on 15 July 2025, too lately" in text
    assert "On UDP IANA keeps the number back" in text
    assert "orphan" not in text


def test_a_number_without_a_registration_says_so_at_once() -> None:
    """4: nobody, nothing, and no part about a registration."""
    found = main_of(4)
    assert "Nobody has registered port 4, and none of 16 public sources" in found.said
    assert not {"registration", "life", "history", "orphaned"} & set(found.ids)
    assert "The nearest registered numbers are 1 (tcpmux) and 5 (rje)." in found.said


def test_a_dynamic_number_is_told_with_its_uses() -> None:
    """50000 cannot be registered, and sources know programs on it."""
    found = main_of(50000)
    assert "Nobody can register port 50000, but 4 of 16 public sources" in found.said
    assert {each.product for each in lookup(50000).life.evidence} <= set(
        re.findall(r"[\w-]+", found.said)
    )
    assert "Linux, macOS and Windows take it for outgoing connections" in found.said


def test_port_zero_is_a_page_of_its_own() -> None:
    """Nothing to look for with ss, and no number before it."""
    found = main_of(0)
    assert "ss -H" not in found.said
    assert "sudo tcpdump -n 'port 0'" in found.said
    assert "-1.html" not in " ".join(found.links)
    assert "65536.html" not in " ".join(main_of(65535).links)


def test_neighbours_and_the_better_number_are_those_of_the_registry() -> None:
    """Linked, and what is recommended has really nothing against it."""
    for port in (3255, 443, 8080, 4, 50000, 8086, 300, 1, 65535):
        found = main_of(port)
        around = neighbours(port)
        for each in (around.below, around.above):
            assert each is None or f"{each.port}.html" in found.links
        better = better_near(port, 1)[0].port
        assert f"The nearest number to recommend is {better}:" in found.said
        entry = lookup(better)
        assert entry.life.verdict == "unassigned"
        assert not entry.life.evidence
        assert not entry.browser_blocked


def test_a_free_number_is_recommended_without_another_one() -> None:
    """29998 has nothing against it."""
    text = main_of(29998).said
    assert "Yes, as far as public tables can tell." in text
    assert "The nearest number to recommend" not in text


FIRST_COMMANDS: dict[tuple[int, str | None], str] = {
    (3255, None): "ss -H -tulpn 'sport = :3255'",
    (914, None): "ss -H -ulpn 'sport = :914'",
    (3255, "udp"): "ss -H -ulpn 'sport = :3255'",
    (443, "sctp"): "ss -H -Slpn 'sport = :443'",
    (5, "dccp"): "ss -H -dlpn 'sport = :5'",
}


def test_commands_are_for_the_port_and_its_transports() -> None:
    """What is registered comes first; one transport is asked for alone."""
    for (port, transport), first in FIRST_COMMANDS.items():
        commands = port_page(port, transport).commands
        assert commands.linux[0] == first
        known = commands.linux + commands.macos + commands.windows
        assert all(re.search(rf"(?<![0-9]){port}(?![0-9])", line) for line in known)
        assert bool(commands.macos) == (transport not in ("sctp", "dccp"))
        assert len(commands.windows) == len(commands.macos)
        assert commands.portbook == f"portbook {port}" + (f"/{transport}" if transport else "")


def test_a_udp_registration_has_its_commands_first() -> None:
    """914 is registered for udp alone: macOS and Windows are asked for that first."""
    commands = port_page(914).commands
    assert commands.macos[0] == "sudo lsof -nP -iUDP:914"
    assert commands.windows[0].startswith("Get-NetUDPEndpoint")
    assert len(commands.linux) == 2


def test_a_transport_without_a_service_is_not_told_as_registered() -> None:
    """4503 has a service for udp, and IANA keeps tcp back."""
    page = port_page(4503, "tcp")
    assert page.case == "reserved"
    assert page.entries == ()
    assert "4503.html" in main_of(4503, "tcp").links
    assert port_page(4503, "udp").case == "young"
    assert port_page(7, "dccp").case == "unassigned"


def test_an_older_spelling_is_told_once() -> None:
    """3050 has gds-db, and gds_db for history's sake."""
    page = port_page(3050)
    assert [each.service for each in page.entries] == ["gds-db"]
    assert page.entries[0].spellings == ("gds_db",)
    assert "under its older spelling gds_db" in main_of(3050).said
    assert "IANA assigned this well-formed" not in main_of(3050).said


def test_a_remark_on_another_number_of_a_range_is_left_out() -> None:
    """IANA's remark on 42000 stands in a row of 700 numbers."""
    assert "42000" in " ".join(port_page(42000).remarks)
    assert port_page(42001).remarks == ()
    assert "Unauthorized" not in main_of(42001).said
    assert "Unauthorized Use Known on port 42000" in main_of(42000).said
