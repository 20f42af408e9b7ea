"""What might really be listening, from the tables alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portbook.model import (
    Assignment,
    Candidate,
    Evidence,
    Life,
    PortEntry,
    SuspiciousUse,
    UnofficialUse,
    range_of,
)
from portbook.registry.candidates import REASONS, candidates, displacing, guesses
from portbook.registry.lookup import lookup, reload

KINDS = {"registered", "unofficial", "custom", "malware", "probe"}


@pytest.fixture(autouse=True)
def _shipped_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No registry of whoever runs the tests, and no answer kept from another test."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))
    reload()
    yield
    reload()


def guess(port: int, *, ephemeral: bool = False) -> tuple[Candidate, ...]:
    """The candidates of a port by the shipped tables."""
    return candidates(lookup(port), ephemeral=ephemeral)


def kinds(found: tuple[Candidate, ...]) -> list[str]:
    """Their kinds, in order."""
    return [each.kind for each in found]


def test_an_orphan_is_most_likely_an_application_of_ones_own() -> None:
    """On 3255 the registered service is named, behind what is likelier, with the whole truth."""
    found = guess(3255)
    assert kinds(found) == ["custom", "registered", "probe"]
    life = lookup(3255).life
    assert found[1] == Candidate(
        "semaphore (Semaphore Connection Port)",
        "registered",
        "It is registered here since 2002-02, but no public trace of it was found on this number"
        f" in {life.sources_checked} sources, as of {life.as_of}.",
    )


def test_a_service_that_is_alive_comes_first() -> None:
    """22 is SSH."""
    assert guess(22)[0].what.startswith("ssh (")
    assert guess(22)[0].kind == "registered"


def test_what_has_overtaken_a_registration_comes_before_it() -> None:
    """8086 is InfluxDB, and d-s-n is said to be registered there."""
    found = guess(8086)
    assert (found[0].what, found[0].kind) == ("influxdb", "unofficial")
    assert "not registered here" in found[0].why
    registered = next(each for each in found if each.kind == "registered")
    assert "is something else" in registered.why
    assert found.index(registered) > kinds(found).index("custom")


def test_another_name_of_the_same_service_is_not_told_twice() -> None:
    """80 has http, www and www-http, for which the same traces speak."""
    assert kinds(guess(80)).count("registered") == 1
    assert guess(80)[0].what.startswith("http ")


def test_a_name_beside_a_living_one_is_told_with_its_own_life() -> None:
    """465 is mail submission; URL rendezvous is registered there as well."""
    found = [each for each in guess(465) if each.kind == "registered"]
    assert found[0].what.startswith("submissions")
    assert "no public trace" in next(each.why for each in found if each.what.startswith("urd"))


def test_malware_is_told_calmly_with_its_source() -> None:
    """A default number of malware is a list's word, behind everything ordinary."""
    found = guess(31337)
    malware = next(each for each in found if each.kind == "malware")
    assert "mthcht/awesome-lists suspicious_ports_list lists this" in malware.why
    assert malware.why.endswith("the number alone proves nothing.")
    assert kinds(found) == ["custom", "registered", "malware", "probe"]


def test_a_quiet_number_on_a_list_of_malware_is_not_told_as_unknown() -> None:
    """That no public program uses it would be wrong where one is told two lines below."""
    count = 0
    for port in range(65536):
        entry = lookup(port)
        reasons = {each.reason for each in guesses(entry, ephemeral=False)}
        if "malware" in reasons and "own-listed" in reasons:
            count += 1
        assert not {"own-silent", "malware"} <= reasons, port
    assert count == 26
    own = next(each for each in guess(31337) if each.kind == "custom")
    assert own.why.startswith("No public source but a list of harmful programs has this number")


def test_a_name_that_was_copied_from_the_registry_is_not_something_else() -> None:
    """5000: a policy has the registered name, the nine other sources have other things."""
    entry = lookup(5000)
    assert len({each.source for each in entry.life.evidence}) == 10
    assert len(displacing(entry)) == 9
    why = next(each.why for each in guess(5000) if each.kind == "registered")
    assert "in 9 sources is something else" in why
    assert len(displacing(lookup(8086))) == len({e.source for e in lookup(8086).life.evidence})


