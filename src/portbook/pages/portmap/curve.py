"""Where a port lies on the map: the Hilbert curve, and rows. Pure arithmetic.

On Hilbert's curve (D. Hilbert, 1891, Mathematische Annalen 38:459) ports with near numbers lie
near each other, and every aligned run of 4^k ports is a square. Port 0 is the top left corner,
port 65535 the top right one.
"""

from portbook.model import BadPort
from portbook.model.record import Record

SIDE = 256
"""Cells per side of the whole map: 256 x 256 = 65,536."""

LAYOUTS = ("hilbert", "rows")


class Place(Record):
    """A cell of the map, counted from the top left corner."""

    x: int
    y: int


def d2xy(number: int, side: int = SIDE) -> Place:
    """The cell of the `number`th step of Hilbert's curve; `side` is a power of two.

    Raises:
        BadPort: the curve has no such step.
    """
    if not 0 <= number < side * side:
        raise BadPort(f"{number} is outside the map")
    x = y = 0
    size = 1
    while size < side:
        right = 1 & (number // 2)
        down = 1 & (number ^ right)
        if not down:
            if right:
                x, y = size - 1 - x, size - 1 - y
            x, y = y, x
        x += size * right
        y += size * down
        number //= 4
        size *= 2
    return Place(x, y)


def xy2d(x: int, y: int, side: int = SIDE) -> int:
    """The step of Hilbert's curve that passes the cell: the other way round.

    Raises:
        BadPort: the map has no such cell.
    """
    if not (0 <= x < side and 0 <= y < side):
        raise BadPort(f"cell {x}, {y} is outside the map")
    number = 0
    size = side // 2
    while size:
        right, down = int(bool(x & size)), int(bool(y & size))
        number += size * size * ((3 * right) ^ down)
        if not down:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        size //= 2
    return number


def place_of(port: int, layout: str, side: int = SIDE) -> Place:
    """The cell that shows `port` on a map of `side` x `side` cells."""
    number = port // ports_per_cell(side)
    if layout == "hilbert":
        return d2xy(number, side)
    y, x = divmod(number, side)
    return Place(x, y)


def ports_per_cell(side: int) -> int:
    """How many ports, one after the other, a cell stands for."""
    return (SIDE // side) ** 2


def cells(codes: bytes, layout: str, side: int = SIDE) -> bytes:
    """The map row by row: in each cell the highest of the codes of its ports."""
    step = ports_per_cell(side)
    if step > 1:
        codes = bytes(max(codes[first : first + step]) for first in range(0, len(codes), step))
    if layout == "rows":
        return codes
    shown = bytearray(len(codes))
    for place, code in zip(_curve(side), codes, strict=True):
        shown[place] = code
    return bytes(shown)


def _curve(side: int) -> list[int]:
    """`y * side + x` of every step of Hilbert's curve.

    Four copies of a curve make the next: turned, moved twice, turned back. 65,536 calls of d2xy
    would take ten times as long.
    """
    xs, ys = [0], [0]
    size = 1
    while size < side:
        lower = [y + size for y in ys]
        xs, ys = (
            ys + xs + [x + size for x in xs] + [2 * size - 1 - y for y in ys],
            xs + lower + lower + [size - 1 - x for x in xs],
        )
        size *= 2
    return [y * side + x for x, y in zip(xs, ys, strict=True)]
