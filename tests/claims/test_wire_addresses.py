"""Addresses as anybody may write them: refused or in their usual form, and always JSON."""

import asyncio
import itertools
import json
import time
from functools import partial
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portbook.claims import wire
from portbook.claims.changes import claim_body
from portbook.claims.desk import Desk
from portbook.claims.journal import body_text
from portbook.claims.ledger import Ledger
from portbook.claims.replies import told_claims
from portbook.claims.routes import Asked, Reply
from portbook.model.claim import Caller, Claim, ClaimEvent, ClaimRefused, ClaimRequest

ME = Caller(0)
ZONED = [
    "fe80::1%lo",
    "fe80::1%zzz",
    'fe80::1%","token":7,"x":"',
    'fe80::1%"',
    "fe80::1%\ud800",
    "fe80::1%25lo",
    "::1%",
    "%",
]
_SIGNS = st.text(st.characters(exclude_categories=()), max_size=40)
_ANY_TEXT = st.one_of(
    _SIGNS,
    _SIGNS.map(lambda zone: f"fe80::1%{zone}"),
    st.sampled_from(ZONED),
    st.text('0123456789abcdef:.%*/ "\\,', max_size=45),
    st.ip_addresses().map(str),
)
"""Every text, half characters too, and what looks like an address."""


def _is_plain(text: str) -> bool:
    """Whether a text may be claimed as an address."""
    if text == "*":
        return True
    try:
        return "%" not in text and bool(str(ip_address(text)))
    except ValueError:
        return False


def new_ledger() -> Ledger:
    """A store in memory."""
    drawn = itertools.count(1)
    return Ledger(draw=lambda: next(drawn), wall=time.time)


def at_desk(*bodies: dict[str, Any]) -> tuple[list[Reply], Ledger]:
    """What a desk answers to claims, which all come in one turn."""
    ledger = new_ledger()
    got: dict[int, Reply] = {}

    async def run() -> None:
        desk = Desk(ledger, lambda _: (), lambda *_: None, asyncio.get_running_loop())
        for place, body in enumerate(bodies):
            data = json.dumps(body).encode()
            asked = Asked("POST", "/v1/claims", "", data, ME, admitted=True)
            desk.handle(asked, partial(got.__setitem__, place))
        await asyncio.sleep(0)
        desk.close()

    asyncio.run(run())
    return [got[place] for place in range(len(bodies))], ledger


@given(_ANY_TEXT)
@example("fe80::1%lo")
@example('fe80::1%","token":7,"x":"')
@example("fe80::1%\ud800")
@example("*")
@example("::FFFF:1.2.3.4")
def test_any_text_as_an_address_is_refused_or_in_its_usual_form(text: str) -> None:
    """422 or 201, for this one alone; every answer, and every event of it, is JSON."""
    got, ledger = at_desk({"port": 7000}, {"port": 7001, "addr": text}, {"port": 7002})
    first, found, last = (json.loads(each.body) for each in got)
    assert [got[0].status, got[2].status] == [201, 201]
    assert (first["claims"][0]["port"], last["claims"][0]["port"]) == (7000, 7002)
    if _is_plain(text):
        assert got[1].status == 201
        usual = text if text == "*" else str(ip_address(text))
        assert found["claims"][0]["address"] == usual
        assert found["claims"][0]["token"] == ledger.claims()[1].token
    else:
        assert (got[1].status, found["error"]["code"]) == (422, "invalid")
    for event in ledger.events(0):
        assert json.loads(body_text(event))["port"] in (7000, 7001, 7002)


@given(_ANY_TEXT)
@example("fe80::1%lo")
def test_a_store_takes_no_address_with_a_zone_either(text: str) -> None:
    """Without a service nobody reads the request before it."""
    ledger = new_ledger()
    request = ClaimRequest(port=7000, address=text)
    try:
        (claim,) = ledger.acquire(request, ME, ME, 1000, lambda: (), lambda *_: None)
    except ClaimRefused as refused:
        assert refused.code == "invalid"  # noqa: PT017 - both are right
        assert not _is_plain(text)
        assert ledger.claims() == ()
    else:
        assert _is_plain(text)
        assert claim.address == text or claim.address == str(ip_address(text))


@given(st.none() | st.booleans() | st.integers() | st.lists(_ANY_TEXT, max_size=2) | _ANY_TEXT)
def test_whatever_is_no_address_is_invalid(value: Any) -> None:
    """None is as if it were not there."""
    try:
        request = wire.claim_request({"addr": value})
    except ClaimRefused as refused:
        assert refused.code == "invalid"  # noqa: PT017 - both are right
        assert not (isinstance(value, str) and _is_plain(value))
    else:
        assert value is None or _is_plain(value)
        assert "%" not in request.address


@given(_ANY_TEXT)
@example('fe80::1%","token":7,"x":"')
def test_no_address_breaks_out_of_its_quotes(text: str) -> None:
    """One from a store of an earlier day may hold anything: it is told and kept as one text."""
    claim = Claim(
        id="ab" * 8,
        token=5,
        epoch=1,
        transport="tcp",
        address=text,
        port=7000,
        size=1,
        owner=ME,
        name=None,
        key=None,
        state="reserved",
        ttl_ms=1000,
        expires_ms=2000,
        created=0.0,
        renewed=0.0,
    )
    (told,) = json.loads(told_claims((claim,), 1000, bytes(32)).body)["claims"]
    assert (told["address"], told["token"]) == (text, 5)
    assert "x" not in told
    kept = json.loads(body_text(ClaimEvent(1, 0.0, "claimed", claim_body(claim))))
    assert (kept["address"], kept["token"]) == (text, 5)


@pytest.mark.parametrize("text", ZONED)
def test_a_zone_does_not_hold_up_what_comes_with_it(text: str) -> None:
    """Alone or twice in a turn, beside a name that is no Unicode."""
    got, ledger = at_desk(
        {"port": 7000, "addr": text},
        {"port": 7001, "name": "a\ud800"},
        {"port": 7000, "addr": text},
        {"port": 7000, "addr": "::1"},
    )
    assert [each.status for each in got] == [422, 422, 422, 201]
    assert [each.port for each in ledger.claims()] == [7000]
