"""The pages of ports against themselves: no sentence says what another one denies."""

import re
from functools import cache

import pytest

from pages.outline import Outline
from portbook.model import Assignment, UnofficialUse
from portbook.pages.book import Place, book
from portbook.pages.facts.entries import entries_of
from portbook.pages.facts.port import PortPage, port_page
from portbook.pages.prose.escaped import escaped, some_ports
from portbook.pages.prose.lead import lead, title
from portbook.pages.prose.lives import lives_told
from portbook.pages.prose.port import PortText, port_text
from portbook.pages.prose.registration import registrations_told
from portbook.pages.prose.sources import LISTS, products_of
from portbook.pages.words import words
from portbook.registry import lookup
from portbook.registry.registrations import registrations

COPIED = (539, 1314, 5000, 5001, 5050, 5252, 5405, 7778, 8200, 8787, 9000, 9090)
"""The overtaken numbers whose registered name a security policy has, too."""


def told(port: int, transport: str | None = None, language: str = "en") -> PortText:
    """The sentences of a page."""
    page = port_page(port, transport)
    return port_text(words(language), page, Place(f"/{page.label}"))


@cache
def shown(port: int, transport: str | None = None, language: str = "en") -> Outline:
    """The whole page as it is served, without its frame."""
    page = port_page(port, transport)
    place = Place(f"/{page.label}")
    text = port_text(words(language), page, place)
    html = book(language).render("port.html", place, page=page, text=text, here=None).decode()
    return Outline(html[html.index("<main") : html.index("</main>") + 7])


def test_each_transport_is_judged_by_its_own_entry() -> None:
    """7123: UDP is young, TCP has been there since 2021."""
    assert port_page(7123).case == port_page(7123, "udp").case == "young"
    assert port_page(7123, "tcp").case == "orphan"
    assert told(7123, "tcp").lead.endswith(
        "on 24 December 2021, but none of 16 public sources shows a trace of it."
    )
    assert "on 22 July 2026, too lately" in told(7123, "udp").lead
    whole = told(7123)
    assert "registration of snif on port 7123 for UDP (22 July 2026) is too young" in whole.lead
    assert "of the older one there is no trace either" in whole.lead
    assert "For the older registration on this number it is not too early" in whole.life


def test_a_young_number_is_told_by_an_entry_that_is_young() -> None:
    """On every young page of a number and of its transports."""
    count = 0
    for port in range(65536):
        if lookup(port).life.verdict == "young":
            for transport in (None, "tcp", "udp", "sctp", "dccp"):
                page = port_page(port, transport)
                if page.case == "young":
                    assert page.young
                    assert all((each.registered or "") > "2023-11" for each in page.young), port
                    count += 1
    assert count > 40


def test_the_life_of_a_transport_is_that_of_its_registrations() -> None:
    """The page and the census say the same of a service, for every 41st registration."""
    best = ("alive", "overtaken", "young", "orphan")
    for each in registrations()[::41]:
        if each.last_port != each.port:
            continue
        for transport in each.transports:
            page = port_page(each.port, transport)
            if page.services == (each.service,) and lookup(each.port).life.verdict != "young":
                assert page.case == each.life, (each.port, transport)
            assert page.case in best


@pytest.mark.parametrize("port", COPIED)
def test_a_copied_name_is_told_and_not_counted(port: int) -> None:
    """The same count in the lead, the glance, the life, the guesses; the source says why."""
    page, text = port_page(port), told(port)
    sources = {each.source for each in lookup(port).life.evidence}
    assert page.counted == len(sources) - 1
    number = "one" if page.counted == 1 else str(page.counted)
    assert f"{number} of 16 public sources" in text.lead
    assert f"{number} of 16 public sources" in text.life
    assert "One more has the name as the registry spells it" in text.life
    assert f"in {page.counted} of 16 sources" in dict(text.facts).values()
    guess = next(each for each in page.guesses if each.reason == "displaced")
    assert guess.asked == page.counted
    last = text.traces[-1]
    assert last.title.startswith("SELinux") and "it does not count" in last.remark
    assert not any(each.remark for each in text.traces[:-1])
    assert "<b>" not in last.products


