"""The sentences for a verdict and against it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model.traffic import Judged
from portbook.traffic.engine import MOST_OWN
from portbook.traffic.evidence import ALL_HOSTS, evidence
from portbook.traffic.facts import KINDS, MARKS, Facts
from portbook.traffic.judging import judge
from portbook.traffic.trw import Rates
from traffic.case_made import Case
from traffic.facts_made import any_facts, made, with_sparse_kinds
from traffic.traffic_cases import CASES


def told(facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The evidence for the verdict that these facts have."""
    return evidence(facts, judge(facts))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_verdict_has_evidence_and_unknown_what_is_missing(case: Case) -> None:
    """Sentences are short, start small, end without a full stop, and are told once."""
    found, against = evidence(case.facts, case.judged)
    assert found
    for sentence in (*found, *against):
        assert 5 < len(sentence) <= 200
        assert not sentence.endswith(".")
        assert "{" not in sentence
    assert not set(found) & set(against)
    assert len({*found, *against}) == len(found) + len(against)
    if case.judged.verdict == "unknown":
        assert found[0].endswith(("would tell", "would say is missing"))


@given(st.one_of(any_facts(), with_sparse_kinds()))
def test_any_facts_have_evidence(facts: Facts) -> None:
    """Never an exception, never a verdict without a reason."""
    found, against = told(facts)
    assert found
    assert all(
        isinstance(sentence, str) and "\n" not in sentence for sentence in (*found, *against)
    )


def test_a_mark_is_told_with_its_share_and_its_chance() -> None:
    """Strongest first."""
    facts = made({"refused": 14}, {"raw": 14, "zmap-id": 14}, contacts=14)
    mark, header, test, flows = told(facts)[0]
    assert mark == (
        "14 of 14 SYN packets carry IP ID 54321, which ZMap up to 4.0 sends"
        " (chance 1 in 65,536 each)"
    )
    assert header == "14 of 14 SYN packets have a header that no stack sends"
    assert test == (
        "the sequential test: scanner after 4 first contacts (14 failed, 0 succeeded in all;"
        " theta0 0.8, theta1 0.2)"
    )
    assert flows == "14 refused connections; came to 14 ports of 1 own address in all"


def test_the_sequential_test_is_told_with_its_rates() -> None:
    """Those that decided, not the defaults."""
    facts = made({"empty": 4}, {"stack": 4}, contacts=4)
    found, _ = evidence(facts, judge(facts))
    assert found[0] == (
        "the sequential test: scanner after 4 first contacts (4 failed, 0 succeeded; theta0 0.8,"
        " theta1 0.2)"
    )
    found, _ = evidence(facts, judge(facts), Rates(0.7, 0.1))
    assert found[0].endswith("theta0 0.7, theta1 0.1)")


def test_what_speaks_against_a_scan_is_told() -> None:
    """Its conversations, its own stack, the marks of another tool."""
    facts = made(
        {"half-open": 1, "conversed": 1},
        {"raw": 1, "nmap-shape": 1, "stack": 1, "masscan-id": 1},
        right=1,
    )
    judged = Judged("scan", "likely", "syn", "nmap")
    found, against = evidence(facts, judged)
    assert "look of nmap" in found[0]
    assert "masscan" in against[0]
    assert "spoke the port's own protocol at 1 of 1 contact" in against
    assert "1 of 2 SYN packets is an operating system's own" in against


def test_what_speaks_against_a_client_is_told() -> None:
    """Its failures, with the sequential test where that says scanner."""
    facts = made({"conversed": 1, "refused": 5}, {"stack": 6}, contacts=6, right=1)
    found, against = told(facts)
    assert found[0] == "spoke the port's own protocol at 1 of 6 contacts"
    assert any("scanner after 4" in sentence for sentence in against)
    assert any(sentence.startswith("5 refused connections") for sentence in against)


