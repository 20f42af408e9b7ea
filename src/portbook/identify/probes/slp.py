"""SLP (service location): a request for the types of services is answered with a list of them."""

from portbook.identify.probe import Found, More, Probe, Talk

_NUMBER = b"pb"
_REQUEST, _REPLY = 9, 10


def judge(talk: Talk) -> Found | More | None:
    """Version 2, the reply to our request by its number, lengths that agree."""
    reply = talk.first
    if talk.opener != "slp" or reply[:2] != bytes((2, _REPLY)):
        return None
    if len(reply) < 18:
        return None if talk.ended else More()
    length = int.from_bytes(reply[2:5])
    language = int.from_bytes(reply[12:14])
    if reply[10:12] != _NUMBER or not 18 <= length <= 65535 or language > 32:
        return None
    if len(reply) < min(length, 2048):
        return None if talk.ended else More()
    at = 14 + language + 2
    listed = reply[at + 2 : at + 2 + int.from_bytes(reply[at : at + 2])]
    return Found("slp", "certain", shows=listed[:80] or reply[:18])


def _request() -> bytes:
    # No previous responders, every naming authority, the default scope.
    body = b"\0\0" + b"\xff\xff" + b"\0\x07DEFAULT"
    head = b"\0\0" + bytes(3) + _NUMBER + b"\0\x02en"
    return bytes((2, _REQUEST)) + (5 + len(head) + len(body)).to_bytes(3) + head + body


PROBE = Probe(
    name="slp",
    title="SLP (service location)",
    source="RFC 2608 sections 8 and 10.1",
    services=("svrloc",),
    ports=(427,),
    programs=("slpd", "openslp", "openslp-server"),
    opener=_request(),
    datagram=_request(),
    judge=judge,
)
