"""The map in a terminal: half blocks in true colour or 256 colours, or signs without. Pure.

A line shows two rows of cells, so that the map is about as high as it is wide.
"""

from portbook.cli.render import Style, wrap
from portbook.model.record import Record
from portbook.pages.portmap.curve import SIDE, cells, place_of, ports_per_cell
from portbook.pages.portmap.scheme import Kind, Picture

TRUE, INDEXED, PLAIN = "true", "256", "plain"
"""How many colours the terminal has."""

MARK = "@"
_HALF = "▀"
_SMALLEST = 16
_RESET = "\x1b[0m"
# xterm's 256 colours: a cube of these steps from 16 on, then 24 greys from 8 in steps of 10.
_CUBE = (0, 95, 135, 175, 215, 255)


class Sheet(Record):
    """What is drawn on: the style of stdout, and how many colours it has."""

    style: Style
    depth: str

    def side(self) -> int:
        """Cells per side of the largest map that fits the width."""
        side = SIDE
        while side > self.style.width and side > _SMALLEST:
            side //= 2
        return side


def map_lines(picture: Picture, sheet: Sheet) -> list[str]:
    """The heading, the map, the legend."""
    return [
        *wrap(picture.heading(), sheet.style, "", ""),
        *_drawn(picture, sheet),
        *_legend(picture, sheet),
        *_remarks(picture, sheet),
    ]


def _drawn(picture: Picture, sheet: Sheet) -> list[str]:
    side = sheet.side()
    shown = cells(picture.codes, picture.layout, side)
    places = [place_of(port, picture.layout, side) for port in picture.marked]
    marks = {(place.x, place.y // 2) for place in places}
    kinds = picture.scheme.kinds
    fore = [_color(kind, sheet.depth, 38) for kind in kinds]
    back = [_color(kind, sheet.depth, 48) for kind in kinds]
    lines = []
    for line in range(side // 2):
        upper = shown[2 * line * side : (2 * line + 1) * side]
        lower = shown[(2 * line + 1) * side : (2 * line + 2) * side]
        marked = {x for x, y in marks if y == line}
        if sheet.depth == PLAIN:
            signs = [kinds[max(pair)].sign for pair in zip(upper, lower, strict=True)]
            lines.append("".join(MARK if x in marked else sign for x, sign in enumerate(signs)))
        else:
            lines.append(_half_blocks(fore, back, (upper, lower), marked))
    return lines


def _half_blocks(
    fore: list[str], back: list[str], rows: tuple[bytes, bytes], marked: set[int]
) -> str:
    """One line of two rows; a colour is named only where it changes."""
    parts = []
    before: tuple[int, int] | None = None
    for x, pair in enumerate(zip(*rows, strict=True)):
        if x in marked:
            parts.append(f"{_RESET}\x1b[1;7m{MARK}{_RESET}")
            before = None
            continue
        if pair != before:
            parts.append(f"\x1b[{fore[pair[0]]};{back[pair[1]]}m")
            before = pair
        parts.append(_HALF)
    return "".join((*parts, _RESET))


def _color(kind: Kind, depth: str, ground: int) -> str:
    """The parameters that choose a kind's colour, as foreground (38) or background (48)."""
    red, green, blue = (int(kind.dark[at : at + 2], 16) for at in (1, 3, 5))
    if depth == TRUE:
        return f"{ground};2;{red};{green};{blue}"
    return f"{ground};5;{indexed(red, green, blue)}"


def indexed(red: int, green: int, blue: int) -> int:
    """The nearest of xterm's 256 colours that no theme changes (16-255)."""
    known = {
        16 + 36 * r + 6 * g + b: (_CUBE[r], _CUBE[g], _CUBE[b])
        for r in range(6)
        for g in range(6)
        for b in range(6)
    }
    known |= {232 + step: (8 + 10 * step,) * 3 for step in range(24)}

    def apart(number: int) -> int:
        r, g, b = known[number]
        return (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2

    return min(known, key=apart)


def _legend(picture: Picture, sheet: Sheet) -> list[str]:
    """Each kind with its count, as many beside each other as fit."""
    lines, line, used = [], "", 0
    for name, count in picture.counts().items():
        kind = picture.scheme.kinds[picture.scheme.code(name)]
        said = f" {name} {count:,}"
        wide = len(kind.sign) + len(said)
        if used and used + 3 + wide > sheet.style.width:
            lines.append(line)
            line, used = "", 0
        gap = "   " if used else ""
        line += gap + _swatch(kind, sheet.depth) + said
        used += len(gap) + wide
    return [*lines, line]


def _swatch(kind: Kind, depth: str) -> str:
    return kind.sign if depth == PLAIN else f"\x1b[{_color(kind, depth, 48)}m {_RESET}"


def _remarks(picture: Picture, sheet: Sheet) -> list[str]:
    """The scale, where the facts are from, and every marked port."""
    side = sheet.side()
    each = ports_per_cell(side)
    scale = f"{side} x {side} cells"
    signs = "; a sign covers two cells" if sheet.depth == PLAIN else ""
    if each > 1:
        first = ", ".join(picture.counts())
        scale += f" of {each} ports, each showing its most notable one, in this order: {first}"
    elif signs:
        scale += " of one port, each sign showing the most notable"
    lines = wrap(f"{scale}{signs}. {picture.source}", sheet.style, "", "")
    for port in picture.marked:
        place = place_of(port, picture.layout, side)
        where = f"column {place.x + 1}, line {place.y // 2 + 1}"
        lines += wrap(f"{MARK} {port}: {picture.kind(port).name} ({where})", sheet.style, "", "")
    return lines
