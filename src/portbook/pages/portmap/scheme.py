"""What the colours of the map stand for, and which they are. Pure.

Colour-blind eyes can tell the colours apart. Those of kinds are the eight of M. Okabe and K. Ito
("Color Universal Design", 2008; B. Wong, "Color blindness", Nature Methods 8:441, 2011); those of
years are six rising steps of viridis (S. van der Walt and N. Smith, 2015).
"""

from portbook.model.record import Record

_MOST_NAMED = 8  # marked ports in a line of a picture


class Kind(Record):
    """One class of ports: its name, its sign without colours, and its colour, light and dark."""

    name: str
    sign: str
    light: str
    dark: str
    about: str


class Scheme(Record):
    """A way to colour the map. `kinds` rise: of the ports of a cell the last kind is shown."""

    name: str
    title: str
    kinds: tuple[Kind, ...]

    def code(self, name: str) -> int:
        """The place of a kind among the scheme's."""
        return next(at for at, kind in enumerate(self.kinds) if kind.name == name)


_ORANGE, _SKY, _GREEN, _YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
_BLUE, _VERMILION, _PURPLE = "#0072b2", "#d55e00", "#cc79a7"


def _kind(name: str, sign: str, color: str, about: str) -> Kind:
    return Kind(name, sign, color, color, about)


def _faint(name: str, sign: str, about: str, light: str = "#dedede", dark: str = "#3c3c3c") -> Kind:
    """A kind that is the ground on which the others stand."""
    return Kind(name, sign, light, dark, about)


LIFE = Scheme(
    "life",
    "whether anything still uses them",
    (
        _faint("dynamic", "~", "for everyone, never registered", "#f1f1f1", "#262626"),
        _faint("unassigned", ".", "nobody has registered them"),
        _kind("reserved", "R", _BLUE, "kept back by IANA"),
        _kind("orphan", "x", _PURPLE, "registered, no public trace"),
        _kind("overtaken", "O", _ORANGE, "registered, used by something else"),
        _kind("young", "Y", _YELLOW, "registered under three years ago, no trace yet"),
        _kind("alive", "A", _GREEN, "registered, and used by that service"),
    ),
)

BANDS = (
    (2002, "to 2002", "1", "#482878"),
    (2005, "2003-2005", "2", "#31688e"),
    (2008, "2006-2008", "3", "#21918c"),
    (2012, "2009-2012", "4", "#35b779"),
    (2017, "2013-2017", "5", "#90d743"),
    (9999, "2018 on", "6", "#fde725"),
)
"""Bands of years: the last year of each, its name, its sign, its colour."""

YEAR = Scheme(
    "year",
    "when they were first registered",
    (
        _faint("unregistered", ".", "no service is registered", dark="#1c1c1c"),
        _faint("undated", "0", "registered, IANA gives no date", "#a3a3a3", "#7d7d7d"),
        *(
            _kind(name, sign, color, "first registered in these years")
            for _, name, sign, color in BANDS
        ),
    ),
)

RANGE = Scheme(
    "range",
    "who may use them (RFC 6335)",
    (
        _kind("dynamic", "~", _SKY, "49152-65535, for everyone"),
        _kind("user", "u", _BLUE, "1024-49151, registered on request"),
        _kind("system", "S", _ORANGE, "0-1023, registered by standards"),
    ),
)

HERE = Scheme(
    "here",
    "what this machine listens on",
    (
        _faint("quiet", ".", "nothing seen"),
        _kind("bound", "b", _ORANGE, "bound without listening"),
        _kind("elsewhere", "E", _PURPLE, "published into another network namespace"),
        _kind("loopback", "L", _SKY, "listens for this machine alone"),
        _kind("reachable", "N", _VERMILION, "listens on an address that others may reach"),
    ),
)

SCHEMES = {scheme.name: scheme for scheme in (LIFE, YEAR, RANGE, HERE)}


class Picture(Record):
    """What is drawn: the code of every port, in which scheme, in which layout, what is marked.

    `source` says in a few words where the codes are from.
    """

    scheme: Scheme
    codes: bytes
    layout: str
    marked: tuple[int, ...]
    source: str

    def counts(self) -> dict[str, int]:
        """How many ports there are of each kind, the most notable first."""
        kinds = self.scheme.kinds
        return {kinds[at].name: self.codes.count(at) for at in reversed(range(len(kinds)))}

    def kind(self, port: int) -> Kind:
        """The kind of one port."""
        return self.scheme.kinds[self.codes[port]]

    def marks(self) -> str:
        """The marked ports with their kinds, in a few words."""
        named = [f"{port} ({self.kind(port).name})" for port in self.marked[:_MOST_NAMED]]
        more = len(self.marked) - len(named)
        return ", ".join(named) + (f" and {more} more" if more else "")

    def heading(self) -> str:
        """What the picture shows, in one line."""
        how = "on a Hilbert curve" if self.layout == "hilbert" else "in rows"
        return f"The {len(self.codes):,} ports {how}: {self.scheme.title}"


def year_name(year: int | None) -> str:
    """The kind of a port that was first registered in `year` (0: no date; None: never)."""
    if not year:
        return "unregistered" if year is None else "undated"
    return next(name for last, name, _, _ in BANDS if year <= last)
