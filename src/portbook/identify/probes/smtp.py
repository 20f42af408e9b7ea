"""SMTP: the server greets with 220, and EHLO asks what it can (RFC 5321 section 3.1)."""

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk
from portbook.identify.wire.mail_talk import EHLO, followed, greeted


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """A 220 greeting that says SMTP, or nothing at all: then EHLO, LHLO and FEAT decide."""
    if talk.transport != "tcp":
        return None
    if len(talk.turns) == 1:
        return greeted(talk, ("smtp", "open"), EHLO)
    return followed(talk)


PROBE = Probe(
    name="smtp",
    title="SMTP (mail transfer and submission)",
    source="RFC 5321, RFC 3207 (STARTTLS)",
    services=("smtp", "submission", "submissions"),
    ports=(25, 587, 2525, 1025),
    secure_ports=(465,),
    programs=(
        *("exim4", "exim", "exim4-daemon-light", "exim4-daemon-heavy", "postfix", "sendmail"),
        *("opensmtpd", "smtpd", "sendmail-mta", "sendmail-bin", "mailhog", "mailpit", "haraka"),
        *("msmtpd", "nullmailer-smtpd", "qmail-smtpd", "courier-mta", "inbucket"),
        *("submission-login", "dovecot-submissiond", "dovecot", "couriertcpd"),
    ),
    commands=(
        *("-m aiosmtpd", "/bin/aiosmtpd", "rnwood.smtp4dev", "/bin/smtp4dev", "/bin/mailcatcher"),
        "/bin/haraka",
    ),
    speaks_first=True,
    judge=judge,
)
