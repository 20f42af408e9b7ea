"""The truth table of verdicts: named scanners and named clients that look like scanners."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portbook.model.traffic import SCAN_TYPES, TOOLS, VERDICTS, Judged
from portbook.traffic.facts import KINDS, Facts
from portbook.traffic.judging import decide, judge
from portbook.traffic.judging_scans import RULES
from portbook.traffic.judging_seen import Seen
from traffic.case_made import Case
from traffic.cases_clients import NOT_SCANS
from traffic.cases_scanners import SCANS
from traffic.facts_made import made
from traffic.traffic_cases import CASES


def rounded(count: int) -> int:
    """A count as it is judged: above 64 with its six leading bits."""
    bits = max(0, count.bit_length() - 6)
    return count >> bits << bits


def coarse(facts: Facts) -> Facts:
    """Every count rounded down, as sources are judged."""
    return facts._replace(
        kinds=tuple(map(rounded, facts.kinds)),
        marks=tuple(map(rounded, facts.marks)),
        **{
            name: rounded(getattr(facts, name))
            for name in (
                *("contacts", "ports", "hosts", "successes", "failures", "right", "wrong"),
                *("unknown_bytes", "beats", "syns", "decided_after"),
            )
        },
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_named_source_is_what_it_is(case: Case) -> None:
    """Verdict, confidence, scan type and tool."""
    assert judge(case.facts) == case.judged


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rounded_counts_give_the_same_verdict(case: Case) -> None:
    """No rule needs more of a count above 64 than its six leading bits."""
    assert judge(coarse(case.facts)) == case.judged


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 60))
@example(1055, 60, 0)
def test_rounding_makes_no_failures_of_backscatter(victims: int, retries: int, right: int) -> None:
    """A spoofed source that tries one closed port of ours, and talks to others or not."""
    facts = made(
        {"back-rst": victims, "refused": retries, "conversed": right},
        {"stack": retries + right},
        contacts=victims + 1 + right,
        right=right,
        failures=1,
    )
    assert judge(facts).verdict != "scan"
    assert judge(coarse(facts)).verdict != "scan"


@given(st.integers(1, 511), st.integers(1, 16), st.integers(3, 9))
def test_rounding_makes_no_scan_of_retries(hosts: int, ports: int, times: int) -> None:
    """Every closed contact is asked three times or more, as far as contacts are told apart."""
    contacts = hosts * ports
    tries = contacts * times
    facts = made({"refused": tries}, {"stack": tries}, contacts=contacts, ports=ports, hosts=hosts)
    assert judge(coarse(facts)) == judge(facts) == Judged("unknown", "guess")


@pytest.mark.parametrize(
    ("look", "conversed", "half", "verdict"),
    [
        (3, 8, 2, "scan"),
        (3, 9, 2, "client"),
        (2, 8, 2, "client"),
        (3, 8, 0, "client"),
    ],
)
def test_a_look_beside_conversations_must_stand_out(
    look: int, conversed: int, half: int, verdict: str
) -> None:
    """A quarter of the first packets, and a half-open connection to four conversations."""
    facts = made(
        {"conversed": conversed, "half-open": half, "refused": 3 - half},
        {"stack": conversed, "raw": 3, "nmap-shape": look},
        contacts=3,
        right=1,
    )
    assert judge(facts).verdict == verdict


def test_what_talks_by_its_own_raw_packets_is_not_nmap() -> None:
    """Its conversations come from the system's stack, a small device's do not."""
    marks = {"raw": 6, "nmap-shape": 6, "nmap-pair": 5}
    device = made({"conversed": 3, "half-open": 3}, marks, right=1)
    assert judge(device).verdict == "client"
    scanner = made(
        {"conversed": 3, "half-open": 3, "refused": 3}, {**marks, "stack": 3}, right=1, contacts=4
    )
    assert judge(scanner)[:2] == ("scan", "certain")
    assert judge(scanner).tool == "nmap"


@pytest.mark.parametrize("case", NOT_SCANS, ids=lambda case: case.name)
def test_no_hard_negative_is_a_scan(case: Case) -> None:
    """What real clients, load balancers and spoofed victims do is never called a scan."""
    assert judge(case.facts).verdict != "scan"


def test_the_cases_cover_every_tool_scan_type_verdict_rule_and_kind() -> None:
    """A new one needs a named source."""
    assert {case.judged.tool for case in SCANS} == {*TOOLS, None}
    assert {case.judged.scan_type for case in SCANS} == set(SCAN_TYPES)
    assert {case.judged.verdict for case in CASES} == set(VERDICTS)
    rules = {decide(Seen(case.facts))[1] for case in SCANS}
    assert rules == {"tool", *(name for name, _ in RULES)}
    seen = {name for case in CASES for name, n in zip(KINDS, case.facts.kinds, strict=True) if n}
    assert seen == set(KINDS)
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    ("count", "verdict"), [(3, "probe"), (7, "probe"), (8, "scan"), (9, "scan")]
)
def test_closed_ports_alone_are_a_scan_from_eight_on(count: int, verdict: str) -> None:
    """A client of several services of a host that restarts meets closed ports, too."""
    facts = made({"refused": count}, {"stack": count}, contacts=count)
    assert judge(facts).verdict == verdict


@pytest.mark.parametrize(("count", "verdict"), [(3, "probe"), (4, "scan")])
def test_silent_connections_are_a_scan_when_the_test_decides(count: int, verdict: str) -> None:
    """Four first contacts to open ports without a byte."""
    facts = made({"empty": count}, {"stack": count}, contacts=count)
    assert judge(facts).verdict == verdict


def test_a_test_that_decides_sooner_does_not_make_a_scan_of_three_contacts() -> None:
    """Rates of one's own may decide after one failure; fewer than four are a probe."""
    facts = made({"empty": 3}, {"stack": 3}, contacts=3)._replace(decision=1, decided_after=1)
    assert judge(facts).verdict == "probe"


