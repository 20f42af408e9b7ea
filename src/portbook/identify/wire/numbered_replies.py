"""Replies that begin with three digits, as SMTP, FTP and NNTP have them (RFC 959 section 4.2)."""

import re
from collections.abc import Sequence

from portbook.identify.probe import Talk
from portbook.model.record import Record

_MOST = 8192
_WORD = re.compile(r"[A-Za-z]+")
# Others that greet with 220: they are asked nothing.
_FTP_PROGRAMS = frozenset(("filezilla", "pyftpdlib", "sftpgo"))
_OTHERS = ("snpp", "hylafax", "vmware authentication", "<auth.", "poppassd")


class Numbered(Record):
    """One reply: its number, the text of each line, and whether its last line has come."""

    code: int
    lines: tuple[str, ...]
    complete: bool

    @property
    def text(self) -> str:
        """The text in one line."""
        return " ".join(self.lines)


def read(data: bytes) -> Numbered | None:
    """The reply that the bytes begin with; None where they begin with something else.

    Lines that follow `220-` belong to it until one begins with `220` and a space.
    """
    number = data[:3]
    if len(number) < 3 or not number.isdigit() or not b"1" <= number[:1] <= b"6":
        return None
    if data[3:4] not in (b" ", b"-", b"\r", b"\n", b""):
        return None
    lines = []
    complete = False
    for line in data[:_MOST].splitlines(keepends=True):
        ended = line.endswith(b"\n")
        own = line[:3] == number and line[3:4] in (b" ", b"-", b"\r", b"\n", b"")
        text = (line[4:] if own else line).decode("ascii", "replace").strip()
        lines.append(text)
        if own and line[3:4] != b"-":
            complete = ended
            break
    return Numbered(int(number), tuple(lines), complete)


def first_line(data: bytes) -> bytes:
    """What to show of a reply."""
    return data[:120].split(b"\r", 1)[0].split(b"\n", 1)[0]


def refused(talk: Talk, questions: Sequence[bytes]) -> bool:
    """Whether these questions were asked, and each answered as something that is not known.

    A greeting's words prove little then.
    """
    answers = [turn.received[:3] for turn in talk.turns[1:] if turn.sent in questions]
    return bool(answers) and all(answer in (b"500", b"502") for answer in answers)


def kind_of_greeting(text: str) -> str:
    """`smtp`, `lmtp` or `ftp` where a 220 greeting says so, `open` where not, `other` if foreign.

    Whole words count, for a host may be called smtp.example.org and serve FTP.
    """
    lowered = text[:400].casefold()
    if any(word in lowered for word in _OTHERS) or lowered.rstrip().endswith(">"):
        return "other"
    words = {word for part in lowered.split() if "." not in part for word in _WORD.findall(part)}
    mail = words & {"smtp", "esmtp", "lmtp", "utf8smtp"}
    transfer = any(word.endswith(("ftp", "ftpd")) or word in _FTP_PROGRAMS for word in words)
    if mail and transfer:
        return "open"
    if mail:
        return "lmtp" if "lmtp" in mail else "smtp"
    return "ftp" if transfer else "open"
