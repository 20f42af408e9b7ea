"""What search engines ask for, where the address of the book is known: sitemap.xml, robots.txt.

A sitemap has at most 50,000 addresses (sitemaps.org), so there are several and an index of them.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import quote
from xml.sax.saxutils import escape

from portbook.pages.export import assignees, ports, singles, years
from portbook.pages.export.kind import Books, File, Kind
from portbook.pages.export.plan import Plan, spelled

PART = 1

_LISTED: tuple[Kind, ...] = (singles, ports, years, assignees)
_MOST = 50_000
_INDEX = "index"
_SCHEMA = "http://www.sitemaps.org/schemas/sitemap/0.9"


def subjects(plan: Plan) -> Sequence[str]:
    """The index and the number of each sitemap; nothing where there is no address."""
    if not plan.base_url:
        return ()
    sitemaps = -(-sum(1 for _ in _addresses(plan)) // _MOST)
    return (_INDEX, *map(str, range(1, sitemaps + 1)))


def paths(plan: Plan, subject: str) -> Sequence[str]:
    """The files of one."""
    if subject == _INDEX:
        return ("robots.txt", "sitemap.xml")
    return (f"sitemap-{subject}.xml",)


def files(plan: Plan, books: Books, subject: str) -> Iterator[File]:
    """The same with what is in them."""
    if subject == _INDEX:
        told = f"User-agent: *\nAllow: /\nSitemap: {plan.base_url}sitemap.xml\n"
        yield "robots.txt", told.encode()
        sitemaps = [f"{plan.base_url}sitemap-{each}.xml" for each in subjects(plan)[1:]]
        yield "sitemap.xml", _list("sitemapindex", "sitemap", sitemaps)
        return
    begin = (int(subject) - 1) * _MOST
    some = list(_addresses(plan))[begin : begin + _MOST]
    yield f"sitemap-{subject}.xml", _list("urlset", "url", some)


def _addresses(plan: Plan) -> Iterator[str]:
    for kind in _LISTED:
        for subject in kind.subjects(plan):
            for path in spelled(kind.paths(plan, subject)[0], plan):
                yield f"{plan.base_url}{quote(path)}"


def _list(element: str, item: str, addresses: Sequence[str]) -> bytes:
    items = "".join(f"<{item}><loc>{escape(each)}</loc></{item}>\n" for each in addresses)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<{element} xmlns="{_SCHEMA}">\n{items}</{element}>\n'.encode()
