"""A number that browsers refuse to open, for something that serves pages."""

from collections.abc import Iterator, Mapping

from portbook.lint.images import image_of
from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.lint.takers import inner_sides
from portbook.model.declared import ON_THE_MACHINE, Declared, LintFinding, Place

ID = "PB203"
SUMMARY = "a port that browsers refuse to open, though pages are served there"
SEVERITY = "error"

_WEB = frozenset(("http", "https"))


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every blocked number (WHATWG Fetch, "port blocking") that speaks HTTP for certain."""
    inner = inner_sides(project)
    for each in project.declared:
        if each.role not in (*ON_THE_MACHINE, "service", "node", "mention"):
            continue
        # Browsers ask by TCP, or by UDP where they were told so by TCP before.
        if not each.is_port or each.last != each.first or each.transport != "tcp":
            continue
        if not _serves_pages(each, inner):
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


def _serves_pages(each: Declared, inner: Mapping[Place, Declared]) -> bool:
    if each.speaks is not None:
        return each.speaks in _WEB
    image = image_of(each.product) if each.product else None
    if image is None:
        return False
    # Many serve pages on one port and SSH, mail or names on others.
    if each.role == "publish" and each.place in inner:
        return image.speaks_on(inner[each.place].first) in _WEB
    return bool(image.services) and _WEB.issuperset(image.services)
