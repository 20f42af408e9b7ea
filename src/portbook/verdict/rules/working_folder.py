"""A program that works in a temporary or hidden folder, wherever its file is.

A developer who serves a folder below /tmp does that as well, with a packaged program.
"""

from portbook.model import Facts, Project, Said, Suspicion
from portbook.verdict.places import hidden_folder, is_system, is_temporary
from portbook.verdict.programs import is_packaged, milder

ID = "working-folder"
SUMMARY = "the working folder is temporary or hidden"

_NEXT = "see what lies in that folder, and who started the program there"


def weigh(facts: Facts) -> Suspicion | None:
    """The evidence, or nothing."""
    if not isinstance(facts.cwd, str) or not isinstance(facts.exe, str):
        return None
    if is_temporary(facts.cwd):
        reason = Said(
            "%(process)s works in %(folder)s, where every user can write",
            process=facts.process,
            folder=facts.cwd,
        )
    elif hidden_folder(f"{facts.cwd}/."):
        reason = Said(
            "%(process)s works in %(folder)s, which is hidden",
            process=facts.process,
            folder=facts.cwd,
        )
    else:
        return None
    if is_temporary(facts.exe) or facts.exe.startswith("/memfd:"):
        return None  # the executable's own place says it already
    # What packages installed, and what a project runs, is often started by hand in such a place.
    ordinary = is_packaged(facts) or is_system(facts.exe)
    ordinary = ordinary or isinstance(facts.project, Project)
    return Suspicion(ID, "low" if ordinary else milder("medium", facts), reason, _NEXT)
