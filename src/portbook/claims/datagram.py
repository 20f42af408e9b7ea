"""The datagram of 3255/udp: 64 bytes that ask for a port's claim, or renew one; 64 that answer.

All numbers are big endian. A request:

    offset  bytes  field
    0       4      "PBK1"
    4       1      op: 1 STATUS, 2 HEARTBEAT
    5       1      flags: bit 0 is the transport, 0 tcp and 1 udp; the others are zero
    6       2      port, 1 to 65535; zero in a HEARTBEAT
    8       8      nonce, the asker's own
    16      8      claim_id; zero in a STATUS
    24      8      token; zero in a STATUS
    32      8      seq, above that of every HEARTBEAT before; zero in a STATUS
    40      16     mac; zero in a STATUS where the service has no key
    56      8      zero

and its answer, which has the first 16 bytes of the request but for the highest bit of op:

    16      1      state: 0 unclaimed, 1 reserved, 2 bound, 3 squatted, 4 lost
    17      3      zero
    20      4      user id of the owner; 2**32 - 1 where there is no claim
    24      8      token; zero where there is no claim
    32      4      milliseconds until the claim expires, at most 2**32 - 1
    36      4      zero
    40      16     mac; zero where the request's was
    56      8      zero

A mac is the first half of HMAC-SHA256 (RFC 2104) over the 64 bytes with 16 zeros in its place:
with the service's key for a STATUS, with the claim's secret for a HEARTBEAT.
"""

import hmac
from hashlib import blake2b
from struct import Struct

from portbook.model.claim import Claim
from portbook.model.record import Record

SIZE = 64
STATUS, HEARTBEAT = 1, 2
STATES = ("unclaimed", "reserved", "bound", "squatted", "lost")
NOBODY = 2**32 - 1
_MAGIC = b"PBK1"
_ANSWERS = 0x80
_UDP = 1
_LONGEST = 2**32 - 1
_MOST_TOKEN = 2**53 - 1
_MOST_SEQ = 2**63 - 1  # what a column of SQLite holds
_REQUEST = Struct(">4sBBH8s8sQQ16s8s")
_REPLY = Struct(">4sBBH8sB3sIQI4s16s8s")
_MAC = slice(40, 56)
_ZERO8 = bytes(8)
_ZERO16 = bytes(16)
_CODES = {name: code for code, name in enumerate(STATES)}
_unpack, _pack_reply = _REQUEST.unpack, _REPLY.pack


class Request(Record):
    """A request that is well formed; whether its `mac` is right is for who has the key.

    `transport` and `port` are those of a STATUS; `claim_id` (16 hex digits), `token` and `seq`
    those of a HEARTBEAT.
    """

    op: int
    transport: str
    port: int
    nonce: bytes
    claim_id: str
    token: int
    seq: int
    mac: bytes


class Reply(Record):
    """An answer. `uid` is None where there is no claim, `mac` 16 zeros where none was asked for."""

    op: int
    transport: str
    port: int
    nonce: bytes
    state: str
    uid: int | None
    token: int
    expires_in_ms: int
    mac: bytes


def claim_secret(store_secret: bytes, claim_id: str, token: int) -> bytes:
    """The 32 bytes that a claim's HEARTBEATs are signed with; a new token makes a new secret.

    Keyed BLAKE2b (RFC 7693 section 2.9): only the service makes them, and once for each claim.
    """
    told = bytes.fromhex(claim_id) + token.to_bytes(8, "big")
    return blake2b(told, digest_size=32, key=store_secret, person=b"portbook claim 1").digest()


def sign(data: bytes, key: bytes) -> bytes:
    """The same 64 bytes with their mac."""
    blank = data[:40] + _ZERO16 + data[56:]
    return blank[:40] + hmac.digest(key, blank, "sha256")[:16] + blank[56:]


def is_signed(data: bytes, key: bytes) -> bool:
    """Whether the mac in a datagram is that of the key; the time it takes tells nothing."""
    return hmac.compare_digest(sign(data, key)[_MAC], data[_MAC])


def status_request(transport: str, port: int, nonce: bytes, key: bytes | None = None) -> bytes:
    """What asks for the claim of a port."""
    flags = _UDP if transport == "udp" else 0
    made = _REQUEST.pack(_MAGIC, STATUS, flags, port, nonce, _ZERO8, 0, 0, _ZERO16, _ZERO8)
    return sign(made, key) if key else made


def heartbeat_request(claim_id: str, token: int, seq: int, nonce: bytes, secret: bytes) -> bytes:
    """What renews a claim; `secret` is what POST /v1/claims told (or `claim_secret`)."""
    who = bytes.fromhex(claim_id)
    made = _REQUEST.pack(_MAGIC, HEARTBEAT, 0, 0, nonce, who, token, seq, _ZERO16, _ZERO8)
    return sign(made, secret)


def read_request(data: bytes) -> Request | None:
    """The request in a datagram; None for anything that is not to be answered."""
    if len(data) != SIZE:
        return None
    magic, op, flags, port, nonce, who, token, seq, mac, pad = _unpack(data)
    if magic != _MAGIC or pad != _ZERO8:
        return None
    if op == STATUS:
        if flags > _UDP or not port or who != _ZERO8 or token or seq:
            return None
        return Request(op, "udp" if flags else "tcp", port, nonce, "", 0, 0, mac)
    if op != HEARTBEAT or flags or port or not 0 < token <= _MOST_TOKEN:
        return None
    if not 0 < seq <= _MOST_SEQ:
        return None
    return Request(op, "tcp", 0, nonce, who.hex(), token, seq, mac)


def reply(
    request: Request, claim: Claim | None, now: int, key: bytes | None, *, lost: bool = False
) -> bytes:
    """The answer to a request, signed with `key` if there is one.

    Args:
        request: what was asked.
        claim: the claim that it is about; None where there is none.
        now: milliseconds of the claim's clock.
        key: the service's key or the claim's secret.
        lost: the claim has ended; nothing else is told of it.
    """
    state, uid, token, left = _CODES["lost"] if lost else 0, NOBODY, 0, 0
    if claim is not None and not lost:
        state = _CODES.get(claim.state, 0)
        if state:
            uid, token = claim.owner.uid, claim.token
            left = min(max(0, claim.expires_ms - now), _LONGEST)
    made = _pack_reply(
        _MAGIC,
        request.op | _ANSWERS,
        _UDP if request.transport == "udp" else 0,
        request.port,
        request.nonce,
        state,
        b"",
        uid,
        token,
        left,
        b"",
        _ZERO16,
        _ZERO8,
    )
    return sign(made, key) if key else made


def read_reply(data: bytes) -> Reply | None:
    """The answer in a datagram; None for anything else. Who has a key asks `is_signed` as well."""
    if len(data) != SIZE:
        return None
    magic, op, flags, port, nonce, state, none, uid, token, left, nil, mac, pad = _REPLY.unpack(
        data
    )
    if magic != _MAGIC or op not in (STATUS | _ANSWERS, HEARTBEAT | _ANSWERS) or flags > _UDP:
        return None
    if any(none) or any(nil) or any(pad) or state >= len(STATES):
        return None
    return Reply(
        op - _ANSWERS,
        "udp" if flags else "tcp",
        port,
        nonce,
        STATES[state],
        None if uid == NOBODY else uid,
        token,
        left,
        mac,
    )
