"""A fixed number in the range from which the kernel gives numbers to clients."""

from collections.abc import Iterator

from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import ON_THE_MACHINE, Declared, LintFinding

ID = "PB301"
SUMMARY = "a fixed port in the range that the kernel gives to clients"
SEVERITY = "warning"


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every number on the machine that any client may hold when it is wanted."""
    first, last = known.ephemeral
    for each in project.declared:
        if each.role not in ON_THE_MACHINE or not each.is_port:
            continue
        if each.last < first or each.first > last or _is_kept(each, known):
            continue
        usual = each.product is not None and known.fits(each.product, each.first, each.transport)
        whose = "this machine's" if known.here else "Linux's"
        yield LintFinding(
            ID,
            # Who chose the product did not choose its number.
            "note" if usual else SEVERITY,
            each.place,
            each.first,
            f"{_numbers(each)} of {each.who} is in {whose} ephemeral range ({first}-{last}): a"
            " client may hold it when it is to be bound",
            f"take a number below {first}, or keep this one in net.ipv4.ip_local_reserved_ports",
            digits=each.digits if each.first == each.last else (),
        )


def _is_kept(each: Declared, known: Known) -> bool:
    """Whether this machine's kernel leaves the whole of it alone."""
    return any(low <= each.first and each.last <= high for low, high in known.reserved)


def _numbers(each: Declared) -> str:
    numbers = str(each.first) if each.first == each.last else f"{each.first}-{each.last}"
    return f"{numbers}/{each.transport}"
