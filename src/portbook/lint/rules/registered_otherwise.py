"""A number that is registered to something else, which is in use to this day.

Silent where the program is not known, where the number's usual users include it, and where the
registered service is HTTP of some kind and the program may be that.
"""

from collections.abc import Iterator

from portbook.lint.images import image_of, is_at_home
from portbook.lint.known import Known, Meaning
from portbook.lint.project import Project
from portbook.model.declared import ON_THE_MACHINE, Declared, LintFinding

ID = "PB201"
SUMMARY = "a port that is registered to another service, which is alive"
SEVERITY = "note"

_WEB = frozenset(("http", "https", "www", "www-http", "http-alt", "webcache"))


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every number on the machine whose registered service somebody else would expect there."""
    for each in project.declared:
        # A range is a pool of numbers, and says nothing of what runs on one of them.
        if each.role not in ON_THE_MACHINE or not each.is_port or each.last != each.first:
            continue
        meaning = known.meaning(each.first, each.transport)
        if meaning.life != "alive" or not meaning.services:
            continue
        speaks = _speaks(each)
        if not speaks or _is_at_home(each, speaks, meaning, known):
            continue
        names = " or ".join(meaning.services[:2])
        yield LintFinding(
            ID,
            SEVERITY,
            each.place,
            each.first,
            f"{each.who} ({_product(each)}) is to have {each.first}/{each.transport}, which is"
            f" registered to {names} and in use for that",
            f'"portbook {each.first}" says by what; clients and scanners will take it for that',
            digits=each.digits,
        )


def _product(each: Declared) -> str:
    return each.product or each.speaks or "another program"


def _speaks(each: Declared) -> frozenset[str]:
    """The registered names that what runs here goes by; empty where it is not known."""
    image = image_of(each.product) if each.product else None
    found = set(image.services) if image is not None else set()
    if each.speaks:
        found.add(each.speaks)
    return frozenset(found)


def _is_at_home(each: Declared, speaks: frozenset[str], meaning: Meaning, known: Known) -> bool:
    if speaks & set(meaning.services) or is_at_home(each.product, each.first):
        return True
    if speaks & _WEB and set(meaning.services) & _WEB:
        return True
    # Well-known applications of the web live on numbers of others: each of them is usual there.
    if speaks & _WEB and meaning.unofficial:
        return True
    return each.product is not None and bool(known.fits(each.product, each.first, each.transport))
