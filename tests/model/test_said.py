"""Sentences that remember how they were made are plain English text to everybody else."""

import copy
import json
import pickle

import pytest

from portbook.model import (
    EnvironmentFault,
    Gap,
    Joined,
    Said,
    Unknown,
    Verbatim,
    Verdict,
    plain,
    reason_of,
)

NAMES = Joined(("ssh", "http"), either=True)
SENTENCE = Said("registered as %(names)s; %(process)s speaks", names=NAMES, process="x")
COUNTED = Said.plural("%(n)s row of %(path)s", "%(n)s rows of %(path)s", 2, path="/p")


def test_a_sentence_is_its_english_text() -> None:
    """Equal to the same text, with the same hash, and the same in JSON and in records."""
    text = "registered as ssh or http; x speaks"
    assert text == SENTENCE
    assert hash(SENTENCE) == hash(text)
    assert json.dumps(plain(Gap(SENTENCE, Verbatim("no")))) == json.dumps(plain(Gap(text, "no")))
    assert Gap(SENTENCE, "a") == Gap(text, "a")
    assert {Unknown("denied", Said("run as root")): 1}[Unknown("denied", "run as root")]
    assert Said("100 %") == "100 %"


def test_a_sentence_that_counts_has_two_forms() -> None:
    """One, and all other numbers; the number is a value as any other."""
    assert COUNTED == "2 rows of /p"
    assert Said.plural("%(n)s row", "%(n)s rows", 1) == "1 row"
    assert Said.plural("%(n)s row", "%(n)s rows", 0) == "0 rows"
    assert COUNTED.values == {"n": 2, "path": "/p"}
    assert (COUNTED.message, COUNTED.many) == ("%(n)s row of %(path)s", "%(n)s rows of %(path)s")


def test_texts_are_joined() -> None:
    """By `or`, or by a semicolon; of nothing there is nothing."""
    assert Joined(("a", "b", "c")) == "a; b; c"
    assert Joined(("a", "b", "c"), either=True) == "a or b or c"
    assert not Joined(())


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_sentence_survives_a_pickle(protocol: int) -> None:
    """The export's workers and copies get the parts as well."""
    verdict = Verdict("unknown", (SENTENCE, COUNTED, Verbatim("as it is")))
    for again in (
        pickle.loads(pickle.dumps(verdict, protocol)),  # noqa: S301 - made just now
        copy.deepcopy(verdict),
        copy.copy(verdict),
    ):
        assert again == verdict
        first, second, third = again.reasons
        assert isinstance(first, Said)
        assert isinstance(second, Said)
        names = first.values["names"]
        assert isinstance(names, Joined)
        assert (first.message, first.values) == (SENTENCE.message, SENTENCE.values)
        assert names.parts == ("ssh", "http")
        assert (second.many, second.values) == (COUNTED.many, COUNTED.values)
        assert isinstance(third, Verbatim)


@pytest.mark.parametrize(
    ("error", "said", "kind"),
    [
        (EnvironmentFault(SENTENCE), SENTENCE, Said),
        (EnvironmentFault("it is broken"), "it is broken", Verbatim),
        (ValueError(SENTENCE), SENTENCE, Said),
        (ValueError(), "", Verbatim),
        (KeyError("x"), "'x'", Verbatim),
        (OSError(13, "Permission denied", "/x"), "Permission denied", Verbatim),
        (OSError(90, Said("too long")), "too long", Said),
        (OSError("odd"), "odd", Verbatim),
        (OSError(), "OSError", Verbatim),
    ],
)
def test_an_error_hands_its_sentence_on(error: Exception, said: str, kind: type) -> None:
    """What is ours is known as ours, also where it was raised and caught."""
    found = reason_of(error)
    assert (found, type(found)) == (said, kind)
