"""NSQ: the client sends two spaces and V2, then IDENTIFY, as every client library does."""

import json

from portbook.identify.probe import Again, Found, More, Probe, Talk

_BODY = b'{"feature_negotiation":true}'
_OPENER = b"  V2IDENTIFY\n" + len(_BODY).to_bytes(4) + _BODY
_MOST = 8192
_BAD = b"\0\0\0\x12\0\0\0\x01E_BAD_PROTOCOL"


def judge(talk: Talk) -> Found | More | Again | None:
    """A frame of type 0 with what nsqd allows as JSON; E_BAD_PROTOCOL to a stranger."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    if reply == _BAD:
        found = Found("nsq", "certain", shows=reply)
        return Again(_OPENER, found) if talk.opener != "nsq" else found
    if talk.opener != "nsq" or reply[:2] != b"\0\0"[: len(reply)]:
        return None
    size = int.from_bytes(reply[:4])
    if len(reply) < 8 or (reply[8:9] == b"{" and 8 < size <= _MOST and len(reply) < size + 4):
        return None if talk.ended else More()
    if reply[4:8] != b"\0\0\0\0" or reply[8:9] != b"{" or len(reply) != size + 4 or size > _MOST:
        return None
    told = _told(reply[8:])
    if "max_rdy_count" not in told:
        return None
    version = told.get("version")
    clean = version if isinstance(version, str) and version.isprintable() and version else None
    notes = ("asks for a password",) if told.get("auth_required") is True else ()
    return Found("nsq", "certain", "nsqd", clean and clean[:40], reply[8:80], notes)


def _told(text: bytes) -> dict[str, object]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


PROBE = Probe(
    name="nsq",
    title="NSQ",
    source="NSQ TCP protocol specification, nsq.io/clients/tcp_protocol_spec.html",
    ports=(4150,),
    programs=("nsqd",),
    opener=_OPENER,
    reacts_to=("http",),
    judge=judge,
)