def test_no_overtaken_page_denies_a_name_that_a_source_has() -> None:
    """Each source of every overtaken number has something else, or is told as a copy."""
    copied = []
    for port in range(65536):
        if lookup(port).life.verdict == "overtaken":
            page = port_page(port)
            assert not page.meant, port
            copied += [port] if any(each.copied for each in page.traces) else []
    assert tuple(copied) == COPIED


def test_no_page_knows_no_program_and_lists_one() -> None:
    """801 is on a list of malware; the title and the address of the list are told."""
    for port in (801, 1042, 31337):
        found = shown(port)
        assert "No public program is known" not in found.said
        assert "No public source but a list of harmful programs has this number" in found.said
        assert "https://github.com/mthcht/awesome-lists" in found.links


def test_every_list_of_harmful_programs_has_title_and_address() -> None:
    """A new one is text at first, and this test says so."""
    uses = [use for port in range(65536) for use in lookup(port).suspicious_uses]
    assert {use.source.partition(" (")[0] for use in uses} == set(LISTS)


def _with_uses(page: PortPage, *uses: UnofficialUse) -> PortPage:
    return page._replace(entry=page.entry._replace(unofficial=uses))


@pytest.mark.parametrize("port", [8086, 4533, 50000])
def test_first_of_all_is_only_what_more_sources_have(port: int) -> None:
    """Titles and leads of overtaken, unassigned and dynamic numbers, with and without a tie."""
    english = escaped(words("en"))
    page = port_page(port)
    one, other = UnofficialUse("one", None, ("a", "b")), UnofficialUse("other", None, ("c", "d"))
    first, tied = _with_uses(page, one), _with_uses(page, one, other)
    assert re.search("above all|first of all|uses it: one", lead(english, first))
    assert not re.search("above all|first of all|it: one", lead(english, tied))
    assert "one among them" in lead(english, tied)
    assert "one and others" in title(english, tied)
    assert "others" not in title(english, first)
    assert page.traces


def test_a_tie_is_told_as_one_on_every_page() -> None:
    """Among all numbers that sources name without a registration."""
    ties = 0
    english = escaped(words("en"))
    for port in range(65536):
        uses = lookup(port).unofficial
        if len(uses) > 1 and len(uses[0].sources) == len(uses[1].sources):
            page = port_page(port)
            if page.case in ("overtaken", "unassigned", "dynamic"):
                assert not re.search("above all|first of all", lead(english, page)), port
                ties += 1
    assert ties > 100


@pytest.mark.parametrize(("port", "service"), [(9000, "cslistener"), (3255, "semaphore")])
def test_a_page_of_one_transport_says_which_one_is_taken(port: int, service: str) -> None:
    """Nobody has it for SCTP; that others have it is said of TCP and UDP."""
    text = shown(port, "sctp").said
    assert f"Nobody has registered port {port}/sctp" in text
    assert "Nobody has registered this number for SCTP" in text
    assert "Rather not, unless for SCTP alone: for TCP and UDP the number is" in text
    assert f"registered for {service}." in text
    assert "it is registered for" not in text
    assert "use it without a registration and may be there first" not in text


def test_what_uses_another_transport_is_told_of_that() -> None:
    """9000/sctp has no program, 443/sctp not those of TCP; 4503/tcp is kept back and no more."""
    assert "On other transports than SCTP mealie" in shown(9000, "sctp").said
    assert "On other transports than SCTP pinecone" in shown(443, "sctp").said
    kept = told(4503, "tcp").taking
    assert kept.answer == "Better not: IANA keeps it back."
    assert "For UDP the number is registered for m-bus-oms." in kept.more
    assert "9 of 16 public sources know it on 443, and one of them names SCTP." in (
        told(443, "sctp").lead
    )


def test_no_lead_of_a_transport_counts_other_traces_than_the_page_has() -> None:
    """Every number with a trace, over every transport."""
    for port in range(65536):
        if not lookup(port).life.evidence or port % 3:
            continue
        for transport in ("tcp", "udp", "sctp"):
            page = port_page(port, transport)
            if page.case in ("unassigned", "dynamic", "reserved"):
                assert bool(page.product) == bool(page.traces), page.label
            if page.case in ("orphan", "young"):
                assert not page.traces, page.label
                assert "none of 16" in told(port, transport).life


