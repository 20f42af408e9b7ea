"""The map as one SVG file: no script, nothing from elsewhere, light and dark by itself. Pure.

Equal cells side by side become one rectangle, and the rectangles of a kind one path, so that the
file stays far below the 65,536 elements that it shows.
"""

from functools import lru_cache
from html import escape

from portbook.pages.portmap.curve import SIDE, cells, place_of
from portbook.pages.portmap.scheme import Picture

_SCALE = 4
_MAP = SIDE * _SCALE
_MARGIN = 24
_BESIDE = 72
"""The left margin of a map in rows: the number of the first port stands there."""
_TOP = 72
_LINE = 26
_FEWEST = 7  # lines below the map, that the key of numbers fits beside them
_FEW = 2000  # ports that can have a dot each
_SPARSE = ("here", "fleet")  # schemes of what machines hold, most of which is nothing
_QUARTER = SIDE // 4
_BLOCK = _QUARTER * _QUARTER
_ROLE = 'role="img" aria-labelledby="title desc"'
_DARK = "@media(prefers-color-scheme:dark)"
_INK = (("light", "#1a1a1a", "#ffffff"), ("dark", "#f0f0f0", "#121212"))


def svg(picture: Picture) -> str:
    """The whole file, with heading, key and legend."""
    counts = list(picture.counts().items())
    left = _MARGIN if picture.layout == "hilbert" else _BESIDE
    lines = max(len(counts) + 1 + bool(picture.marked), _FEWEST)
    height = _TOP + _MAP + _MARGIN + _LINE * lines
    width = left + _MAP + _MARGIN
    foot = height - _LINE // 2
    told = "; ".join(f"{name}: {count:,}" for name, count in counts)
    note = f"{picture.source} Marked: {picture.marks()}." if picture.marked else picture.source
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_ROLE}>',
            f'<title id="title">{escape(picture.heading())}</title>',
            f'<desc id="desc">{escape(f"{told}. {note}")}</desc>',
            f"<style>{_style(picture)}</style>",
            f'<rect class="page" width="{width}" height="{height}"/>',
            f'<text x="{left}" y="46" class="head">{escape(picture.heading())}</text>',
            f'<g transform="translate({left} {_TOP}) scale({_SCALE})">',
            *_map(picture),
            *_dots(picture),
            *_rings(picture),
            "</g>",
            *_numbers(picture, left),
            *_legend(picture, counts, left),
            *_marks(picture, left, foot - _LINE),
            f'<text x="{left}" y="{foot}">{escape(picture.source)}</text>',
            "</svg>\n",
        )
    )


def plate(picture: Picture) -> str:
    """The map alone, without a word: for a page that has heading and legend in its own language."""
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">',
            f"<style>{_style(picture, worded=False)}</style>",
            *_map(picture),
            *_dots(picture),
            *_rings(picture),
            "</svg>\n",
        )
    )


def _style(picture: Picture, *, worded: bool = True) -> str:
    """The colours, those for dark behind a media query."""
    rules = [
        "path{shape-rendering:crispEdges}.net,.mark,.halo{fill:none}",
        ".net{stroke-width:.25;stroke-opacity:.6}.dot{stroke-width:.3}.mark{stroke-width:.6}.halo{stroke-width:1.4}",
    ]
    if worded:
        rules += (
            "text{font-family:system-ui,sans-serif;font-size:17px}.head{font-size:26px}",
            ".place{font-size:13px;text-anchor:middle}.first{font-size:13px;text-anchor:end}",
        )
    for theme, ink, paper in _INK:
        kinds = "".join(
            f".k{at}{{fill:{kind.light if theme == 'light' else kind.dark}}}"
            for at, kind in enumerate(picture.scheme.kinds)
        )
        colors = f"{kinds}.net,.mark,.key,.dot{{stroke:{ink}}}.halo{{stroke:{paper}}}"
        if worded:
            colors += f"text{{fill:{ink}}}.page{{fill:{paper}}}"
        rules.append(
            colors if theme == "light" else f"@media(prefers-color-scheme:dark){{{colors}}}"
        )
    return "".join(rules)


def _map(picture: Picture) -> list[str]:
    """The cells, and a net of 16 squares or bands of 4,096 ports."""
    drawn = _paths(picture.codes, picture.layout)
    if picture.layout == "hilbert":
        inner = range(_QUARTER, SIDE, _QUARTER)
        lines = "".join(f"M{at} 0v{SIDE}M0 {at}h{SIDE}" for at in inner)
    else:
        band = _BLOCK // SIDE
        lines = "".join(f"M0 {at}h{SIDE}" for at in range(band, SIDE, band))
    return [*drawn, f'<path class="net" d="M0 0h{SIDE}v{SIDE}h-{SIDE}z{lines}"/>']


