"""The NetBIOS session service that carries SMB on port 139: the client asks for a session first."""

from portbook.identify.probe import Found, More, Probe, Send, Talk
from portbook.identify.wire import smb_message as smb


def _encoded(name: bytes) -> bytes:
    """A NetBIOS name in its first-level encoding (RFC 1001 section 14.1)."""
    letters = bytes(65 + half for byte in name for half in (byte >> 4, byte & 15))
    return b"\x20" + letters + b"\x00"


_CALLED, _CALLING = _encoded(b"*SMBSERVER".ljust(16)), _encoded(b"PORTBOOK".ljust(16))
_REQUEST = b"\x81\x00" + len(_CALLED + _CALLING).to_bytes(2) + _CALLED + _CALLING
_ERRORS = {
    0x80: "does not listen on the called name",
    0x81: "does not listen for the calling name",
    0x82: "called name not present",
    0x83: "insufficient resources",
    0x8F: "unspecified error",
}


def judge(talk: Talk) -> Found | More | Send | None:
    """A positive or negative session response; then what SMB answers inside the session."""
    if talk.transport != "tcp" or talk.opener != "netbios-ssn":
        return None
    if len(talk.turns) > 1:
        return _inside(talk)
    if talk.first == b"\x82\x00\x00\x00":
        found = Found("netbios-ssn", "certain", shows=talk.first)
        return Send(smb.negotiate(), found)
    if len(talk.first) == 5 and talk.first[:4] == b"\x83\x00\x00\x01" and talk.first[4] in _ERRORS:
        note = _ERRORS[talk.first[4]]
        return Found("netbios-ssn", "certain", shows=talk.first, notes=(note,))
    return None


def _inside(talk: Talk) -> Found | More:
    found = smb.read(talk, talk.reply)
    if isinstance(found, More):
        return found
    if found is None or not talk.first.startswith(b"\x82\0\0\0"):
        return Found("netbios-ssn", "certain", shows=talk.first[:5])
    return found._replace(notes=(*found.notes, "over NetBIOS"))


PROBE = Probe(
    name="netbios-ssn",
    title="NetBIOS session service",
    source="RFC 1002 section 4.3",
    services=("netbios-ssn",),
    ports=(139,),
    programs=("smbd",),
    opener=_REQUEST,
    judge=judge,
)