def test_a_number_of_a_range_is_told_as_one() -> None:
    """6010 is one of 64, the first of which is known; 6000 itself and unknown ranges are not."""
    text = told(6010)
    assert "Port 6010 is one of 64 numbers that are registered for x11" in text.lead
    assert "public sources know it on the first, 6000" in text.lead
    assert '<a href="/6000">6000</a>, public sources know it' in text.registrations[0].sentences
    assert not text.orphans
    assert "one of 64" not in told(6000).lead
    assert "one of" not in told(27005).lead.replace("none of", "")
    assert told(27005).orphans


def test_numbers_that_follow_each_other_are_told_as_a_run() -> None:
    """With links to both ends, and the others counted one by one."""
    english = escaped(words("en"))
    run = some_ports(english, tuple(range(6000, 6064)), Place("/"), 8)
    assert run.striptags() == "6000 to 6063"
    assert run.count("<a ") == 2
    assert some_ports(english, (1, 2, 4), Place("/"), 8).striptags() == "1, 2 and 4"
    many = some_ports(english, (1, 3, 5, 6, 7, 8, 10), Place("/"), 2)
    assert many.striptags() == "1, 3 and 5 more"
    counts = {"alive": 1, "overtaken": 0, "orphan": 0, "young": 0}
    assert lives_told(words("en"), counts) == "It is known to public sources."


def test_programs_of_one_row_are_told_one_by_one() -> None:
    """`HardHat C2, HRShell` are two."""
    assert products_of("HardHat C2, HRShell") == ("HardHat C2", "HRShell")
    assert products_of("Back Orifice / elite") == ("Back Orifice", "elite")
    assert products_of("Bla trojan") == ("Bla trojan",)
    assert "It is a default number of HardHat C2 and HRShell, so" in shown(5000).said
    assert "HardHat C2 or HRShell" in [each.what for each in told(5000).guesses]


def _sentences(**facts: str | None) -> str:
    row = Assignment("semaphore", 3255, 3255, "tcp", **facts)
    page = port_page(3255)._replace(entries=entries_of(3255, [row]), history=())
    (only,) = registrations_told(escaped(words("en")), page, Place("/"))
    return only.sentences.striptags()


def test_no_change_is_told_that_was_the_registration_itself() -> None:
    """The same date twice is no change; another one is."""
    same = _sentences(assignee="A_B", registered="2020-01-02", modified="2020-01-02")
    assert "A B registered it on 2 January 2020." in same
    assert "today" not in same and "last changed" not in same
    later = _sentences(assignee="A_B", registered="2020-01-02", modified="2020-01-03")
    assert "today" in later and "last changed on 3 January 2020" in later


def test_no_period_is_claimed_that_a_reference_contradicts() -> None:
    """RFC 9260 is of 2022: an entry that refers to it says nothing of 2002."""
    assert "before 2002" in _sentences(assignee="A_B", reference="RFC959")
    assert "before 2002" not in _sentences(assignee="A_B", reference="RFC9260")
    assert "It is in the name of Randall Stewart and has no date." in shown(443, "sctp").said


def test_a_command_of_port_zero_can_be_copied() -> None:
    """It stands where the module that adds the buttons looks."""
    page = port_page(0)
    text = port_text(words("en"), page, Place("/0"))
    html = book("en").render("port.html", Place("/0"), page=page, text=text, here=None).decode()
    assert re.search(r'<div data-copy="Copy"[^>]*>\s*<pre class="command">', html)


@pytest.mark.parametrize("language", ["en", "nl"])
def test_pages_have_one_kind_of_apostrophe(language: str) -> None:
    """Also in what is translated; the registry's own words and commands are as they are."""
    for port in (0, 22, 3255, 5000, 50000, 1023):
        text = told(port, None, language)
        for said in (text.lead, text.about, text.life, *(each.what for each in text.guesses)):
            assert "'" not in said, said


def test_dutch_has_no_slips_that_were_found_once() -> None:
    """Each of them stood on a page."""
    said = "\n".join(shown(port, None, "nl").said for port in (50000, 8086, 3255))
    assert "wijst er geen enkele van toe" in said
    assert "door andere programma\u2019s gebruikt" in said
    assert "aan wie dan ook" not in said and "door andere gebruikt" not in said
