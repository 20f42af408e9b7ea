"""What local evidence suggests: the protocols that a program is known to serve."""

from functools import cache

from portbook.identify.probe import Probe
from portbook.identify.probes import all_probes
from portbook.model.speaks import Clues


def suggested(clues: Clues, transport: str, port: int = 0) -> tuple[Probe, ...]:
    """The protocols of the transport that the clues point at, strongest first.

    A name that is the program's own (an executable, a unit) beats a mere part of a command line;
    among equals the one that lives on this number, then the one that names fewer programs.
    """
    names = frozenset(form for name in clues.programs for form in _forms(name))
    found: list[tuple[int, bool, int, str, Probe]] = []
    command = clues.command.casefold()
    for probe in all_probes():
        if not probe.over(transport):
            continue
        strength = 0
        if any(part.replace("{port}", str(port)) in command for part in probe.commands):
            strength = 2
        elif names & _programs(probe):
            strength = 1
        if strength:
            elsewhere = port not in probe.ports and port not in probe.secure_ports
            found.append((-strength, elsewhere, len(probe.programs), probe.name, probe))
    return tuple(each[-1] for each in sorted(found, key=lambda each: each[:4]))


@cache
def _programs(probe: Probe) -> frozenset[str]:
    return frozenset(probe.programs)


def _forms(name: str) -> tuple[str, ...]:
    """A name, and without its version: `postgresql-15` is postgresql, `lua5.4` is lua."""
    lowered = name.casefold()
    bare = lowered.rstrip("0123456789.-_+~")
    return (lowered, bare) if bare and bare != lowered else (lowered,)
