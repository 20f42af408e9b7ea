"""Absence as a value: why a fact could not be had, and what would help. Never None-as-shrug."""

from portbook.model.record import Record


class Unknown(Record):
    """A fact that could not be had.

    `unknown` says why, in one of these words: `denied` (the system refused), `vanished` (it went
    away while we looked), `not-asked` (this part was not examined), `unsupported` (this system
    cannot say), `unreadable` (it is there but cannot be understood), `no-process` (every process
    of the machine was looked into, and none has it), `outside` (a process outside our PID
    namespace may have it).
    """

    unknown: str
    hint: str | None = None


NOT_ASKED = Unknown("not-asked")
"""The fact was not looked for in this answer."""


class Gap(Record):
    """One entry of a document's `incomplete`: what is missing, why, and the way to get it."""

    what: str
    why: str
    hint: str | None = None
