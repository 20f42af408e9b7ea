"""The sentences of a port's page: for each fact its own, and text of others stays text."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from pages.outline import Outline
from portbook.model import Assignment, Evidence, Source, UnofficialUse
from portbook.pages.book import Place, book
from portbook.pages.facts.entries import about_here, described, entries_of, remarks, spelled_once
from portbook.pages.facts.history import Step
from portbook.pages.facts.port import PortPage, port_page
from portbook.pages.facts.traces import Product, Trace
from portbook.pages.prose.candidates import guess_told
from portbook.pages.prose.escaped import Escaped, escaped, link, quoted
from portbook.pages.prose.history import history_told
from portbook.pages.prose.port import port_text
from portbook.pages.prose.registration import registrations_told
from portbook.pages.prose.sources import note_told, products_of, source_name
from portbook.pages.prose.taking import taking
from portbook.pages.words import words
from portbook.registry import lookup
from portbook.registry.candidates import CATEGORIES, REASONS, Guess, candidates, guesses
from portbook.registry.lookup import evidence_rows
from portbook.registry.nearby import CODES, Advice, Hindrance
from portbook.registry.since import FactChange
from portbook.registry.sources import read_sources

HERE = Place("/3255")
MARKUP = "<script>alert(1)</script>\"'&amp;{{7*7}}%(x)s"
said_text = st.text(max_size=40) | st.sampled_from([MARKUP, "a.b", "x" * 900, "\u202e", "\ud800"])


@pytest.fixture(name="english")
def _english() -> Escaped:
    return escaped(words("en"))


def sentences(page: PortPage) -> str:
    """Every sentence about the registrations of a page."""
    english = escaped(words("en"))
    return "\n".join(each.sentences.striptags() for each in registrations_told(english, page, HERE))


def with_rows(*rows: Assignment) -> PortPage:
    """The page of 3255, had it these rows."""
    return port_page(3255)._replace(entries=entries_of(3255, rows), history=())


def row(**facts: Any) -> Assignment:
    """The row of semaphore over tcp with other facts."""
    kept = next(iter(lookup(3255).assignments))
    return kept._replace(**{"registered": None, "assignee": None, "contact": None, **facts})


def test_every_reason_of_a_guess_has_its_sentence(english: Escaped) -> None:
    """No two guesses are said alike, and each is a sentence."""
    told = set()
    for reason in REASONS:
        guess = Guess("custom", reason, "name", None, ("a", "b"), 16, category="c2")
        found = guess_told(english, guess)
        assert found.what and found.why.endswith(".")
        told.add(str(found.why))
    assert len(told) == len(REASONS)
    kinds = {
        guess_told(english, Guess("malware", "malware", "x", None, ("list",), category=each)).why
        for each in CATEGORIES
    }
    assert len(kinds) == len(CATEGORIES)


def test_the_pages_say_the_guesses_of_the_command_line(english: Escaped) -> None:
    """The same ones in the same order, from the same facts."""
    for port in (0, 22, 80, 443, 3255, 8086, 31337, 50000, 465):
        entry = lookup(port)
        facts = guesses(entry, ephemeral=True)
        printed = candidates(entry, ephemeral=True)
        assert [each.kind for each in facts] == [each.kind for each in printed]
        for fact, other in zip(facts, printed, strict=True):
            told = words("en").listing(products_of(fact.name), either=True)
            assert not fact.name or guess_told(english, fact).what in (fact.name, told)
            assert not fact.name or other.what.startswith(fact.name)


def test_one_and_many_are_told_in_good_english(english: Escaped) -> None:
    """Singular with one source, plural and a short list with more."""
    why = [
        guess_told(english, Guess("unofficial", "unofficial", "x", None, sources)).why
        for sources in (("ufw",), ("ufw", "nerva"), ("ufw", "nerva", "a", "b", "c"))
    ]
    assert why[0] == "It is not registered here, but one source names it on this number: ufw."
    assert why[1].endswith("but 2 sources name it on this number: ufw and Nerva.")
    assert why[2].endswith("but 5 sources name it on this number: ufw, Nerva, a and 2 more.")


def test_who_and_when_are_told_as_far_as_they_are_known() -> None:
    """Person and date, one of them, or neither; a day is "on", a month is "in"."""
    cases = {
        ("2002-02", "A_B"): "A B registered it in February 2002.",
        ("2002-02-03", "A_B"): "A B registered it on 3 February 2002.",
        ("2002-02", None): "It was registered in February 2002; by whom is not told.",
        ("2002-02-03", None): "It was registered on 3 February 2002; by whom is not told.",
        (None, "A_B"): "It is in the name of A B and has no date",
        (None, None): "The registry names neither a person nor a date for it.",
    }
    for (date, who), sentence in cases.items():
        assert sentence in sentences(with_rows(row(registered=date, assignee=who)))
    changed = with_rows(row(registered="2002-02", assignee="A_B", modified="2020-01-05"))
    assert "in February 2002 and is in the name of A B today" in sentences(changed)
    assert "last changed on 5 January 2020" in sentences(changed)


def test_references_are_links_where_they_are_rfcs() -> None:
    """What is a draft or a standard of others is told in the registry's words; `n/a` is nothing."""
    told = with_rows(row(reference="1 RFC4727 RFC6335"))
    assert "It is described in RFC 4727 and RFC 6335." in sentences(told)
    assert "refers to" not in sentences(told)
    assert "described in" not in sentences(with_rows(row(reference="n/a")))
    draft = sentences(with_rows(row(reference="RFC-ietf-ntp-roughtime-19")))
    assert "The registry refers to RFC-ietf-ntp-roughtime-19." in draft


