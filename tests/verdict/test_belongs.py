"""The verdict is a pure function of the facts: its truth table."""

import pytest

from portbook.model import Facts
from portbook.verdict import judge


@pytest.mark.parametrize(
    ("facts", "value", "says"),
    [
        (
            Facts("ssh", ("ssh",), registered_match="ssh"),
            "expected",
            "the registered service",
        ),
        (Facts("sshd", ("ssh",), registered_match="ssh"), "expected", "sshd is known to speak it"),
        (
            Facts("influxd", ("d-s-n",), unofficial_match="InfluxDB"),
            "familiar",
            "InfluxDB is known",
        ),
        (Facts("python3", ("http-alt",)), "unknown", "python3 does not tell"),
        (Facts(None, ("http-alt",)), "unknown", "no process is visible"),
        (Facts("node"), "unregistered", "nobody registered this number"),
        (Facts("node", ephemeral=True), "unregistered", "hands it out"),
        (Facts(None), "unregistered", "nobody registered this number"),
        (
            Facts("x", ("a",), registered_match="a", unofficial_match="X"),
            "expected",
            "registered as a",
        ),
    ],
)
def test_the_value_follows_from_the_facts(facts: Facts, value: str, says: str) -> None:
    """A registered match comes before an unofficial one, and both before silence."""
    verdict = judge(facts)
    assert verdict.value == value
    assert says in "; ".join(verdict.reasons)


def test_a_name_alone_never_accuses() -> None:
    """Without asking on the wire nothing is a mismatch or suspicious."""
    for process in (None, "evil", "sshd"):
        for registered in ((), ("ssh",)):
            assert judge(Facts(process, registered)).value in ("unknown", "unregistered")
