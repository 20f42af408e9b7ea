"""A number that this machine's administrator keeps for something (ip_local_reserved_ports)."""

from collections.abc import Iterator

from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import ON_THE_MACHINE, LintFinding

ID = "PB302"
SUMMARY = "a port that this machine's kernel keeps for somebody (with --here)"
SEVERITY = "note"


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every number in net.ipv4.ip_local_reserved_ports: somebody had a reason to put it there."""
    for each in project.declared:
        if each.role not in ON_THE_MACHINE or not each.is_port:
            continue
        for first, last in known.reserved:
            if each.first <= last and each.last >= first:
                port = max(each.first, first)
                kept = str(first) if first == last else f"{first}-{last}"
                yield LintFinding(
                    ID,
                    SEVERITY,
                    each.place,
                    port,
                    f"{port}/{each.transport} of {each.who} is in net.ipv4.ip_local_reserved_ports"
                    f" ({kept}): an administrator keeps it for something",
                    f"it is right if that is {each.who}; else ask who runs this machine",
                )
                break