def test_a_sentence_ends_with_one_full_stop(english: Escaped) -> None:
    """Names of companies bring their own."""
    company = with_rows(row(registered="2002-02", assignee="Safenet_Inc.", description="A Co."))
    assert ".." not in sentences(company)
    assert english.text("It is %(x)s.", x="A.") == "It is A."


def test_names_and_remarks_are_read_as_a_person_would() -> None:
    """Other spellings once, remarks on other numbers left out, IANA's boilerplate too."""
    assert spelled_once(["a_b", "c", "a-b", "C"]) == ("a_b", "c")
    assert about_here(42000, "Unauthorized Use Known on port 42000")
    assert about_here(42001, "Unauthorized Use Known on port 42000") is None
    assert about_here(2195, "Unauthorized Use Known on ports 2194-2196")
    assert about_here(2197, "Unauthorized Use Known on ports 2194-2196") is None
    assert about_here(7, "used by others") == "used by others"
    assert about_here(7, None) is None
    assert described("X IANA assigned this well-formed service name", "n") == "X"
    assert described("Redis", "redis") is None
    nameless = row(description="Reserved")._replace(service=None)
    assert remarks(3255, [nameless]) == ()
    assert remarks(3255, [nameless._replace(description="Deprecated")]) == ("Deprecated",)


def test_every_source_and_note_of_the_tables_has_words(english: Escaped) -> None:
    """A new source or kind of note is shown by its id at first, and this test says so."""
    assert not [each.id for each in read_sources().sources if source_name(each.id) == each.id
                and each.id not in ("firewalld", "ufw")]  # fmt: skip
    notes = {trace.note for port in range(65536) for trace, _ in evidence_rows(port)}
    assert notes and all(note_told(english, note or "") != "trace" for note in notes)


def test_every_hindrance_is_told(english: Escaped) -> None:
    """Each code in its own words, the gravest as the answer and the others below it."""
    page = port_page(8616)
    told = set()
    for code in CODES[1:-1]:
        advice = Advice(code, (Hindrance(code, ("linux",)),))
        found = taking(english, page._replace(advice=advice), HERE)
        assert found.answer.endswith(".") and found.more == ()
        told.add(str(found.answer))
    assert len(told) == len(CODES) - 2
    both = Advice("reserved", (Hindrance("reserved"), Hindrance("privileged")))
    assert len(taking(english, page._replace(advice=both), HERE).more) == 1