@pytest.mark.parametrize(("hosts", "verdict"), [(7, "probe"), (8, "scan")])
def test_one_port_of_several_addresses_is_a_scan_from_eight_on(hosts: int, verdict: str) -> None:
    """A name with several addresses is tried at each of them."""
    facts = made({"empty": hosts}, {"stack": hosts}, contacts=hosts, hosts=hosts)
    assert judge(facts).verdict == verdict


@pytest.mark.parametrize(("failed", "verdict"), [(5, "client"), (6, "scan")])
def test_silence_outweighs_one_conversation_from_six_on(failed: int, verdict: str) -> None:
    """A source that also talks needs more failures than one that never does."""
    facts = made(
        {"empty": failed, "conversed": 1}, {"stack": failed + 1}, contacts=failed + 1, right=1
    )
    assert judge(facts).verdict == verdict


@pytest.mark.parametrize(("failed", "verdict"), [(11, "client"), (12, "scan")])
def test_failures_must_be_four_times_the_conversations(failed: int, verdict: str) -> None:
    """Three conversations, then eleven or twelve silent contacts."""
    facts = made(
        {"empty": failed, "conversed": 3}, {"stack": failed + 3}, contacts=failed + 3, right=3
    )
    assert judge(facts).verdict == verdict


@pytest.mark.parametrize(
    ("rhythm", "verdict"),
    [
        ((3, 10.0, 0.35), "health-check"),
        ((2, 10.0, 0.35), "probe"),
        ((3, 10.0, 0.36), "probe"),
        ((3, 0.5, 0.0), "health-check"),
        ((3, 0.49, 0.0), "probe"),
    ],
)
def test_the_rhythm_of_a_health_check(rhythm: tuple[int, float, float], verdict: str) -> None:
    """Three repetitions or more, half a second or more apart, that vary by 35 % at most."""
    facts = made({"empty": rhythm[0] + 1}, {"stack": rhythm[0] + 1}, rhythm=rhythm)
    assert judge(facts).verdict == verdict


def test_one_port_asked_in_a_rhythm_does_not_hide_a_sweep() -> None:
    """The rhythm must be of everything that the source does."""
    facts = made({"empty": 29}, {"stack": 29}, contacts=10, rhythm=(19, 10.0, 0.0))
    assert judge(facts).verdict == "scan"


