"""Tor's relay port (ORPort): inside TLS, the client names the link versions that it speaks."""

from portbook.identify.probe import Found, More, Probe, Talk

_VERSIONS = b"\x00\x00\x07\x00\x04\x00\x04\x00\x05"
_CERTS = 129


def judge(talk: Talk) -> Found | More | None:
    """A VERSIONS cell with two-byte circuit id, then CERTS with a four-byte one (version 4 on)."""
    reply = talk.first[:64]
    if len(talk.turns) > 1 or not talk.secure or talk.opener != "tor-or":
        return None
    if not reply.startswith(b"\x00\x00\x07"[: len(reply)]):
        return None
    if len(reply) < 5:
        return None if talk.ended else More()
    length = int.from_bytes(reply[3:5])
    if length % 2 or not 2 <= length <= 40:
        return None
    versions = [int.from_bytes(reply[at : at + 2]) for at in range(5, 5 + length, 2)]
    next_cell = reply[5 + length : 10 + length]
    if len(next_cell) < 5 and not talk.ended:
        return More(Found("tor-or", "likely", shows=reply[: 5 + length]))
    if next_cell != bytes((0, 0, 0, 0, _CERTS)) or not set(versions) <= set(range(1, 20)):
        return None
    said = "link versions " + ", ".join(map(str, versions))
    return Found("tor-or", "certain", "Tor", shows=reply[: 5 + length], notes=(said,))


PROBE = Probe(
    name="tor-or",
    title="Tor relay",
    source="Tor tor-spec, Negotiating and initializing connections",
    secure_ports=(9001,),
    programs=("tor",),
    opener=_VERSIONS,
    judge=judge,
)