def test_each_kind_of_change_is_told(english: Escaped) -> None:
    """Added, removed, changed in a fact or in nobody knows what; undated ones without a date."""
    fact = FactChange("assignee", "A_B", "C_D")
    steps = (
        Step("x", "added", "2020-01-02", ("tcp",), (), ()),
        Step("x", "added", "2020-01-02", ("tcp",), (), ("y",)),
        Step("x", "removed", None, ("tcp", "udp"), (), ()),
        Step("x", "removed", None, (), (), ("y",)),
        Step("x", "changed", None, ("tcp",), (), ()),
        Step("x", "changed", None, ("tcp",), (fact, fact._replace(after=None)), ()),
        Step("x", "changed", None, ("tcp",), (fact._replace(before=None),), ()),
    )
    told = [str(each.sentence) for each in history_told(english, steps)]
    assert told[0] == "x was registered for TCP."
    assert told[1].endswith("in the place of y.")
    assert told[2] == "x was taken off the registry for TCP and UDP."
    assert told[5] == "x for TCP: assignee now C D, before that A B; assignee A B taken away."
    assert told[6] == "x for TCP: assignee C D added."
    assert len(set(told)) == len(told)
    assert [each.date for each in history_told(english, steps)][:3] == ["2 January 2020"] * 2 + [""]


def test_values_are_escaped_and_markup_of_ours_stays(english: Escaped) -> None:
    """A sentence is HTML, and only what this program marked up is markup."""
    assert english.text("A %(x)s.", x="<b>") == "A &lt;b&gt;."
    assert english.text("A %(x)s.", x=Markup("<b>y</b>")) == "A <b>y</b>."
    assert english.plural("%(n)s %(x)s.", "%(n)s %(x)ss.", 2, x="&") == "2 &amp;s."
    assert english.listed(("<i>", "b")) == "&lt;i&gt; and b"
    assert link(HERE, "1", "<i>") == '<a href="/1">&lt;i&gt;</a>'
    assert len(quoted("x" * 5000)) < 500


def _every_text(page: PortPage, text: str) -> PortPage:
    """The page with `text` wherever the registry or a source has words of its own."""
    rows = [
        Assignment(
            text or "x", 3255, 3255, "tcp", text, text, text, "2002-02", None, text, text, text
        ),
        Assignment(None, 3255, 3255, "udp", text, notes=text),
    ]
    trace = Trace(
        Source(text, text, text, text, "https://example.org/"),
        text,
        (Product(text, ("tcp",), meant=True), Product(text, (), meant=False)),
    )
    use = UnofficialUse(text, "tcp", (text,))
    evidence = (Evidence(text, 3255, "tcp", text),)
    return page._replace(
        entries=entries_of(3255, rows),
        remarks=remarks(3255, rows) or (text,),
        traces=(trace, trace),
        entry=page.entry._replace(
            unofficial=(use,), life=page.entry.life._replace(evidence=evidence)
        ),
        guesses=(
            Guess("registered", "named", text, text, (text,)),
            Guess("unofficial", "unofficial", text, None, (text,), transport=text),
            Guess("malware", "malware", text, None, (text,), category=text),
        ),
        advice=Advice("overtaken", (Hindrance("overtaken", (text,)), Hindrance("noted", (text,)))),
        history=(
            Step(text, "changed", None, (text,), (FactChange(text, text, text),), (text,)),
            Step(text, "removed", None, (), (), (text,)),
        ),
    )


@pytest.fixture(name="shape")
def _shape() -> Callable[[str, str], tuple[list[str], list[str]]]:
    def shape(case: str, text: str) -> tuple[list[str], list[str]]:
        page = _every_text(port_page(3255), text)._replace(case=case)
        made = port_text(words("en"), page, HERE)
        html = book("en").render("port.html", HERE, page=page, text=made, here=None).decode()
        found = Outline(html)
        assert found.open == []
        return found.inline, [each for each in found.links if "assignee/" not in each]

    return shape


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said_text, st.sampled_from(["alive", "overtaken", "orphan", "unassigned", "reserved"]))
def test_text_of_others_is_never_markup(
    shape: Callable[[str, str], tuple[list[str], list[str]]], text: str, case: str
) -> None:
    """Whatever the registry or a source says: no element, attribute or link comes of it."""
    assert shape(case, text) == shape(case, "x")