@lru_cache(maxsize=8)
def _paths(codes: bytes, layout: str) -> tuple[str, ...]:
    """One path for each code. Kept, because a page with other marks has the same."""
    paths: dict[int, list[str]] = {}
    for code, x, y, width, height in rectangles(cells(codes, layout)):
        paths.setdefault(code, []).append(f"M{x} {y}h{width}v{height}h-{width}z")
    return tuple(f'<path class="k{code}" d="{"".join(paths[code])}"/>' for code in sorted(paths))


def _dots(picture: Picture) -> list[str]:
    """Few ports among thousands, as those of one machine: as a dot each, or nobody sees them."""
    if picture.scheme.name not in _SPARSE or len(picture.codes) - picture.codes.count(0) > _FEW:
        return []
    lines = []
    held = filter(picture.codes.__getitem__, range(len(picture.codes)))
    for port in sorted(held, key=picture.codes.__getitem__):  # the most notable on top
        place = place_of(port, picture.layout)
        at = f'cx="{place.x + 0.5}" cy="{place.y + 0.5}"'
        lines.append(f'<circle class="k{picture.codes[port]} dot" {at} r="1.4"/>')
    return lines


def _rings(picture: Picture) -> list[str]:
    """One around each marked port."""
    lines = []
    for port in picture.marked:
        place = place_of(port, picture.layout)
        ring = f'cx="{place.x + 0.5}" cy="{place.y + 0.5}" r="2.5"'
        lines.append(f'<circle class="halo" {ring}/>')
        lines.append(f'<circle class="mark" {ring}><title>{port}</title></circle>')
    return lines


def _numbers(picture: Picture, left: int) -> list[str]:
    """Which ports a square of the net holds, in a small key; or the first port of each band.

    Numbers on the map itself would hide ports.
    """
    blocks = range(0, SIDE * SIDE, _BLOCK)
    if picture.layout == "rows":
        step = _BLOCK // SIDE * _SCALE
        return [
            f'<text class="first" x="{left - 8}" y="{_TOP + at * step + 13}">{first}</text>'
            for at, first in enumerate(blocks)
        ]
    wide, high = 104, 38
    x, y = left + _MAP - 4 * wide, _TOP + _MAP + _MARGIN
    net = "".join(f"M{at * wide} 0v{4 * high}M0 {at * high}h{4 * wide}" for at in range(5))
    lines = [f'<path class="key" transform="translate({x} {y})" fill="none" d="{net}"/>']
    for first in blocks:
        place = place_of(first, picture.layout)
        column, row = place.x // _QUARTER, place.y // _QUARTER
        at = f'x="{x + column * wide + wide // 2}" y="{y + row * high + 24}"'
        lines.append(f'<text class="place" {at}>{first}-{first + _BLOCK - 1}</text>')
    return lines


def rectangles(shown: bytes) -> list[tuple[int, int, int, int, int]]:
    """Code, x, y, width and height of rectangles that cover the map, each cell once."""
    found = []
    growing: dict[tuple[int, int, int], int] = {}  # code, x, width: the row where it began
    for y in range(SIDE + 1):
        runs = _runs(shown[y * SIDE : (y + 1) * SIDE]) if y < SIDE else set()
        for run in [run for run in growing if run not in runs]:
            code, x, width = run
            top = growing.pop(run)
            found.append((code, x, top, width, y - top))
        for run in runs:
            growing.setdefault(run, y)
    return sorted(found, key=lambda each: (each[0], each[2], each[1]))


def _runs(row: bytes) -> set[tuple[int, int, int]]:
    """Code, begin and length of the equal neighbours in a row."""
    found = set()
    first = 0
    for x in range(1, SIDE + 1):
        if x == SIDE or row[x] != row[first]:
            found.add((row[first], first, x - first))
            first = x
    return found


def _legend(picture: Picture, counts: list[tuple[str, int]], left: int) -> list[str]:
    lines = []
    for row, (name, count) in enumerate(counts):
        code = picture.scheme.code(name)
        y = _TOP + _MAP + _MARGIN + row * _LINE
        said = f"{name}: {count:,} - {picture.scheme.kinds[code].about}"
        lines.append(f'<rect class="k{code} key" x="{left}" y="{y}" width="16" height="16"/>')
        lines.append(f'<text x="{left + 24}" y="{y + 14}">{escape(said)}</text>')
    return lines


def _marks(picture: Picture, left: int, y: int) -> list[str]:
    """A line that names the marked ports."""
    if not picture.marked:
        return []
    return [f'<text x="{left}" y="{y}">Marked: {escape(picture.marks())}</text>']
