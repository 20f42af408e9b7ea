"""The outline of a page: its headings, and what stands there without saying anything."""

from typing import NamedTuple

from pages.reading import Reading

_HEADINGS = ("h1", "h2", "h3", "h4")
_BLOCKS = frozenset(
    (*_HEADINGS, "dd", "details", "dl", "dt", "form", "li", "nav", "ol", "p", "pre", "ul")
)
_SAYING = frozenset(
    ("a", "b", "button", "code", "dd", "dl", "dt", "li", "ol", "p", "q", "summary", "ul")
)


class Heading(NamedTuple):
    """A heading, and whether anything is said under it before the next one of its level."""

    level: int
    text: str
    said: bool


class Outline(Reading):
    """Reads a page as `Reading` does; `empty` are the elements that should say something."""

    def __init__(self, html: str) -> None:
        self.headings: list[Heading] = []
        self.empty: list[str] = []
        self._said: list[bool] = []
        self._lines: list[str] = []
        super().__init__(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins, with nothing said in it yet."""
        before = len(self.open)
        if tag in _BLOCKS:
            self._lines.append("")
        super().handle_starttag(tag, attrs)
        if len(self.open) > before:
            self._said.append(tag == "svg")
        if tag in _HEADINGS:
            self.headings.append(Heading(int(tag[1]), "", said=False))

    def handle_endtag(self, tag: str) -> None:
        """An element ends; what said nothing is kept."""
        super().handle_endtag(tag)
        # The places where a script says something later are empty for now.
        if not self._said.pop() and (tag in _SAYING or tag in _HEADINGS):
            self.empty.append(tag)

    def handle_data(self, data: str) -> None:
        """Something is said in every element that is open, and under the last heading."""
        super().handle_data(data)
        self._lines[-1:] = [f"{self._lines[-1] if self._lines else ''}{data}"]
        if not data.strip():
            return
        self._said = [True] * len(self._said)
        if not self.headings:
            return
        if any(tag in _HEADINGS for tag in self.open):
            last = self.headings[-1]
            self.headings[-1] = last._replace(text=f"{last.text}{data}")
        else:
            self._tell_last_headings()

    def _tell_last_headings(self) -> None:
        """What is said under a heading is said under those above it, too."""
        level = 9
        for at in range(len(self.headings) - 1, -1, -1):
            each = self.headings[at]
            if each.level < level:
                level = each.level
                if each.said:
                    return
                self.headings[at] = each._replace(said=True)

    @property
    def lines(self) -> list[str]:
        """The text as it is read: one line for each paragraph, heading or item."""
        return [" ".join(line.split()) for line in self._lines if line.strip()]

    @property
    def said(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    @property
    def silent(self) -> list[str]:
        """The headings with nothing under them."""
        return [each.text for each in self.headings if not each.said]
