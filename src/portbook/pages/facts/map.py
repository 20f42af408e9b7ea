"""What the page of the map tells: what it is coloured by, the counts, and where its files are."""

from portbook.model import Gap
from portbook.model.record import Record
from portbook.pages.portmap.assets import REGISTERED, codes
from portbook.pages.portmap.codes import Codes
from portbook.pages.portmap.curve import LAYOUTS
from portbook.pages.portmap.scheme import BANDS, HERE, LIFE, SCHEMES, Scheme

BY, LAYOUT = LIFE.name, LAYOUTS[0]
"""What the map shows where nothing is asked for."""


class Tally(Record):
    """A kind of ports, its place among the kinds of its scheme, and how many ports it has.

    `ports` is None where this machine was not asked.
    """

    kind: str
    code: int
    ports: int | None


class Legend(Record):
    """What the colours of one scheme stand for, the most notable first."""

    by: str
    tallies: tuple[Tally, ...]


class Variant(Record):
    """A page of the exported book: its address, and what it shows."""

    path: str
    by: str
    layout: str


class MapPage(Record):
    """The page of the map.

    `picture` is the image for who has no JavaScript, under the root of the book. `source` has the
    codes that are shown. `bands` are the last years of the bands of years.
    """

    by: str
    layout: str
    marked: tuple[int, ...]
    legends: tuple[Legend, ...]
    picture: str
    source: Codes
    sources_checked: int
    as_of: str
    bands: tuple[int, ...]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What of this machine could not be seen."""
        return self.source.gaps

    @property
    def layouts(self) -> tuple[str, ...]:
        """Every layout, in the order of the choices."""
        return LAYOUTS

    def address(self, by: str, layout: str, *, served: bool) -> str:
        """The page that shows the map so, behind `base` and before `ext`."""
        if (by, layout) == (BY, LAYOUT):
            return "map"
        return f"map?by={by}&layout={layout}" if served else f"map-{by}-{layout}"


def map_page(
    by: str = BY,
    layout: str = LAYOUT,
    marked: tuple[int, ...] = (),
    *,
    live: bool = False,
    here: Codes | None = None,
) -> MapPage:
    """The facts of the page.

    Args:
        by: the scheme that is shown.
        layout: the layout that is shown.
        marked: ports with a ring around them.
        live: whether this machine may be chosen as a scheme.
        here: what this machine holds; needed where that is shown.

    Raises:
        KeyError: there is no such scheme, or `here` is missing.
        TableFault: a table is missing or broken.
    """
    shown = {scheme.name: codes(scheme.name) for scheme in REGISTERED}
    if here is not None:
        shown[HERE.name] = here
    schemes = (*REGISTERED, HERE) if live else REGISTERED
    asked = "".join(f"{'&' if at else '?'}port={port}" for at, port in enumerate(marked))
    return MapPage(
        by,
        layout,
        marked,
        tuple(_legend(scheme, shown.get(scheme.name)) for scheme in schemes),
        f"map/{by}-{layout}.svg{asked}",
        shown[by],
        shown[LIFE.name].sources_checked,
        shown[LIFE.name].as_of,
        tuple(last for last, *_ in BANDS),
    )


def _legend(scheme: Scheme, known: Codes | None) -> Legend:
    rows = reversed(tuple(enumerate(scheme.kinds)))
    tallies = (
        Tally(kind.name, code, None if known is None else known.values.count(code))
        for code, kind in rows
    )
    return Legend(scheme.name, tuple(tallies))


def variants() -> tuple[Variant, ...]:
    """Every page of the map that the exported book has: without JavaScript each needs a file."""
    page = map_page()
    return tuple(
        Variant(f"/{page.address(scheme.name, layout, served=False)}", scheme.name, layout)
        for scheme in REGISTERED
        for layout in LAYOUTS
    )


def is_known(by: str, layout: str) -> bool:
    """Whether there is such a scheme and such a layout."""
    return by in SCHEMES and layout in LAYOUTS