def test_a_health_check_is_told_by_its_rhythm() -> None:
    """How often, how far apart, how even."""
    facts = made({"empty": 6}, {"stack": 6}, rhythm=(5, 60.0, 0.1))
    assert told(facts)[0][0] == "came again 5 times, every minute (intervals vary by 10%)"


def test_a_rhythm_speaks_against_a_probe() -> None:
    """A raw packet every second is no health check, but the rhythm is said."""
    facts = made({"half-open": 6}, {"raw": 6}, rhythm=(5, 1.0, 0.1))
    assert any("every second" in sentence for sentence in told(facts)[1])


def test_what_began_before_the_capture_is_not_called_impossible() -> None:
    """A packet without SYN in the middle of a connection is every stack's."""
    facts = made({"midstream": 3}, {"raw": 3})
    assert told(facts) == (("3 connections under way when the capture began",), ())


def test_unanswered_datagrams_are_told_where_they_count() -> None:
    """In a sweep with few ICMP errors, not in a client's stream."""
    sweep = made({"udp-closed": 6, "udp-silent": 200}, contacts=206)
    assert any("200 datagram flows without an answer" in sentence for sentence in told(sweep)[0])
    stream = made({"udp-answered": 1, "udp-silent": 20}, contacts=21, right=1)
    assert not any("without an answer" in s for sentences in told(stream) for s in sentences)


@pytest.mark.parametrize("mark", [mark for mark in MARKS if mark not in ("raw", "stack")])
def test_every_mark_has_a_sentence(mark: str) -> None:
    """A new mark needs one; those that are formulas say their chance."""
    facts = made({"half-open": 3}, {"raw": 3, "masscan-id": 3, mark: 3}, contacts=3)
    with_it = [s for part in told(facts) for s in part]
    without = [s for part in told(made({"half-open": 3}, {"raw": 3}, contacts=3)) for s in part]
    new = [sentence for sentence in with_it if sentence not in without]
    assert any(sentence.startswith("3 ") for sentence in new)
    formula = mark.endswith(("-id", "-pair")) or mark == "mirai"
    if formula:
        assert any("chance 1 in" in sentence for sentence in new)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_alone_has_true_evidence(kind: str) -> None:
    """The one flow is told, or what is missing."""
    found, _ = told(made({kind: 1}, {}, failures=0))
    assert found[0].startswith(("1 ", "no flow that it began", "our SYN-ACK", "datagrams without"))


@pytest.mark.parametrize(
    ("hosts", "said"),
    [(1, "of 1 own address in"), (511, "of 511 own addr"), (512, "of 512 or more own addr")],
)
def test_own_addresses_that_are_not_told_apart_are_said(hosts: int, said: str) -> None:
    """From the bound of the engine on, one row stands for all further ones."""
    assert ALL_HOSTS == MOST_OWN + 1
    facts = made({"empty": hosts}, {"stack": hosts}, contacts=hosts, hosts=hosts)
    assert any(said in sentence for sentence in told(facts)[0])


def test_ports_of_several_transports_are_said_to_be_counted_apart() -> None:
    """53/tcp and 53/udp are two."""
    both = made({"refused": 5, "udp-closed": 5}, {"stack": 5}, contacts=10)
    assert told(both)[0][-1].endswith(
        "came to 10 ports (TCP and UDP counted apart) of 1 own address in all"
    )
    one = made({"refused": 10}, {"stack": 10}, contacts=10)
    assert told(one)[0][-1].endswith("came to 10 ports of 1 own address in all")


def test_a_look_that_names_no_tool_speaks_against_a_client() -> None:
    """A small device that looks like nmap, and talks."""
    device = made({"conversed": 50, "half-open": 1}, {"raw": 51, "nmap-shape": 51}, right=1)
    found, against = told(device)
    assert found == ("spoke the port's own protocol at 1 of 1 contact",)
    assert any("which is no proof" in sentence for sentence in against)
