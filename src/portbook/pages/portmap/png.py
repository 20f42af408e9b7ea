"""The map as a PNG, by Pillow (the optional extra `pages`): for papers and slides. Pure."""

from portbook.model import EnvironmentFault
from portbook.pages.portmap.curve import SIDE, cells, place_of
from portbook.pages.portmap.scheme import Picture

SCALE = 4
"""Pixels per side of a port."""

MARGIN = 24
TOP = 72
_LINE = 26
_MAP = SIDE * SCALE


def png(picture: Picture) -> bytes:
    """The whole file: the map in the colours for light, heading above and legend below.

    Raises:
        EnvironmentFault: Pillow is not there.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        raise EnvironmentFault(
            "a PNG needs Pillow, which is not installed", hint="pip install 'portbook[pages]'"
        ) from None
    from io import BytesIO

    kinds = picture.scheme.kinds
    counts = list(picture.counts().items())
    canvas = Image.new("RGB", size_of(picture), "#ffffff")
    ground = Image.frombytes("P", (SIDE, SIDE), cells(picture.codes, picture.layout))
    ground.putpalette(b"".join(bytes.fromhex(kind.light[1:]) for kind in kinds))
    ground = ground.convert("RGB").resize((_MAP, _MAP), Image.Resampling.NEAREST)
    canvas.paste(ground, (MARGIN, TOP))
    draw = ImageDraw.Draw(canvas)
    large, small = ImageFont.load_default(26), ImageFont.load_default(17)
    draw.text((MARGIN, 24), picture.heading(), "#1a1a1a", large)
    for port in picture.marked:
        place = place_of(port, picture.layout)
        x, y = MARGIN + place.x * SCALE, TOP + place.y * SCALE
        for color, thick, apart in (("#ffffff", 6, 2), ("#1a1a1a", 2, 0)):
            start, end = -2 * SCALE - apart, 3 * SCALE - 1 + apart
            draw.ellipse((x + start, y + start, x + end, y + end), outline=color, width=thick)
    y = TOP + _MAP + MARGIN // 2
    for name, count in counts:
        kind = kinds[picture.scheme.code(name)]
        draw.rectangle((MARGIN, y, MARGIN + 16, y + 16), fill=kind.light, outline="#1a1a1a")
        draw.text((MARGIN + 26, y - 2), f"{name}: {count:,} - {kind.about}", "#1a1a1a", small)
        y += _LINE
    said = [picture.source]
    if picture.marked:
        said.insert(0, f"Marked: {picture.marks()}")
    for text in said:
        draw.text((MARGIN, y - 2), text, "#1a1a1a", small)
        y += _LINE
    written = BytesIO()
    canvas.save(written, "PNG", optimize=True)
    return written.getvalue()


def size_of(picture: Picture) -> tuple[int, int]:
    """Width and height of the picture in pixels."""
    below = len(picture.scheme.kinds) + 1 + bool(picture.marked)
    return _MAP + 2 * MARGIN, TOP + _MAP + MARGIN + below * _LINE
