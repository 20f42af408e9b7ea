"""FTP: the server greets with 220, and FEAT asks what it can (RFC 959, RFC 2389)."""

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk
from portbook.identify.wire.ftp_talk import FEAT, followed, told_so_far
from portbook.identify.wire.numbered_replies import first_line, kind_of_greeting, read


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """A 220 greeting that says FTP; where it does not say, smtp's judge asks for both."""
    if talk.transport != "tcp":
        return None
    if len(talk.turns) == 1 and talk.first.startswith(b"500 OOPS: "):
        # The way vsftpd words what keeps it from serving, TLS errors among them.
        return Found("ftp", "likely", "vsftpd", shows=first_line(talk.first))
    greeting = read(talk.first)
    if greeting is None or greeting.code != 220 or kind_of_greeting(greeting.text) != "ftp":
        return None
    if len(talk.turns) > 1:
        return followed(talk)
    found = told_so_far(talk)
    if not greeting.complete and not talk.ended:
        return More(found)
    if talk.opener or talk.closed or not greeting.complete:
        return found
    return Send(FEAT, found)


PROBE = Probe(
    name="ftp",
    title="FTP (file transfer)",
    source="RFC 959, RFC 2389 (FEAT), RFC 4217 (AUTH TLS)",
    services=("ftp", "ftps"),
    ports=(21, 2121),
    secure_ports=(990,),
    programs=(
        *("vsftpd", "proftpd", "proftpd-core", "proftpd-basic", "pure-ftpd", "inetutils-ftpd"),
        *("ftpd", "in.ftpd", "bftpd", "twoftpd", "filezilla-server", "wu-ftpd", "sftpgo"),
    ),
    commands=("-m pyftpdlib",),
    speaks_first=True,
    judge=judge,
)
