"""SMB: the client negotiates first, in the old form that leads to SMB 2 and 3 as well."""

from portbook.identify.probe import Found, More, Probe, Talk
from portbook.identify.wire.smb_message import negotiate, read


def judge(talk: Talk) -> Found | More | None:
    """A negotiate response of either generation."""
    return read(talk, talk.first) if talk.transport == "tcp" and len(talk.turns) == 1 else None


PROBE = Probe(
    name="smb",
    title="SMB (Windows file shares, Samba)",
    source="[MS-SMB] 2.2.4.5, [MS-SMB2] 2.2.4",
    services=("microsoft-ds",),
    ports=(445,),
    programs=("smbd", "ksmbd.mountd"),
    opener=negotiate(),
    judge=judge,
)