def test_a_rhythm_over_many_ports_is_a_scan_that_comes_back() -> None:
    """Health checks ask few ports."""
    facts = made({"empty": 100}, {"stack": 100}, contacts=17, rhythm=(5, 10.0, 0.0))
    assert judge(facts).verdict == "scan"


def test_a_service_that_is_mostly_refused_has_no_health_check() -> None:
    """A steady retry is a client's as well."""
    facts = made({"empty": 1, "refused": 30}, {"stack": 31}, rhythm=(30, 2.0, 0.0))
    assert judge(facts).verdict != "health-check"


@pytest.mark.parametrize(("times", "verdict"), [(2, "probe"), (3, "unknown")])
def test_asking_a_closed_port_three_times_is_a_retry(times: int, verdict: str) -> None:
    """A scan asks each closed port once, one that does not answer twice."""
    facts = made({"refused": 4 * times}, {"stack": 4 * times}, contacts=4)
    assert judge(facts).verdict == verdict


def test_marks_of_raw_tools_are_not_believed_of_a_stack() -> None:
    """All first packets are a stack's own: then no raw-packet tool sent them."""
    facts = made({"conversed": 3}, {"stack": 3, "masscan-id": 2, "mirai": 1}, right=1)
    assert judge(facts).verdict == "client"
    assert judge(facts).tool is None


@pytest.mark.parametrize(
    ("marks", "tool"),
    [
        ({"mirai": 2, "masscan-id": 2, "zmap-id": 2, "nmap-pair": 3}, "mirai"),
        ({"masscan-id": 2, "zmap-id": 2, "nmap-pair": 3}, "masscan"),
        ({"zmap-id": 2, "unicornscan-pair": 1, "nmap-pair": 3}, "zmap"),
        ({"unicornscan-pair": 1, "nmap-pair": 3}, "unicornscan"),
        ({"nmap-pair": 3, "masscan-id": 1}, "nmap"),
    ],
)
def test_of_equally_sure_tools_the_rarest_chance_wins(marks: dict[str, int], tool: str) -> None:
    """Certain before likely, then Mirai, masscan, ZMap, unicornscan, nmap."""
    assert judge(made({"refused": 4}, {"raw": 4, **marks}, contacts=4)).tool == tool


@pytest.mark.parametrize(
    ("marks", "sure"),
    [
        ({"zmap-id": 1}, "likely"),
        ({"zmap-id": 2}, "certain"),
        ({"masscan-id": 1}, "likely"),
        ({"masscan-id": 2}, "certain"),
        ({"mirai": 1}, "certain"),
        ({"nmap-pair": 1}, "likely"),
        ({"nmap-pair": 2}, "certain"),
        ({"nmap-pair": 1, "nmap-shape": 2}, "certain"),
        ({"unicornscan-pair": 1}, "certain"),
        ({"nmap-shape": 2}, "likely"),
        ({"zmap-shape": 2}, "likely"),
        ({"nmap-os": 1}, "likely"),
    ],
)
def test_how_sure_a_mark_is(marks: dict[str, int], sure: str) -> None:
    """One mark of 2^-16 is likely, two are certain; a formula of 2^-32 is certain at once."""
    judged = judge(made({"refused": 2}, {"raw": 2, **marks}, contacts=2))
    assert (judged.verdict, judged.confidence) == ("scan", sure)


@pytest.mark.parametrize(("count", "tool"), [(3, "nmap"), (63, "nmap"), (64, "masscan")])
def test_marks_by_chance_among_many_packets_name_no_tool(count: int, tool: str) -> None:
    """A scan by nmap of every port carries masscan's mark once or twice by chance."""
    marks = {"raw": 255, "nmap-shape": 255, "nmap-pair": 255, "masscan-id": count}
    assert judge(made({"refused": 255}, marks, contacts=255)).tool == tool


@pytest.mark.parametrize(("count", "tool"), [(11, None), (12, "zmap")])
def test_a_dozen_marks_are_no_chance(count: int, tool: str | None) -> None:
    """A scanner behind the address of many clients is found."""
    facts = made(
        {"conversed": 243, "half-open": 12},
        {"stack": 243, "raw": 12, "zmap-id": count},
        right=1,
        contacts=2,
    )
    assert judge(facts).tool == tool
