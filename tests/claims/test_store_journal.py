"""How events are written: what is made by hand for speed is the JSON that json would make."""

import json

from hypothesis import given
from hypothesis import strategies as st

from portbook.claims.changes import claim_body, ended_body
from portbook.claims.journal import body_text
from portbook.claims.replay import Tables, replay
from portbook.model.claim import Bound, Caller, Claim, ClaimEvent

TEXTS = st.none() | st.text(max_size=20)
NUMBERS = st.none() | st.integers(0, 2**53 - 1)
CALLERS = st.builds(Caller, st.integers(0, 2**32), NUMBERS, NUMBERS, NUMBERS, NUMBERS, TEXTS)
TIMES = st.floats(0, 1e11)
CLAIMS = st.builds(
    Claim,
    id=st.binary(min_size=8, max_size=8).map(bytes.hex),
    token=st.integers(0, 2**53 - 1),
    epoch=st.integers(1, 9),
    transport=st.sampled_from(["tcp", "udp"]),
    address=st.ip_addresses().map(str) | st.just("*"),
    port=st.integers(1, 65535),
    size=st.integers(1, 1024),
    owner=CALLERS,
    name=TEXTS,
    key=TEXTS,
    state=st.just("reserved"),
    ttl_ms=st.integers(1000, 10**9),
    expires_ms=st.integers(0, 2**50),
    created=TIMES,
    renewed=TIMES,
    hold=st.booleans(),
    bound=st.none() | st.builds(Bound, NUMBERS, st.integers(0, 2**32)),
    seq=st.integers(0, 2**53),
    request_id=TEXTS,
    labels=st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=3).map(tuple),
)


@given(claim=CLAIMS)
def test_the_text_of_an_event_is_its_body(claim: Claim) -> None:
    """Whatever is in a claim, quotes, controls and lone surrogates too."""
    for kind, body in (
        ("claimed", claim_body(claim)),
        ("released", ended_body(claim)),
        ("expired", ended_body(claim)),
    ):
        assert json.loads(body_text(ClaimEvent(1, 0.0, kind, body))) == body


@given(claim=CLAIMS)
def test_s8_a_claim_comes_back_from_its_text(claim: Claim) -> None:
    """Written, read and replayed it is the same claim."""
    text = body_text(ClaimEvent(1, 0.0, "claimed", claim_body(claim)))
    event = ClaimEvent(1, 0.0, "claimed", json.loads(text))
    assert replay([event]) == Tables((claim,))
