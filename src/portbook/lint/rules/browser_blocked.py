"""A number that browsers refuse to open, for something that serves pages."""

from collections.abc import Iterator

from portbook.lint.images import image_of
from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import ON_THE_MACHINE, Declared, LintFinding

ID = "PB203"
SUMMARY = "a port that browsers refuse to open, though pages are served there"
SEVERITY = "error"

_WEB = frozenset(("http", "https"))


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every blocked number (WHATWG Fetch, "port blocking") that speaks HTTP for certain."""
    for each in project.declared:
        if each.role not in (*ON_THE_MACHINE, "service", "node", "mention"):
            continue
        if not each.is_port or each.last != each.first or not _serves_pages(each):
            continue
        if known.meaning(each.first, each.transport).browser_blocked:
            yield LintFinding(
                ID,
                SEVERITY,
                each.place,
                each.first,
                f"browsers refuse to open {each.first}, and {each.who} serves http there"
                " (ERR_UNSAFE_PORT)",
                f'"portbook free --near {each.first}" picks one that they open',
                digits=each.digits,
            )


def _serves_pages(each: Declared) -> bool:
    if each.speaks is not None:
        return each.speaks in _WEB
    image = image_of(each.product) if each.product else None
    return image is not None and bool(_WEB.intersection(image.services))
