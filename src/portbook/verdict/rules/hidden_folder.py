"""A program that runs from a hidden folder which no ordinary tool makes."""

from portbook.model import Facts, Said, Suspicion
from portbook.verdict.places import hidden_folder, is_temporary
from portbook.verdict.programs import is_packaged, milder

ID = "hidden-folder"
SUMMARY = "the executable is in a hidden folder that is none of the usual ones of users"

_NEXT = "look into the folder (ls -la) and at who made it; a known tool's folder can be ignored"


def weigh(facts: Facts) -> Suspicion | None:
    """The evidence, or nothing."""
    if not isinstance(facts.exe, str) or is_packaged(facts) or is_temporary(facts.exe):
        return None
    folder = hidden_folder(facts.exe)
    if folder is None:
        return None
    reason = Said(
        "%(process)s runs from %(program)s: %(folder)s is hidden",
        process=facts.process,
        program=facts.exe,
        folder=folder,
    )
    return Suspicion(ID, milder("medium", facts), reason, _NEXT)
