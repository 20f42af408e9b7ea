"""A program that runs from a folder which every user can write to."""

from portbook.model import Facts, Said, Suspicion
from portbook.verdict.places import builder_of, is_temporary
from portbook.verdict.programs import milder

ID = "temporary-folder"
SUMMARY = "the executable is in /tmp, /var/tmp, /dev/shm or the like"

_NEXT = "find out who put it there (ls -l, the process's parents); a service belongs elsewhere"


def weigh(facts: Facts) -> Suspicion | None:
    """The evidence, or nothing."""
    if not isinstance(facts.exe, str) or not is_temporary(facts.exe):
        return None
    if builder := builder_of(facts.exe):
        reason = Said(
            "%(process)s runs from %(program)s, where every user can put a program; %(builder)s "
            "does that, too",
            process=facts.process,
            program=facts.exe,
            builder=builder,
        )
        return Suspicion(ID, "low", reason, _NEXT)
    reason = Said(
        "%(process)s runs from %(program)s, where every user can put a program",
        process=facts.process,
        program=facts.exe,
    )
    return Suspicion(ID, milder("high", facts), reason, _NEXT)
