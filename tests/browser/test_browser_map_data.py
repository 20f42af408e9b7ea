"""The map's JavaScript knows the same as Python: places, life, year, range, names, colours."""

import pytest

from browser.sight import Sight
from portbook.model import LAST_PORT, range_of
from portbook.pages.portmap.assets import REGISTERED, codes
from portbook.pages.portmap.curve import LAYOUTS, SIDE, cells
from portbook.pages.portmap.scheme import BANDS, RANGE
from portbook.registry import lookup, whole

pytestmark = pytest.mark.live

PORTS = range(LAST_PORT + 1)
PLACES = """async (layout) => {
    const { placesOf } = await import("/static/map-curve.js");
    const { cellOf, portAt } = placesOf(layout);
    return [[...cellOf], [...portAt]];
}"""
SAMPLE = [255, 8080, 25000, 49151, 60000]
PIXELS = """(ports) => {
    const canvas = document.getElementById("map-canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.width);
    return ports.map((port) => {
        const scaled = (at) => Math.floor(((at + 0.5) * canvas.width) / 256);
        const at = 4 * (scaled(port >> 8) * canvas.width + scaled(port % 256));
        return [...data.slice(at, at + 3)];
    });
}"""
FACTS = """async (bands) => {
    const data = await import("/static/map-data.js");
    const ports = await data.loadPorts("/map/ports.bin");
    const names = await data.loadNames("/map/names.json");
    return {
        life: [...data.codesBy("life", ports, bands)],
        year: [...data.codesBy("year", ports, bands)],
        range: [...data.codesBy("range", ports, bands)],
        years: [...ports.year],
        names,
        found: data.matches(names, "redis"),
    };
}"""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_port_is_where_python_puts_it(sight: Sight, layout: str) -> None:
    """And the cell leads back to the port."""
    page = sight.page()
    page.goto(f"{sight.server.url}map")
    cell_of, port_at = page.evaluate(PLACES, layout)
    for bit in range(16):
        plane = bytes(port >> bit & 1 for port in PORTS)
        assert bytes(port >> bit & 1 for port in port_at) == cells(plane, layout)
    assert all(port_at[cell_of[port]] == port for port in PORTS)
    assert len(port_at) == SIDE * SIDE


def test_every_fact_is_that_of_the_registry(sight: Sight) -> None:
    """The codes of each scheme, the year, the range, the names; a search finds the name first."""
    page = sight.page()
    page.goto(f"{sight.server.url}map")
    told = page.evaluate(FACTS, [last for last, *_ in BANDS])
    for scheme in REGISTERED:
        assert bytes(told[scheme.name]) == codes(scheme.name).values, scheme.name
    for port, (year, shown) in enumerate(zip(whole.years(), told["years"], strict=True)):
        assert shown == {None: 0, 0: 1}.get(year, year)
        assert RANGE.kinds[told["range"][port]].name == range_of(port).name
    for port in (*range(1100), 3255, 6063, 8080, LAST_PORT):
        known = {row.service for row in lookup(port).assignments if row.service}
        assert set(told["names"][port].split()) == known
    assert told["found"][0] == 6379


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_canvas_has_the_colours_of_the_style_sheet(sight: Sight, theme: str) -> None:
    """Sampled pixels of the canvas, also after the theme has changed while it is shown."""
    page = sight.page(color_scheme={"light": "dark", "dark": "light"}[theme])
    page.goto(f"{sight.server.url}map?layout=rows")
    page.locator("#map-canvas").wait_for()
    page.locator("[data-do=numbers]").click()
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.wait_for_timeout(300)
    # One reading of all pixels: Chromium warns of many.
    shown = page.evaluate(PIXELS, SAMPLE)
    kinds = codes("life")
    for port, pixel in zip(SAMPLE, shown, strict=True):
        wanted = bytes.fromhex(getattr(kinds.scheme.kinds[kinds.values[port]], theme)[1:])
        assert max(abs(one - other) for one, other in zip(pixel, wanted, strict=True)) < 40, port
