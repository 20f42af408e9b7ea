"""LMTP, SMTP's sibling for the last hop: the server greets with 220, LHLO asks (RFC 2033)."""

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk
from portbook.identify.wire.mail_talk import LHLO, followed, greeted


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """A 220 greeting that says LMTP; where it does not say, smtp's judge asks for both."""
    if talk.transport != "tcp":
        return None
    if len(talk.turns) == 1:
        return greeted(talk, ("lmtp",), LHLO)
    return followed(talk)


PROBE = Probe(
    name="lmtp",
    title="LMTP (local mail delivery)",
    source="RFC 2033",
    ports=(24,),
    programs=("lmtpd", "dovecot-lmtpd", "cyrus-lmtpd", "dovecot"),
    commands=("dovecot/lmtp",),
    speaks_first=True,
    judge=judge,
)
