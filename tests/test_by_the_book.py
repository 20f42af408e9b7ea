"""The answer from the tables alone: the same document on every machine."""

import json

import pytest

from portbook.model import BadPort, document
from portbook.survey import by_the_book, look
from test_documents import validator


@pytest.mark.parametrize("port", [0, 7, 80, 3255, 8086, 32768, 50000, 65535])
def test_it_fits_the_schema_of_an_answer(port: int) -> None:
    """The document is that of `portbook PORT`."""
    plain = json.loads(json.dumps(document("answer", by_the_book(port))))
    validator("answer").validate(plain)


def test_it_says_that_no_machine_was_looked_at() -> None:
    """Nothing is claimed of a machine, and the way to ask one is told."""
    answer = by_the_book(3255, "udp")
    assert answer.listeners == ()
    assert answer.bindable == {}
    assert [gap.hint for gap in answer.incomplete] == ["portbook 3255/udp"]


def test_what_the_tables_tell_is_what_a_look_tells() -> None:
    """Only what is of the machine differs."""
    book, machine = by_the_book(8086), look(8086)
    for field in ("range", "assignments", "life", "unofficial", "suspicious_uses"):
        assert getattr(book, field) == getattr(machine, field)


@pytest.mark.parametrize(
    ("port", "privileged", "ephemeral"),
    [
        (0, False, False),
        (1, True, False),
        (1023, True, False),
        (1024, False, False),
        (32767, False, False),
        (32768, False, True),
        (60999, False, True),
        (61000, False, True),
        (65535, False, True),
    ],
)
def test_the_advice_is_by_the_usual_defaults(port: int, privileged: bool, ephemeral: bool) -> None:  # noqa: FBT001 - a table
    """Linux' range and IANA's are both ephemeral; below 1024 is privileged."""
    advice = by_the_book(port).advice
    assert (advice.privileged, advice.ephemeral) == (privileged, ephemeral)
    assert not advice.kernel_reserved


def test_the_usual_defaults_are_not_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the host is read: the door to it may be closed."""
    answer = by_the_book(443)
    monkeypatch.setattr("builtins.open", None)
    assert by_the_book(443) == answer


def test_what_is_no_port_or_transport_is_refused() -> None:
    """As everywhere."""
    with pytest.raises(BadPort):
        by_the_book(65536)
    with pytest.raises(BadPort):
        by_the_book(80, "quic")
