"""An editor that forwards, opens or debugs a port which nothing in the project has.

Silent where the project declares no port besides, and for numbers that a program takes without
being told: nobody writes those down.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from portbook.lint.debuggers import DEBUGGERS
from portbook.lint.images import image_of
from portbook.lint.known import Known
from portbook.lint.project import Project
from portbook.model.declared import Declared, LintFinding

ID = "PB508"
SUMMARY = "an editor forwards or opens a port that nothing in the project has"
SEVERITY = "note"

_EDITORS = ("devcontainer", "vscode")
_HERE = (None, "localhost", "127.0.0.1", "0.0.0.0", "::1", "::")
_MOST_SAID = 4
_HAS = ("listen", "publish", "container", "setting")
_SERVERS = (
    *(3000, 5173, 4173, 4200, 8080, 8000, 5000, 5001, 8888, 6006, 8081, 19000, 19006, 9000, 1313),
    *(4000, 4321, 8501, 7860, 80, 443, 8443, 1433, 3306, 5432, 6379, 27017, 5672, 15672, 9092),
    *(9200, 11211, 1025, 8025),
)
"""Development servers, databases and brokers that many projects start without a number."""
_USUAL = DEBUGGERS.union(_SERVERS)


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every port of this machine that only an editor knows of."""
    others = [each for each in project.declared if each.is_port and not _is_led_to(each)]
    if not others:
        return
    spans = _spans(project, others)
    # Where something is only asked, nothing may be.
    numbers = sorted({each.first for each in others if each.role in _HAS})
    shown = ", ".join(str(number) for number in numbers[:_MOST_SAID])
    more = ", …" if len(numbers) > _MOST_SAID else ""
    told: set[tuple[str, int]] = set()
    for each in project.declared:
        # What is said of a range is said of whatever may come.
        if not _is_led_to(each) or not each.is_port or each.first != each.last:
            continue
        key = (each.place.path, each.first)
        if each.address not in _HERE or each.first in _USUAL or key in told:
            continue
        if _is_in(each.first, spans):
            continue
        told.add(key)
        yield LintFinding(
            ID,
            SEVERITY,
            each.place,
            each.first,
            f"{each.who} leads to {each.first}, and nothing in the project has that port",
            f"the project has {shown}{more}" if shown else None,
        )


def _is_led_to(each: Declared) -> bool:
    """Whether an editor goes there, rather than that something is there."""
    return each.form in _EDITORS and each.role == "client"


def _spans(project: Project, others: Sequence[Declared]) -> list[tuple[int, int]]:
    """What something in the project has: ranges in order, none of which meet."""
    found = [(each.first, each.last) for each in others]
    for stack in project.stacks:
        for service in stack.services:
            image = image_of(service.image) if service.image else None
            found += [(port, port) for port in image.ports] if image is not None else []
    joined: list[tuple[int, int]] = []
    for first, last in sorted(set(found)):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _is_in(port: int, spans: Sequence[tuple[int, int]]) -> bool:
    at = bisect_right(spans, (port, 65536)) - 1
    return at >= 0 and spans[at][0] <= port <= spans[at][1]
