"""A program that was never a file: it runs from memfd_create(2).

runc and its kin copy themselves into such a file before they enter a container, for safety.
"""

from portbook.model import Facts, Said, Suspicion, Unknown
from portbook.verdict.programs import base_name

ID = "memory-executable"
SUMMARY = "the executable is a file in memory (memfd_create), which leaves nothing on a disk"

_NEXT = "keep a copy before it ends: cp /proc/PID/exe FILE; then find out what started it"
_CLONED = "/memfd:runc_cloned:"
_RUNTIMES = ("runc", "crun", "youki", "docker-runc")


def weigh(facts: Facts) -> Suspicion | None:
    """The evidence, or nothing."""
    if not isinstance(facts.exe, str) or not facts.exe.startswith("/memfd:"):
        return None
    if facts.exe.startswith(_CLONED) and _is_runtime(facts):
        return None
    name = facts.exe.removeprefix("/memfd:").removesuffix(" (deleted)")
    reason = Said(
        "%(process)s runs from memory (memfd %(name)s), not from a file",
        process=facts.process,
        name=repr(name),
    )
    return Suspicion(ID, "high", reason, _NEXT)


def _is_runtime(facts: Facts) -> bool:
    if (facts.process or "").startswith(("runc:", "runc", "crun")):
        return True
    command = () if isinstance(facts.cmdline, Unknown) else facts.cmdline
    return bool(command) and base_name(command[0]) in _RUNTIMES
