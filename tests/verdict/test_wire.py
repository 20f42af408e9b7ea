"""What was heard on the wire, weighed: mismatch, expected, and where the sources disagree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model import Facts, Wire
from portbook.verdict import judge
from portbook.verdict.conflict import conflict

SSH = Wire("ssh", "certain", "ssh (OpenSSH 9.2p1)", ("ssh",))
HTTP = Wire("http", "certain", "http (nginx)", ("http", "http-alt"), carrier=True)
USUAL = HTTP._replace(usual=True)
TLS = Wire("tls", "certain", "tls", ("https",), carrier=True)
PERHAPS = SSH._replace(confidence="likely")


@pytest.mark.parametrize(
    ("facts", "value", "says"),
    [
        (Facts("sshd", ("http",), wire=SSH), "mismatch", "registered as http, and what answers"),
        (Facts("sshd", ("http",), registered_match="http", wire=SSH), "mismatch", "OpenSSH"),
        (Facts("x", ("ssh",), wire=SSH), "expected", "which is what ssh is registered for"),
        (Facts(None, ("ssh",), wire=SSH), "expected", "OpenSSH 9.2p1) answers"),
        (Facts("x", ("http",), unofficial_match="X", wire=SSH), "familiar", "X is known"),
        (Facts("x", ("d-s-n",), registered_match="d-s-n", wire=HTTP), "expected", "known to"),
        (Facts("x", ("d-s-n",), wire=HTTP), "mismatch", "http (nginx)"),
        (Facts("x", ("http",), wire=PERHAPS), "unknown", "is not certain"),
        (Facts("x", ("irdmi",), wire=USUAL), "familiar", "which is usual on this number"),
        (Facts("x", ("imaps",), wire=TLS), "unknown", "does not tell"),
        (Facts("x", wire=SSH), "unregistered", "ssh (OpenSSH 9.2p1) answers"),
    ],
)
def test_the_wire_is_weighed(facts: Facts, value: str, says: str) -> None:
    """A certain answer beats a name; a carrier says nothing against a known program."""
    verdict = judge(facts)
    assert verdict.value == value
    assert says in "; ".join(verdict.reasons)


def test_a_mismatch_is_known_beneath_a_suspicion() -> None:
    """Evidence of harm gives the value, and the contradiction is not forgotten."""
    verdict = judge(Facts("sshd", ("http",), wire=SSH, exe="/tmp/sshd"))  # noqa: S108
    assert (verdict.value, verdict.beneath) == ("suspicious", "mismatch")


@given(st.sampled_from(("likely", "guess")), st.lists(st.sampled_from(("http", "ssh", "smtp"))))
def test_only_certainty_makes_a_mismatch(confidence: str, registered: list[str]) -> None:
    """A guess accuses nobody."""
    wire = SSH._replace(confidence=confidence)
    assert judge(Facts("x", tuple(registered), wire=wire)).value != "mismatch"


def test_the_sources_stand_side_by_side() -> None:
    """As the issue words it."""
    said = conflict(
        ("semaphore",), "redis-server", "Redis 7.0.15", as_registered=False, as_process=True
    )
    assert said == ("registered: semaphore, process: redis-server, wire: Redis 7.0.15",)


@pytest.mark.parametrize(
    ("registered", "process", "wire", "as_registered", "as_process"),
    [
        ((), None, None, False, True),
        ((), None, "ssh", False, True),
        ((), "sshd", "ssh", False, True),
        (("ssh",), "sshd", "ssh", True, True),
        (("ssh",), None, "ssh", True, True),
    ],
)
def test_agreement_is_silent(
    registered: tuple[str, ...],
    process: str | None,
    wire: str | None,
    *,
    as_registered: bool,
    as_process: bool,
) -> None:
    """Nothing disagrees where a source has nothing to say."""
    said = conflict(registered, process, wire, as_registered=as_registered, as_process=as_process)
    assert said == ()


def test_a_process_that_is_known_for_something_else_is_a_conflict_on_any_number() -> None:
    """An sshd that answers HTTP, on a number that nobody registered."""
    said = conflict((), "sshd", "http", as_registered=False, as_process=False)
    assert said == ("process: sshd, wire: http",)
