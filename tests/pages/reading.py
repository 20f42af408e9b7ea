"""What a page says, read as a person would: its tables, links and text."""

from html.parser import HTMLParser
from typing import NamedTuple

_VOID = frozenset(("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source"))


class Table(NamedTuple):
    """A table: the text of its caption, of its heads, and of the cells of each row."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Reading(HTMLParser):
    """Reads one page; `open` are the elements that nothing has closed, which is none."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.images: list[dict[str, str]] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.language = ""
        self.open: list[str] = []
        self._tables: list[dict[str, list[list[str]]]] = []
        self._words: list[str] = []
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        """Everything between the tags."""
        return " ".join(" ".join(self._words).split())

    @property
    def tables(self) -> list[Table]:
        """The tables in their order."""
        return [
            Table(
                " ".join(_joined(each["caption"])),
                tuple(_joined(each["thead"])),
                tuple(tuple(_joined([row])) for row in each["tbody"]),
            )
            for each in self._tables
        ]

    def table(self, caption: str) -> Table:
        """The table whose caption begins so."""
        return next(each for each in self.tables if each.caption.startswith(caption))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what is looked at."""
        told = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "html":
            self.language = told.get("lang", "")
        if tag == "a":
            self.links.append(told["href"])
        if tag == "img":
            self.images.append(told)
        if "id" in told:
            self.ids.append(told["id"])
        self.inline += [name for name in told if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in told):
            self.inline.append(tag)
        if tag == "table":
            self._tables.append({"caption": [[]], "thead": [], "tbody": []})
        if tag == "tr":
            self._part().append([])
        if tag in ("td", "th"):
            self._part()[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Every element ends where it should."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        """Text belongs to the page, and to the cell or caption that is open."""
        self._words.append(data)
        if "caption" in self.open:
            self._tables[-1]["caption"][0].append(data)
        elif "table" in self.open and self._part() and self._part()[-1]:
            self._part()[-1][-1] += data

    def _part(self) -> list[list[str]]:
        return self._tables[-1]["thead" if "thead" in self.open else "tbody"]


def _joined(rows: list[list[str]]) -> list[str]:
    return [" ".join(cell.split()) for row in rows for cell in row]


def number(text: str) -> int:
    """A count of an English page: `5,138`, or the first of `552 76.7%`."""
    return int(text.split(maxsplit=1)[0].replace(",", ""))
