"""What local evidence suggests: the protocols that a program is known to serve."""

from functools import cache

from portbook.identify.probe import Probe
from portbook.identify.probes import all_probes
from portbook.model.speaks import Clues

_INSIDE = "_-."
"""Signs that continue a word to the left."""


def suggested(clues: Clues, transport: str, port: int = 0) -> tuple[Probe, ...]:
    """The protocols of the transport that the clues point at, strongest first.

    A name that is the program's own (an executable, a unit) beats a mere part of a command line;
    among equals the one that lives on this number, then the one that names fewer programs. What a
    visitor would disturb comes before everything where it is surely on this number.
    """
    names = frozenset(form for name in clues.programs for form in _forms(name))
    found: list[tuple[tuple[int, int, bool, int, str], Probe]] = []
    command = clues.command.casefold()
    for probe in all_probes():
        if not probe.over(transport):
            continue
        strength = 0
        if any(_occurs(part.replace("{port}", str(port)), command) for part in probe.commands):
            strength = 2
        elif names & _programs(probe):
            strength = 1
        if strength:
            elsewhere = port not in probe.ports and port not in probe.secure_ports
            # What a visitor disturbs comes first where it is surely here, and last where it is not.
            sure = strength == 2 or not elsewhere
            rank = (0 if sure else 2) if probe.fragile else 1
            place = (rank, -strength, elsewhere, len(probe.programs), probe.name)
            found.append((place, probe))
    return tuple(probe for _, probe in sorted(found, key=lambda each: each[0]))


def _occurs(part: str, command: str) -> bool:
    """Whether a part stands in a command line as a whole: `rabbit@` not in `my-rabbit@`."""
    at = command.find(part)
    while at >= 0:
        before, after = command[at - 1 : at], command[at + len(part) : at + len(part) + 1]
        begins = not part[0].isalnum() or not (before.isalnum() or (before and before in _INSIDE))
        ends = not part[-1].isalnum() or not (after.isalnum() or (after and after in "_-"))
        if begins and ends:
            return True
        at = command.find(part, at + 1)
    return False


@cache
def _programs(probe: Probe) -> frozenset[str]:
    return frozenset(probe.programs)


def _forms(name: str) -> tuple[str, ...]:
    """A name, and without its version: `postgresql-15` is postgresql, `lua5.4` is lua."""
    lowered = name.casefold()
    bare = lowered.rstrip("0123456789.-_+~")
    return (lowered, bare) if bare and bare != lowered else (lowered,)
