"""Every judge, played what real servers said, what merely resembles it, and what nobody says."""

import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.identify.judging import found_of, judged, said_of
from portbook.identify.probe import Again, Found, More, Probe, Send, StartTls, Talk, Turn
from portbook.identify.probes import all_probes, probe_named
from portbook.model.speaks import CONFIDENCES
from recorded_replies import FOLDER, Recorded, probes_with_replies, recorded

REPLIES = list(recorded("reply"))
NEAR_MISSES = list(recorded("near_miss"))
OPENERS = sorted({"", *(probe.name for probe in all_probes())})


@pytest.mark.parametrize("each", REPLIES, ids=lambda each: each.name)
def test_a_recorded_conversation_is_recognised(each: Recorded) -> None:
    """Its own judge leads through it turn by turn, in the words that were sent."""
    probe = probe_named(each.probe)
    assert probe.judge is not None
    last = len(each.talk.turns)
    for turn in range(1, last):
        word = probe.judge(each.upto(turn))
        sent = each.talk.turns[turn].sent
        if sent:
            assert isinstance(word, Send)
            assert word.data == sent
        else:
            assert isinstance(word, StartTls)
    word = probe.judge(each.talk)
    assert word is not None
    found = found_of(word)
    assert found is not None
    got = {key: getattr(found, key) for key in each.expect if key != "notes"}
    assert got == {key: value for key, value in each.expect.items() if key != "notes"}
    assert set(each.expect.get("notes", ())) <= set(found.notes)


@pytest.mark.parametrize("each", REPLIES, ids=lambda each: each.name)
def test_no_other_judge_is_certain_of_it(each: Recorded) -> None:
    """Two exclusive protocols are never certain of the same bytes."""
    for turn in range(1, len(each.talk.turns) + 1):
        words = said_of(each.upto(turn), all_probes())
        sure = {
            found.protocol
            for word in words
            if (found := found_of(word.word)) and found.confidence == "certain"
        }
        assert len(sure) < 2, (sure, each.talk.turns[turn - 1])
        if turn > 1:
            break


@pytest.mark.parametrize("each", NEAR_MISSES, ids=lambda each: each.name)
def test_a_near_miss_is_not_taken_for_it(each: Recorded) -> None:
    """What merely resembles the protocol is a guess at most."""
    probe = probe_named(each.probe)
    assert probe.judge is not None
    word = probe.judge(each.talk)
    found = found_of(word) if word is not None else None
    own = found is not None and found.protocol == each.expect.get("protocol", each.probe)
    assert not own or (found is not None and found.confidence == "guess")


@pytest.mark.parametrize("name", probes_with_replies())
def test_a_file_of_replies_belongs_to_a_probe(name: str) -> None:
    """Each file is named like a probe."""
    assert probe_named(name).name == name


@pytest.mark.parametrize("probe", [p for p in all_probes() if p.judge], ids=lambda p: p.name)
def test_every_judge_has_a_reply_and_a_near_miss(probe: Probe) -> None:
    """A judge without a recorded reply or without a near miss is unproven."""
    assert os.path.exists(os.path.join(FOLDER, f"{probe.name}.toml"))
    assert any(each.probe == probe.name for each in REPLIES)
    assert any(each.probe == probe.name for each in NEAR_MISSES)


@pytest.mark.parametrize("probe", all_probes(), ids=lambda p: p.name)
def test_what_it_reacts_to_is_recorded(probe: Probe) -> None:
    """A claim that a wrong opener is answered recognisably has a reply that shows it."""
    shown = {each.talk.opener for each in REPLIES if each.probe == probe.name}
    assert set(probe.reacts_to) <= shown


_PIECES = sorted({turn.received for each in (*REPLIES, *NEAR_MISSES) for turn in each.talk.turns})
_SENT = sorted({turn.sent for each in REPLIES for turn in each.talk.turns})


@st.composite
def _talks(draw: st.DrawFn) -> Talk:
    """Conversations of arbitrary, recorded, cut, spliced and damaged bytes."""
    turns = []
    for _ in range(draw(st.integers(1, 3))):
        data = draw(st.one_of(st.binary(max_size=300), st.sampled_from(_PIECES or [b""])))
        other = draw(st.sampled_from(_PIECES or [b""]))
        cut = draw(st.integers(0, len(data)))
        data = draw(st.sampled_from((data, data[:cut], data[:cut] + other, data[cut:], other)))
        if data and draw(st.booleans()):
            at = draw(st.integers(0, len(data) - 1))
            data = data[:at] + bytes((draw(st.integers(0, 255)),)) + data[at + 1 :]
        turns.append(Turn(draw(st.sampled_from(_SENT or [b""])), data))
    return Talk(
        draw(st.sampled_from(("tcp", "udp"))),
        draw(st.sampled_from(OPENERS)),
        tuple(turns),
        secure=draw(st.booleans()),
        closed=draw(st.booleans()),
        ended=draw(st.booleans()),
    )


@settings(max_examples=400, deadline=None)
@given(_talks())
def test_no_bytes_make_a_judge_raise_or_contradict_itself(talk: Talk) -> None:
    """Never an exception, never a word out of the contract, never two certain protocols."""
    sure = set()
    for each in said_of(talk, all_probes()):
        word = each.word
        assert isinstance(word, (Found, More, Send, StartTls, Again))
        found = found_of(word)
        if found is not None:
            assert found.confidence in CONFIDENCES
            assert found.product is None or found.product
            assert found.version is None or found.version
            if found.confidence == "certain":
                sure.add(found.protocol)
        if isinstance(word, Send):
            assert 0 < len(word.data) <= 1024
    if len(talk.turns) == 1:
        assert len(sure) < 2
    judged(talk)


@pytest.mark.parametrize("probe", [p for p in all_probes() if p.judge], ids=lambda p: p.name)
def test_the_time_of_a_judge_is_linear(probe: Probe) -> None:
    """Sixteen times the bytes take no more than some sixty times as long (quadratic: 256)."""
    assert probe.judge is not None
    mine = [each.talk for each in REPLIES if each.probe == probe.name][:6]
    for talk in mine:
        piece = talk.turns[0].received or b"x"
        for filler in (piece, b"\r\n", b" ", b"\x00", b"a", b"-"):
            small = _time(probe, talk, (piece + filler * (2048 // len(filler) + 1))[:2048])
            large = _time(probe, talk, (piece + filler * (32768 // len(filler) + 1))[:32768])
            # The constant is what one look costs in any case: clocks and caches are noisy.
            assert large < 60 * small + 0.004


def _time(probe: Probe, talk: Talk, data: bytes) -> float:
    assert probe.judge is not None
    shown = talk._replace(turns=(talk.turns[0]._replace(received=data),))
    best = 1.0
    for _ in range(3):
        before = time.perf_counter()
        probe.judge(shown)
        best = min(best, time.perf_counter() - before)
    return best
