"""A program whose file was removed while it runs.

An upgrade removes the file too, and puts a newer one in its place: a package owns the path, or
another file stands there again.
"""

from portbook.model import Facts, Said, Suspicion
from portbook.verdict.programs import milder

ID = "deleted-executable"
SUMMARY = "the executable's file is gone, and no package owned it"

_NEXT = "keep a copy before it ends: cp /proc/PID/exe FILE; then find out who removed the file"


def weigh(facts: Facts) -> Suspicion | None:
    """The evidence, or nothing."""
    if facts.exe_deleted is not True or facts.upgraded:
        return None
    if not isinstance(facts.exe, str) or facts.exe.startswith("/memfd:"):
        return None
    if facts.replaced:
        reason = Said(
            "%(program)s was replaced while %(process)s runs: the older file still runs",
            program=facts.exe,
            process=facts.process,
        )
        return Suspicion(ID, "low", reason, "restart it, if you replaced the file")
    reason = Said(
        "%(program)s was deleted while %(process)s runs, and no package owns it",
        program=facts.exe,
        process=facts.process,
    )
    return Suspicion(ID, milder("high", facts), reason, _NEXT)
