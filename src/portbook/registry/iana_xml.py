"""IANA's XML of the port registry, from bytes to assignments. Opens nothing: see offer.

The same records as the CSV, and the same assignments for them, except that the XML has its cells
in elements:

    <record date="2005-11" updated="2012-09-19">
      <name>…</name> <protocol>tcp</protocol> <number>1149</number> <description>…</description>
      <assignee><xref type="person" data="…"/></assignee>     only if it is not the contact
      <xref type="person" data="…"/>                          the contact
      <xref type="rfc" data="rfc9110"/>                       a reference; also uri, draft, text, …
      <unauthorized>…</unauthorized> <note>…</note>
    </record>

Source: https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.xml
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from portbook.model import Assignment, ImportRefused
from portbook.registry.iana import assignment
from portbook.registry.iana_csv import CELL_LIMIT

if TYPE_CHECKING:
    from xml.parsers.expat import XMLParserType

_SPACE = "http://www.iana.org/assignments "
_ROOT = _SPACE + "registry"
_RECORD = _SPACE + "record"
_XREF = _SPACE + "xref"
_REGISTRY_ID = "service-names-port-numbers"
_CELLS = frozenset(
    ("name", "protocol", "number", "description", "assignee", "unauthorized", "note", "xref")
)
_DEPTH_LIMIT = 16
# Expat scans an unfinished tag, comment or instruction again with every chunk (CVE-2023-52425).
_TOKEN_LIMIT = 256 << 10


def read_xml(chunks: Iterable[bytes]) -> Iterator[Assignment]:
    """The assignments in the order of the file, read as they are asked for.

    Document types and entities are refused outright, so nothing can be expanded or fetched.

    Raises:
        ImportRefused: the bytes are not IANA's XML, or are cut short.
    """
    from xml.parsers.expat import ExpatError, ParserCreate

    # What the file says of its encoding is checked, not followed.
    parser = ParserCreate("utf-8", " ")
    parser.buffer_text = True
    document = _Document(parser)
    fed = 0
    try:
        for chunk in chunks:
            for start in range(0, len(chunk), _TOKEN_LIMIT):
                piece = chunk[start : start + _TOKEN_LIMIT]
                parser.Parse(piece, False)
                fed += len(piece)
                if fed - max(parser.CurrentByteIndex, 0) > 2 * _TOKEN_LIMIT:
                    raise ImportRefused(f"a tag is longer than {_TOKEN_LIMIT} bytes")
                yield from document.take()
        if not fed:
            raise ImportRefused("the file is empty")
        parser.Parse(b"", True)
    except ExpatError as why:
        raise ImportRefused(f"broken or cut XML: {why}") from None
    yield from document.take()


class _Document:
    """What expat calls while it reads: gathers the records, refuses what is not IANA's XML."""

    def __init__(self, parser: "XMLParserType") -> None:
        self._parser = parser
        self._done: list[Assignment] = []
        self._path: list[str] = []
        self._record: _Record | None = None
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def take(self) -> list[Assignment]:
        """The assignments since the last call."""
        done, self._done = self._done, []
        return done

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            raise ImportRefused(f"XML in {encoding[:20]!r} instead of UTF-8")

    def _doctype(self, *_declared: object) -> None:
        raise ImportRefused("the XML declares a document type or entities, which IANA's never does")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._path and (tag != _ROOT or attributes.get("id") != _REGISTRY_ID):
            raise ImportRefused(f"not IANA's port registry: the XML starts with {_short(tag)}")
        if len(self._path) >= _DEPTH_LIMIT:
            raise ImportRefused(f"XML nested deeper than {_DEPTH_LIMIT} elements")
        self._path.append(tag)
        if tag == _RECORD:
            if self._record is not None:
                raise ImportRefused(f"a record inside a record at line {self._line()}")
            self._record = _Record(attributes, len(self._path))
        elif self._record is not None:
            self._record.start(tag, attributes, len(self._path))

    def _text(self, text: str) -> None:
        if self._record is not None and not self._record.text(text):
            raise ImportRefused(
                f"a cell at line {self._line()} is longer than {CELL_LIMIT} characters"
            )

    def _end(self, tag: str) -> None:
        if self._record is not None:
            if tag == _RECORD:
                try:
                    self._done.append(self._record.assignment())
                except ValueError as why:
                    raise ImportRefused(f"the record at line {self._line()}: {why}") from None
                self._record = None
            else:
                self._record.end(tag, len(self._path))
        self._path.pop()

    def _line(self) -> int:
        return self._parser.CurrentLineNumber


class _Record:
    """The cells of one record, as the CSV prints them."""

    def __init__(self, attributes: dict[str, str], depth: int) -> None:
        self._depth = depth
        self._dates = (attributes.get("date", ""), attributes.get("updated", ""))
        self._cells: dict[str, str] = {}
        self._people = ""
        self._reference = ""
        self._cell: str | None = None
        self._pieces: list[str] = []
        self._size = 0
        self._xref: tuple[str, str] | None = None
        self._shown: list[str] = []

    def start(self, tag: str, attributes: dict[str, str], depth: int) -> None:
        """An element begins: a cell directly below the record, or an xref anywhere."""
        if depth == self._depth + 1:
            name = tag.removeprefix(_SPACE)
            self._cell = name if name in _CELLS else None
            self._pieces = []
            self._size = 0
        if tag == _XREF and self._cell is not None:
            self._xref = (attributes.get("type", ""), attributes.get("data", ""))
            self._shown = []

    def text(self, text: str) -> bool:
        """Text inside an element; False when its cell has become too long."""
        if self._cell is not None:
            self._size += len(text)
            (self._pieces if self._xref is None else self._shown).append(text)
        return self._size <= CELL_LIMIT

    def end(self, tag: str, depth: int) -> None:
        """An element ends."""
        if tag == _XREF and self._xref is not None:
            kind, data = self._xref
            self._xref = None
            shown = f"[{' '.join(''.join(self._shown).split()) or _as_printed(kind, data)}]"
            if self._cell != "xref":
                self._pieces.append(shown)
            elif kind == "person":
                self._people += shown
            else:
                self._reference += shown
        if depth == self._depth + 1 and self._cell is not None:
            if self._cell != "xref":
                before = self._cells.get(self._cell, "")
                self._cells[self._cell] = f"{before}\n{''.join(self._pieces)}"
            self._cell = None

    def assignment(self) -> Assignment:
        """The record as a value; ValueError when it does not fit."""
        cell = self._cells.get
        return assignment(
            service=cell("name", ""),
            port=cell("number", ""),
            transport=cell("protocol", ""),
            description=cell("description", ""),
            # The XML names an assignee only where it differs from the contact.
            assignee=cell("assignee") or self._people,
            contact=self._people,
            registered=self._dates[0],
            modified=self._dates[1],
            reference=self._reference,
            unauthorized_use=cell("unauthorized", ""),
            notes=cell("note", ""),
        )


def _as_printed(kind: str, data: str) -> str:
    """A cross reference as the CSV prints it between brackets: `rfc9110` is `RFC9110` there."""
    return data.upper() if kind == "rfc" else data


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
