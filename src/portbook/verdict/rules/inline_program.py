"""An interpreter whose program is on its command line, so that no file shows what it does.

In a virtual environment or a project it is somebody's work, and Python's own `multiprocessing`
starts its workers like this.
"""

from portbook.model import Facts, Project, Said, Suspicion, Unknown
from portbook.verdict.places import is_environment
from portbook.verdict.programs import inline_program, milder

ID = "inline-program"
SUMMARY = "an interpreter runs a program that is no file but an argument (python -c, perl -e)"

_NEXT = "read the program: tr '\\0' ' ' < /proc/PID/cmdline"


def weigh(facts: Facts) -> Suspicion | None:
    """The evidence, or nothing."""
    if isinstance(facts.cmdline, Unknown) or isinstance(facts.project, Project):
        return None
    option = inline_program(facts)
    if option is None or is_environment(facts.cmdline[0]):
        return None
    reason = Said("the program is no file: %(option)s", option=option)
    return Suspicion(ID, milder("medium", facts), reason, _NEXT)