def test_an_ephemeral_number_is_most_likely_a_client() -> None:
    """Outgoing connections of this system take such numbers, unless something lives there."""
    assert guess(41111, ephemeral=True)[0].what == "a client's own end of a connection"
    assert guess(50000, ephemeral=True)[0].kind == "unofficial"
    assert "client" not in " ".join(each.what for each in guess(41111))


def test_nothing_can_listen_on_zero() -> None:
    """Port 0 means any free number."""
    assert kinds(guess(0)) == ["probe"]


def test_the_last_resort_is_that_nothing_listens() -> None:
    """Traffic alone is most often a scan."""
    assert guess(4)[-1].kind == guess(443)[-1].kind == "probe"


def test_one_and_many_are_told_in_good_english() -> None:
    """Singular with one source, plural and a short list with more."""
    sources = ("a", "b", "c", "d", "e")
    entry = PortEntry(
        7777,
        range_of(7777),
        (Assignment("x-old", 7777, 7777, "tcp"),),
        Life("overtaken", 1, "2026-11-23", (Evidence("a", 7777, "tcp", "one"),)),
        tuple(UnofficialUse(str(count), None, sources[:count]) for count in (1, 2, 5)),
        (),
        browser_blocked=False,
    )
    whys = [each.why for each in candidates(entry, ephemeral=False)]
    assert whys[0] == "It is not registered here, but 1 source names it on this number: a."
    assert whys[1] == "It is not registered here, but 2 sources name it on this number: a and b."
    assert whys[2].endswith("but 5 sources name it on this number: a, b, c and 2 more.")
    assert "in 1 source is something else" in whys[4]


def test_there_are_at_most_eight_and_ones_own_is_among_them() -> None:
    """Where much is known, the weakest of it gives way."""
    uses = tuple(UnofficialUse(f"use {n}", "tcp", ("s",)) for n in range(9))
    bad = tuple(SuspiciousUse(f"bad {n}", "tcp", "malware", "high", "list") for n in range(9))
    entry = PortEntry(
        40000,
        range_of(40000),
        tuple(Assignment(f"service-{n}", 40000, 40000, "tcp") for n in range(9)),
        Life("overtaken", 9, "2026-11-23", (Evidence("s", 40000, "tcp", "use 0"),)),
        uses,
        bad,
        browser_blocked=False,
    )
    found = candidates(entry, ephemeral=True)
    assert len(found) == 8
    assert kinds(found)[0] == "unofficial"
    assert kinds(found).count("custom") == 2
    assert kinds(found)[-2:] == ["malware", "probe"]


def test_a_transport_without_a_service_has_candidates_too() -> None:
    """7 is alive over tcp; over dccp nobody registered it, and a probe or an own program remain."""
    found = candidates(lookup(7, "dccp"), ephemeral=False)
    assert kinds(found) == ["custom", "probe"]


def test_a_guess_has_the_facts_of_its_sentence() -> None:
    """The sentences are made of them, in the same order."""
    entry = lookup(8086)
    facts = guesses(entry, ephemeral=False)
    assert all(each.reason in REASONS for each in facts)
    assert [each.kind for each in facts] == kinds(candidates(entry, ephemeral=False))
    first, displaced = facts[0], next(each for each in facts if each.reason == "displaced")
    assert (first.name, first.transport, first.reason) == ("influxdb", "tcp", "unofficial")
    assert (displaced.name, displaced.since) == ("d-s-n", "2008-02-27")
    assert displaced.asked == len({each.source for each in entry.life.evidence})


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 65535), st.booleans())
def test_every_number_has_candidates(port: int, ephemeral: bool) -> None:  # noqa: FBT001
    """One to eight, of known kinds, each with one sentence."""
    found = candidates(lookup(port), ephemeral=ephemeral)
    assert 1 <= len(found) <= 8
    for each in found:
        assert each.kind in KINDS
        assert each.what and each.why[0].isupper() | each.why[0].isalnum()
        assert each.why.endswith(".")
        assert "  " not in each.why and "\n" not in each.why
