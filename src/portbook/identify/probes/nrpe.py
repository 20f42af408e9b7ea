"""NRPE of Nagios: the client asks first, here for the version, which every client asks."""

import zlib

from portbook.identify.probe import Found, More, Probe, Talk

_QUESTION, _ANSWER = 1, 2
_CHECK = b"_NRPE_CHECK\0"
_HEADER = 16


def _packet() -> bytes:
    """A packet of version 4: version, kind, CRC, result, padding, length, text."""
    start, rest = b"\0\4" + _QUESTION.to_bytes(2), bytes(4) + len(_CHECK).to_bytes(4) + _CHECK
    return start + zlib.crc32(start + bytes(4) + rest).to_bytes(4) + rest


def judge(talk: Talk) -> Found | More | None:
    """An answer of a version from 2 to 4; older ones answer nothing to so short a packet."""
    reply = talk.first
    if talk.transport != "tcp" or talk.opener != "nrpe" or len(talk.turns) > 1:
        return None
    if not reply or reply[:1] != b"\0" or reply[1:2] not in (b"", b"\2", b"\3", b"\4"):
        return None
    if len(reply) < _HEADER + 6:
        return None if talk.ended else More()
    if reply[2:4] != _ANSWER.to_bytes(2):
        return None
    # Version 2 has its text of fixed length at 10, the later ones say the length.
    text = reply[10:1034] if reply[1] == 2 else reply[_HEADER : _HEADER + 1024]
    text = text.split(b"\0", 1)[0][:80]
    name, _, version = text.decode("ascii", "replace").partition(" v")
    if name == "NRPE" and version:
        return Found("nrpe", "certain", "NRPE", version.split(" ")[0], shows=text)
    return Found("nrpe", "likely", shows=reply[:_HEADER])


PROBE = Probe(
    name="nrpe",
    title="NRPE (Nagios)",
    source="NRPE, include/common.h and docs",
    services=("nrpe",),
    ports=(5666,),
    programs=("nrpe", "nagios-nrpe-server"),
    opener=_packet(),
    judge=judge,
)
