"""Rates of the sequential test from one's own capture."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model.errors import UsageError
from portbook.traffic.calibrating import ENOUGH, MOST, Contribution, calibrate, contribution
from portbook.traffic.engine import Engine
from portbook.traffic.estimating import estimate
from portbook.traffic.facts import Facts
from portbook.traffic.trw import DEFAULT, Rates, checked
from traffic.case_made import Case
from traffic.facts_made import any_facts, made
from traffic.packets_made import ACK, OURS, PSH, RST, SYN, Wire, columns
from traffic.traffic_cases import CASES


def test_both_rates_come_of_the_contacts() -> None:
    """One success and one failure are added to each."""
    made_rates = calibrate(89, 98, 4, 48)
    assert made_rates.rates == Rates(0.9, 0.1)
    assert made_rates.sentences == (
        "theta0 0.9: 89 of 98 contacts of benign sources succeeded",
        "theta1 0.1: 4 of 48 contacts of scanners succeeded",
        "with these rates the test decides after 3 failures or 3 successes in a row",
    )


def test_too_few_contacts_keep_the_default_and_say_so() -> None:
    """Each side by itself."""
    kept = calibrate(19, 19, 0, 20)
    assert kept.rates.theta0 == DEFAULT.theta0
    assert kept.rates.theta1 == round(1 / 22, 4)
    assert kept.sentences[0] == (
        f"theta0 stays 0.8: 19 contacts of benign sources, {ENOUGH} are needed"
    )
    none = calibrate(0, 0, 1, 1)
    assert none.rates == DEFAULT
    assert none.sentences[1] == "theta1 stays 0.2: 1 contact of scanners, 20 are needed"


@pytest.mark.parametrize(("benign", "scanning"), [((10, 40), (30, 40)), ((20, 40), (20, 40))])
def test_rates_the_wrong_way_round_are_not_used(
    benign: tuple[int, int], scanning: tuple[int, int]
) -> None:
    """Or a success would speak for a scanner."""
    kept = calibrate(*benign, *scanning)
    assert kept.rates == DEFAULT
    assert "the defaults stay" in kept.sentences[-1]


@pytest.mark.parametrize("counts", [(2, 1, 0, 0), (-1, 1, 0, 0), (0, 0, 5, 4), (0, -1, 0, 0)])
def test_counts_that_cannot_be_are_refused(counts: tuple[int, int, int, int]) -> None:
    """More successes than contacts, or fewer than none."""
    with pytest.raises(UsageError):
        calibrate(*counts)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_any_counts_make_rates_that_the_test_takes(
    one: int, two: int, three: int, four: int
) -> None:
    """Never 0 or 1, never the wrong way round."""
    made_rates = calibrate(min(one, two), max(one, two), min(three, four), max(three, four))
    assert checked(made_rates.rates) == made_rates.rates
    assert 2 <= len(made_rates.sentences) <= 3


def test_a_benign_source_does_not_count_the_success_that_made_it_benign() -> None:
    """Otherwise none of them could ever fail at all of its contacts."""
    facts = made({"conversed": 3, "refused": 2}, {"stack": 5}, contacts=5, right=3)
    assert contribution(facts) == Contribution("benign", 2, 4)


def test_a_marked_source_is_a_scanner_whatever_it_says() -> None:
    """By a formula, by its own name, or by flags that no stack sends."""
    marked = made(
        {"half-open": 2, "conversed": 1}, {"raw": 2, "masscan-id": 2}, contacts=3, right=1
    )
    assert contribution(marked) == Contribution("scanner", 1, 3)
    named = made({"conversed": 2}, {"stack": 2}, contacts=2, right=1, wrong=1, tool="nmap")
    assert contribution(named) == Contribution("scanner", 1, 2)
    odd = made({"xmas": 5}, {"raw": 5}, contacts=5)
    assert contribution(odd) == Contribution("scanner", 0, 5)


def test_the_tests_own_decision_is_no_label() -> None:
    """A source that only the sequential test calls a scanner says nothing of its rates."""
    facts = made({"refused": 30, "empty": 4}, {"stack": 34}, contacts=34)
    assert facts.decision == 1
    assert contribution(facts) is None


def test_a_look_alone_is_no_label() -> None:
    """Nor is a source with a look benign."""
    assert contribution(made({"refused": 9}, {"raw": 9, "nmap-shape": 9}, contacts=9)) is None
    talking = made({"conversed": 9}, {"raw": 9, "nmap-shape": 9}, right=1)
    assert contribution(talking) is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_hard_negative_is_labelled_a_scanner_and_no_scan_benign_but_by_behaviour(
    case: Case,
) -> None:
    """Labels agree with what the named sources are."""
    name, facts, judged = case
    label = contribution(facts)
    if label and label.side == "scanner":
        assert judged.verdict == "scan", name
    if label and label.side == "benign":
        assert judged.tool is None, name


@given(any_facts())
def test_any_facts_contribute_possible_counts(facts: Facts) -> None:
    """Or nothing."""
    label = contribution(facts)
    assert label is None or (
        label.side in ("benign", "scanner") and 0 <= label.success <= label.total
    )


def test_a_source_of_many_contacts_counts_with_255_in_the_same_proportion() -> None:
    """A scan of every port would be the whole estimate, and clipped counts another rate."""
    busy = made({"conversed": 2000, "refused": 100}, {"stack": 2100}, contacts=2100, right=2000)
    assert contribution(busy) == Contribution("benign", 243, MOST)
    scanner = made(
        {"refused": 65000, "half-open": 535}, {"raw": 65535, "masscan-id": 65535}, contacts=65535
    )
    assert contribution(scanner) == Contribution("scanner", 0, MOST)


def test_an_estimate_counts_every_contact_of_a_source() -> None:
    """From packets: 380 of 400 ports have a service, and the client asked them all."""
    said, reply = b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"
    sent = []
    for number in range(400):
        wire = Wire("198.51.100.9", 1000 + number, source_port=20000 + number, at=float(number))
        if number % 20:
            wire.shaken().them(ACK | PSH, said).us(ACK | PSH, reply)
        else:
            wire.them(SYN).us(RST | ACK)
        sent += wire.sent
    engine = Engine((), [ip_network(OURS)])
    engine.take(columns(sent))
    found = estimate(engine, lambda _transport, _port: ("http",))
    success = round(379 * MOST / 399)
    assert found.rates.theta0 == round((success + 1) / (MOST + 2), 4)
    assert found.sentences[0].endswith(f"{success} of {MOST} contacts of benign sources succeeded")
