"""What holds of the verdict on any source."""

from hypothesis import given
from hypothesis import strategies as st

from portbook.model.traffic import SCAN_TYPES, TOOLS, VERDICTS
from portbook.traffic.facts import KINDS, MARKS, Facts
from portbook.traffic.judging import judge
from traffic.facts_made import any_facts, made, with_sparse_kinds

CLIENT_KINDS = (
    *("conversed", "greeted", "empty", "empty-reset", "open", "half-open", "half-silent"),
    *("refused", "ignored", "udp-answered", "udp-silent", "udp-closed", "midstream"),
)
"""What real clients' flows may be, with their own stacks, whatever happens on the way."""


def real_flows() -> st.SearchStrategy[dict[str, int]]:
    """Flows of a real client, any numbers of any kinds."""
    return st.dictionaries(st.sampled_from(CLIENT_KINDS), st.integers(1, 255), min_size=1)


def stack_of(kinds: dict[str, int]) -> dict[str, int]:
    """All first packets are of a system's own stack."""
    return {"stack": max(1, sum(kinds.values()))}


@given(st.one_of(any_facts(), with_sparse_kinds()))
def test_any_facts_have_one_verdict_of_the_known_ones(facts: Facts) -> None:
    """No exception, a scan type with a scan alone, and known words everywhere."""
    judged = judge(facts)
    assert judged.verdict in VERDICTS
    assert judged.confidence in ("certain", "likely", "guess")
    assert (judged.scan_type is not None) == (judged.verdict == "scan")
    assert judged.scan_type is None or judged.scan_type in SCAN_TYPES
    assert judged.tool is None or judged.tool in TOOLS
    assert judged.tool is None or judged.verdict in ("scan", "probe")
    assert judge(facts) == judged


@given(with_sparse_kinds())
def test_a_further_right_conversation_never_makes_a_scan(facts: Facts) -> None:
    """Talking speaks for a client; only what fails can speak against it."""
    more = facts._replace(
        kinds=_one_more(facts.kinds, KINDS, "conversed"),
        marks=_one_more(facts.marks, MARKS, "stack"),
        right=facts.right + 1,
        successes=facts.successes + 1,
        contacts=facts.contacts + 1,
        syns=facts.syns + 1,
    )
    if judge(more).verdict == "scan":
        assert judge(facts).verdict == "scan"


def _one_more(counts: tuple[int, ...], names: tuple[str, ...], name: str) -> tuple[int, ...]:
    return tuple(count + (each == name) for count, each in zip(counts, names, strict=True))


@given(
    real_flows(),
    st.integers(0, 1),
    st.integers(0, 255),
    st.floats(0, 60),
    st.floats(0, 2),
    st.integers(0, 1),
)
def test_one_port_from_a_real_stack_is_never_a_scan(
    kinds: dict[str, int], right: int, beats: int, period: float, variation: float, wrong: int
) -> None:
    """However often, however regular, whatever is lost on the way, and after a wrong protocol."""
    facts = made(
        kinds, stack_of(kinds), right=right, wrong=wrong, rhythm=(beats, period, variation)
    )
    assert judge(facts).verdict != "scan"


@given(real_flows(), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3))
def test_a_peer_of_few_services_is_never_a_scan(
    kinds: dict[str, int], ports: int, right: int, hosts: int
) -> None:
    """Up to three services, at up to three addresses of ours, of which some may be down."""
    contacts = max(ports * hosts, right)
    ports = max(ports, right)
    facts = made(kinds, stack_of(kinds), contacts=contacts, ports=ports, hosts=hosts, right=right)
    assert judge(facts).verdict != "scan"


@given(st.integers(1, 200), st.integers(0, 200), st.integers(0, 200))
def test_greetings_heard_at_many_ports_are_never_a_scan(
    conversed: int, greeted: int, failures: int
) -> None:
    """Data connections of FTP say nothing and go to a new port each time."""
    facts = made(
        {"conversed": conversed, "greeted": greeted},
        {"stack": conversed + greeted},
        contacts=1 + greeted,
        right=1,
        failures=min(failures, greeted),
    )
    assert judge(facts).verdict == "client"


@given(st.integers(1, 255), st.integers(1, 255), st.sampled_from(("udp-silent", "ignored")))
def test_what_nobody_answers_at_one_port_is_no_scan(count: int, beats: int, kind: str) -> None:
    """Logs and counters are sent without waiting for an answer."""
    facts = made({kind: count}, {"stack": count} if kind == "ignored" else {})
    assert judge(facts).verdict in ("unknown", "client")


@given(with_sparse_kinds(), st.sampled_from(("fin", "null", "xmas", "syn-fin", "odd")))
def test_two_packets_that_no_stack_sends_are_a_scan(facts: Facts, kind: str) -> None:
    """Whatever else the source does."""
    kinds = list(facts.kinds)
    kinds[KINDS.index(kind)] += 2
    assert judge(facts._replace(kinds=tuple(kinds))).verdict == "scan"


@given(with_sparse_kinds())
def test_backscatter_alone_has_its_own_name(facts: Facts) -> None:
    """What spoofed victims send is neither a scan nor a client, in any number and of any mark."""
    kinds = tuple(
        count if name.startswith("back-") or name in ("reflection", "own") else 0
        for name, count in zip(KINDS, facts.kinds, strict=True)
    )
    verdict = judge(facts._replace(kinds=kinds)).verdict
    asked = sum(kinds) > kinds[KINDS.index("own")]
    assert verdict == ("backscatter" if asked else "unknown")


@given(st.integers(1, 255), st.integers(0, 255), st.integers(0, 5))
def test_one_sequence_number_of_mirai_is_certain(count: int, talked: int, right: int) -> None:
    """Its chance is 2^-32."""
    facts = made(
        {"refused": count, "conversed": talked},
        {"raw": count, "mirai": 1, "stack": talked},
        contacts=1 + right,
        right=right,
    )
    assert judge(facts)[:2] == ("scan", "certain")
    assert judge(facts).tool == "mirai"
