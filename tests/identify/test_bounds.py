"""What a listener is spared, and whose word counts: the guards themselves."""

import pytest

from portbook.identify.connection import Budget, BudgetSpent
from portbook.identify.judging import judged, said_of
from portbook.identify.limits import CONNECTIONS_IN_ALL, SENT_BYTES
from portbook.identify.probe import Found, More, Probe, Talk, Turn
from portbook.identify.probes import probe_named


def test_no_byte_is_sent_beyond_the_bound() -> None:
    """What would exceed it is refused before it is sent, and not counted."""
    budget = Budget()
    budget.spend(SENT_BYTES)
    with pytest.raises(BudgetSpent):
        budget.spend(1)
    assert budget.sent == SENT_BYTES
    assert not budget.allows_tls(lean=True)


def test_sockets_that_share_a_port_are_spared_as_many_times() -> None:
    """Each of them is spared what one is."""
    budget = Budget(2)
    budget.spend(2 * SENT_BYTES)
    for _ in range(2 * CONNECTIONS_IN_ALL):
        budget.connect()
    with pytest.raises(BudgetSpent):
        budget.spend(1)
    with pytest.raises(BudgetSpent):
        budget.connect()


def _believer(name: str, confidence: str = "certain", product: str | None = None) -> Probe:
    """A probe that takes anything for its own."""
    return Probe(
        name=name,
        title=name,
        source="a test",
        judge=lambda _: Found(name, confidence, product),
    )


def test_an_echo_is_shown_to_one_judge_alone() -> None:
    """Our own words, whole or begun, prove nothing of a protocol that repeats them."""
    for came in (b"JDWP-Handshake", b"JDWP"):
        talk = Talk("tcp", "x", (Turn(b"JDWP-Handshake", came),))
        words = said_of(talk, (_believer("x"), probe_named("echo")))
        assert all(each.probe.name == "echo" for each in words)
    longer = Talk("tcp", "x", (Turn(b"abc", b"abcdef"),))
    assert [each.probe.name for each in said_of(longer, (_believer("x"),))] == ["x"]


def test_two_that_are_certain_are_both_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should two judges ever claim the same bytes, neither is called certain."""
    from portbook.identify import judging

    both = (_believer("one"), _believer("two"))
    monkeypatch.setattr(judging, "all_probes", lambda: both)
    word = judged(Talk("tcp", "", (Turn(b"", b"hello"),)))
    assert word is not None and isinstance(word.word, Found)
    assert word.word.confidence == "likely"
    assert word.word.notes[-1] in ("also looks like one", "also looks like two")


def test_an_application_beats_its_protocol_and_confidence_beats_both() -> None:
    """The weight of words, one against the other."""
    from portbook.identify.judging import Judged, _weight

    http = Judged(_believer("http"), Found("http", "certain", "nginx", "1.22.1"))
    panel = Judged(_believer("grafana"), Found("http", "certain", "Grafana"))
    doubt = Judged(_believer("grafana"), Found("http", "likely", "Grafana", "10"))
    nothing = Judged(_believer("x"), More())
    assert _weight(panel) > _weight(http) > _weight(doubt) > _weight(nothing)
