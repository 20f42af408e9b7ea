"""What the survey says of this machine, in the language of the page.

A sentence that remembers its message is translated; what the system itself said is English, and
marked so where the page is not.
"""

import errno
import os
from functools import cache

from markupsafe import Markup, escape

from portbook.model import Gap, Joined, Said, Verbatim
from portbook.model.record import Record
from portbook.pages.live import Snapshot
from portbook.pages.prose.escaped import Escaped, escaped
from portbook.pages.prose.listeners import visible
from portbook.pages.words import SOURCE, Words


class Unseen(Record):
    """What a snapshot could not see: why there is none, else one line for each gap."""

    fault: Markup
    gaps: tuple[Markup, ...]


def unseen(words: Words, found: Snapshot) -> Unseen:
    """The fault and the gaps of a snapshot."""
    said = escaped(words)
    fault = _hinted(said, told(said, found.fault), found.hint) if found.fault else Markup()
    return Unseen(fault, tuple(_gap(said, gap) for gap in found.gaps))


def _gap(words: Escaped, gap: Gap) -> Markup:
    line = Markup("{}: {}").format(told(words, gap.what), told(words, gap.why))
    return _hinted(words, line, gap.hint)


def _hinted(words: Escaped, line: Markup, hint: str | None) -> Markup:
    return Markup("{} ({})").format(line, told(words, hint)) if hint else line


def told(words: Escaped, text: str) -> Markup:
    """A sentence of the survey."""
    return _value(words, text if isinstance(text, (Said, Joined)) else Verbatim(text))


def _value(words: Escaped, value: object) -> Markup:
    if isinstance(value, Said):
        values = {name: _value(words, each) for name, each in value.values.items()}
        if value.many is None:
            return words.text(value.message, **values)
        count = value.values["n"]
        values.pop("n")
        number = count if isinstance(count, int) else 0
        return words.plural(value.message, value.many, number, **values)
    if isinstance(value, Joined):
        parts = [_value(words, each) for each in value.parts]
        if not value.either:
            return Markup("; ").join(parts)
        return Markup(words.words.listing([str(part) for part in parts], either=True))  # noqa: S704 - escaped one by one
    if isinstance(value, Verbatim):
        return _verbatim(words, visible(value))
    return escape(visible(str(value)))


def _verbatim(words: Escaped, text: str) -> Markup:
    """What the system said: its usual refusals in this language, anything else as it is."""
    if words.words.language == SOURCE:
        return escape(text)
    known = _refusals(words.words).get(text.casefold())
    return escape(known) if known else Markup('<span lang="en">{}</span>').format(text)


@cache
def _refusals(words: Words) -> dict[str, str]:
    """What the system says when it refuses (errno(3)), in this language."""
    said = {
        errno.EACCES: words.text("permission denied"),
        errno.EPERM: words.text("operation not permitted"),
        errno.ENOENT: words.text("no such file or directory"),
        errno.ENOTDIR: words.text("not a directory"),
        errno.ESRCH: words.text("no such process"),
        errno.EIO: words.text("input/output error"),
        errno.EINVAL: words.text("invalid argument"),
        errno.EMFILE: words.text("too many open files"),
        errno.ENFILE: words.text("too many open files in the system"),
        errno.ENOMEM: words.text("not enough memory"),
        errno.ENOBUFS: words.text("no buffer space is left"),
        errno.EAFNOSUPPORT: words.text("this address family is not supported"),
        errno.EPROTONOSUPPORT: words.text("this protocol is not supported"),
        errno.EOPNOTSUPP: words.text("this operation is not supported"),
        errno.ENOSYS: words.text("this function is not implemented"),
        errno.ECONNREFUSED: words.text("connection refused"),
        errno.ECONNRESET: words.text("connection reset by the other side"),
        errno.EPIPE: words.text("the other side closed the connection"),
        errno.EHOSTUNREACH: words.text("no route to the host"),
    }
    return {os.strerror(code).casefold(): text for code, text in said.items()}
