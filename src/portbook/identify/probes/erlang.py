"""Erlang distribution: the client names itself, the node answers with a status and a challenge.

We end there, before anything is proven: the node forgets us without a word in its log. The
capabilities are those that every node since OTP 25 asks for (with fewer it writes an error).
"""

from portbook.identify.probe import Found, More, Probe, Talk

_NAME = b"a@b.c"
_FLAGS = (0x0D07DF7FBD).to_bytes(8)
_HELLO = b"N" + _FLAGS + b"\0\0\0\x01" + len(_NAME).to_bytes(2) + _NAME
_STATUS = (b"ok", b"ok_simultaneous", b"nok", b"not_allowed", b"alive", b"named:")


def judge(talk: Talk) -> Found | More | None:
    """`s` with a status, then `N` or `n` with the name of the node and a challenge."""
    if talk.transport != "tcp" or talk.opener != "erlang" or len(talk.turns) > 1:
        return None
    reply = talk.first
    size = int.from_bytes(reply[:2])
    if len(reply) < 3:
        return More() if reply[:1] in (b"", b"\0") and not talk.ended else None
    status = reply[3 : 2 + size]
    if reply[2:3] != b"s" or not 3 <= size <= 300 or not status.startswith(_STATUS):
        return None
    if len(reply) < 2 + size:
        return None if talk.ended else More()
    if status not in (b"ok", b"ok_simultaneous") and not status.startswith(b"named:"):
        return Found("erlang", "certain", shows=reply[: 2 + size])
    found = Found("erlang", "likely", shows=reply[: 2 + size])
    node = _node(reply[2 + size :])
    if node is None:
        return found if talk.ended else More(found)
    shows = reply[2 : 2 + size] + b" " + node
    name = node.decode("utf-8", "replace")
    return Found("erlang", "certain", shows=shows, notes=(f"node {name}",))


def _node(challenge: bytes) -> bytes | None:
    """The name in a whole challenge: of OTP 23 and later, or the old one."""
    size = int.from_bytes(challenge[:2])
    body = challenge[2 : 2 + size]
    if size < 12 or len(body) < size:
        return None
    if body[:1] == b"N" and size >= 19:
        length = int.from_bytes(body[17:19])
        name = body[19 : 19 + length]
        return name if len(name) == length and b"@" in name else None
    return body[11:] if body[:3] == b"n\0\x05" and b"@" in body[11:] else None


PROBE = Probe(
    name="erlang",
    title="Erlang distribution",
    source="Erlang distribution protocol, handshake, erlang.org/doc/apps/erts/erl_dist_protocol",
    ports=(25672, 9001),
    commands=("inet_dist_listen_min {port}", "inet_dist_listen_max {port}"),
    opener=len(_HELLO).to_bytes(2) + _HELLO,
    judge=judge,
)
