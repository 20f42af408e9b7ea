"""The 64-byte datagram: what is read is what was written, and nothing else is read at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.claims.datagram import (
    HEARTBEAT,
    NOBODY,
    SIZE,
    STATES,
    STATUS,
    claim_secret,
    heartbeat_request,
    is_signed,
    read_reply,
    read_request,
    reply,
    sign,
    status_request,
)
from portbook.model.claim import Caller, Claim

NONCE = b"\x01\x02\x03\x04\x05\x06\x07\x08"
SECRET = bytes(range(32))
ID = "00112233445566ff"

transports = st.sampled_from(("tcp", "udp"))
ports = st.integers(1, 65535)
nonces = st.binary(min_size=8, max_size=8)
ids = st.binary(min_size=8, max_size=8).map(bytes.hex)
tokens = st.integers(1, 2**53 - 1)
seqs = st.integers(1, 2**63 - 1)
keys = st.binary(min_size=16, max_size=64)
well_formed = st.one_of(
    st.builds(status_request, transports, ports, nonces, st.none() | keys),
    st.builds(heartbeat_request, ids, tokens, seqs, nonces, keys),
)


def claim(
    state: str = "bound", *, uid: int = 1000, token: int = 7, expires_ms: int = 5000
) -> Claim:
    """A claim of 8080/tcp."""
    return Claim(
        ID, token, 1, "tcp", "*", 8080, 1, Caller(uid), None, None, state, 30_000, expires_ms, 0, 0
    )


def test_layout_of_a_status_is_the_one_described() -> None:
    """Every byte where the table says, so that other languages can write it."""
    made = status_request("udp", 0x1F90, NONCE)
    assert made == b"PBK1\x01\x01\x1f\x90" + NONCE + bytes(48)


def test_layout_of_a_heartbeat_is_the_one_described() -> None:
    """The same for what renews."""
    made = heartbeat_request(ID, 7, 9, NONCE, SECRET)
    head = b"PBK1\x02\x00\x00\x00" + NONCE + bytes.fromhex(ID)
    assert made[:40] == head + (7).to_bytes(8, "big") + (9).to_bytes(8, "big")
    assert made[40:56] != bytes(16)
    assert made[56:] == bytes(8)


def test_layout_of_a_reply_is_the_one_described() -> None:
    """The same for the answer."""
    asked = read_request(status_request("tcp", 8080, NONCE))
    assert asked is not None
    told = reply(asked, claim(), 2000, None)
    assert told[:16] == b"PBK1\x81\x00\x1f\x90" + NONCE
    assert told[16:24] == b"\x02\0\0\0" + (1000).to_bytes(4, "big")
    assert told[24:40] == (7).to_bytes(8, "big") + (3000).to_bytes(4, "big") + bytes(4)
    assert told[40:] == bytes(24)


@given(well_formed)
def test_what_is_written_is_read(data: bytes) -> None:
    """Both operations, all values within their bounds."""
    found = read_request(data)
    assert found is not None
    assert found.op in (STATUS, HEARTBEAT)
    assert found.nonce == data[8:16]


@given(transports, ports, nonces, st.sampled_from(STATES[1:4]), st.integers(0, NOBODY - 1), tokens)
def test_reply_tells_the_claim(
    transport: str, port: int, nonce: bytes, state: str, uid: int, token: int
) -> None:
    """The answer is as long as the question, and says what the claim is."""
    asked = read_request(status_request(transport, port, nonce))
    assert asked is not None
    data = reply(asked, claim(state, uid=uid, token=token), 1, None)
    told = read_reply(data)
    assert len(data) == SIZE
    assert told is not None
    assert (told.transport, told.port, told.nonce) == (transport, port, nonce)
    assert (told.state, told.uid, told.token, told.expires_in_ms) == (state, uid, token, 4999)


@given(st.integers(-(2**60), 2**60), st.integers(0, 2**62))
def test_time_that_is_left_always_fits(expires: int, now: int) -> None:
    """Past is 0, and what four bytes cannot hold is the most that they can."""
    asked = read_request(status_request("tcp", 1, NONCE))
    assert asked is not None
    told = read_reply(reply(asked, claim(expires_ms=expires), now, None))
    assert told is not None
    assert told.expires_in_ms == min(max(0, expires - now), 2**32 - 1)


@pytest.mark.parametrize("state", ["expired", "released"])
def test_ended_claim_is_none(state: str) -> None:
    """Neither its token nor its owner is told any more."""
    asked = read_request(status_request("tcp", 1, NONCE))
    assert asked is not None
    told = read_reply(reply(asked, claim(state), 0, None))
    assert told is not None
    assert (told.state, told.uid, told.token, told.expires_in_ms) == ("unclaimed", None, 0, 0)


@given(st.binary(max_size=200).filter(lambda data: len(data) != SIZE))
def test_any_other_length_is_nothing(data: bytes) -> None:
    """Neither side reads it."""
    assert read_request(data) is None
    assert read_reply(data) is None


@given(well_formed, st.integers(0, 63))
def test_truncated_is_nothing(data: bytes, size: int) -> None:
    """However many of its bytes arrive."""
    assert read_request(data[:size]) is None


@given(st.binary(min_size=SIZE, max_size=SIZE))
def test_random_bytes_are_nothing(data: bytes) -> None:
    """64 of them."""
    if data[:4] != b"PBK1":
        assert read_request(data) is None


@given(st.binary(min_size=60, max_size=60))
def test_reader_never_fails(rest: bytes) -> None:
    """Random bytes behind the right first four: None, or values within their bounds."""
    found = read_request(b"PBK1" + rest)
    if found is not None:
        assert found.op in (STATUS, HEARTBEAT)
        assert (found.op == STATUS) == (found.port > 0)
        assert found.token < 2**53
        assert found.seq < 2**63
    read_reply(b"PBK1" + rest)


@given(well_formed, st.sampled_from((0, 1, 2, 3, 5, *range(56, 64))), st.integers(1, 255))
def test_a_changed_byte_that_is_fixed_is_refused(data: bytes, place: int, change: int) -> None:
    """Magic, flags but for the transport, and the end have one value each."""
    changed = bytearray(data)
    changed[place] ^= change
    if place == 5 and data[4] == STATUS and changed[5] <= 1:
        return
    assert read_request(bytes(changed)) is None


@given(st.integers(0, 255).filter(lambda op: op not in (STATUS, HEARTBEAT)))
def test_unknown_operation_is_refused(op: int) -> None:
    """Replies too: two services cannot keep each other busy."""
    made = bytearray(status_request("tcp", 1, NONCE))
    made[4] = op
    assert read_request(bytes(made)) is None


@given(well_formed)
def test_reply_is_no_request(data: bytes) -> None:
    """Whatever is answered, the answer is never answered."""
    found = read_request(data)
    assert found is not None
    assert read_request(reply(found, None, 0, SECRET)) is None
    assert read_request(reply(found, claim(), 0, None)) is None


@pytest.mark.parametrize("place", range(16, 40))
def test_status_has_nothing_but_a_port(place: int) -> None:
    """Fields that mean nothing in it are zero."""
    made = bytearray(status_request("tcp", 1, NONCE))
    made[place] = 1
    assert read_request(bytes(made)) is None


@pytest.mark.parametrize("flags", [2, 3, 4, 128, 255])
def test_unknown_flags_are_refused(flags: int) -> None:
    """Bits that mean nothing yet are zero; in a HEARTBEAT all of them."""
    for made in (status_request("tcp", 1, NONCE), heartbeat_request(ID, 1, 1, NONCE, SECRET)):
        assert read_request(made[:5] + bytes([flags]) + made[6:]) is None
    assert read_request(made[:5] + b"\1" + made[6:]) is None


@pytest.mark.parametrize(("token", "seq"), [(0, 1), (2**53, 1), (1, 0), (1, 2**63)])
def test_numbers_out_of_bounds_are_refused(token: int, seq: int) -> None:
    """Token and seq of a HEARTBEAT."""
    assert read_request(heartbeat_request(ID, token, seq, NONCE, SECRET)) is None


@given(well_formed, keys, st.integers(0, 63), st.integers(1, 255))
def test_mac_holds_every_byte(data: bytes, key: bytes, place: int, change: int) -> None:
    """One changed bit anywhere, or another key, and it is not signed."""
    signed = sign(data, key)
    assert is_signed(signed, key)
    assert not is_signed(signed, key + b"x")
    changed = bytearray(signed)
    changed[place] ^= change
    assert not is_signed(bytes(changed), key)


@given(ids, tokens, ids, tokens)
def test_secret_is_of_one_claim_and_token(
    first: str, first_token: int, second: str, second_token: int
) -> None:
    """After a transfer the old owner cannot renew, and no claim's secret fits another."""
    same = (first, first_token) == (second, second_token)
    one, two = claim_secret(SECRET, first, first_token), claim_secret(SECRET, second, second_token)
    assert (one == two) == same
    assert len(one) == 32
    assert one != claim_secret(SECRET[::-1], first, first_token)
