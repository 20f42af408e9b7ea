"""The fleet's pages in a real browser, over a real store: accessible, quiet, narrow and wide."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.sight import Sight, overflow, violations
from browser.test_browser_pages import LOOKS
from fleet.engines import Postgres
from fleet.filled import filled
from pages.serving import Serving, serving

pytestmark = pytest.mark.live

PAGES = {
    "fleet": "fleet",
    "fleet-hosts": "fleet/hosts",
    "fleet-port": "fleet/port/22",
    "fleet-port-3255": "fleet/port/3255",
    "fleet-host": "fleet/host/host-0012",
    "fleet-map": "fleet/map",
    "fleet-map-rows": "fleet/map?layout=rows",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A book of forty hosts."""
    store = Postgres(tmp_path_factory.mktemp("postgres"), settings={"fsync": "off"})
    store.make().start()
    try:
        filled(store.create())
        with serving(tmp_path_factory.mktemp("fleet"), "--fleet-store", store.url) as found:
            yield found
    finally:
        store.stop()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_fleet_page_is_accessible_and_fits(sight: Sight, shots: Path, name: str, look: str) -> None:
    """No violation of axe-core and no overflow, wide and narrow, light and dark, both languages."""
    language, how = LOOKS[look]
    page = sight.page(known=True, **how)
    answer = page.goto(f"{sight.server.url}{language}/{PAGES[name]}")
    assert answer is not None and answer.status == 200
    page.wait_for_load_state("networkidle")
    page.screenshot(path=shots / f"{name}.{look}.png", full_page=True)
    assert page.locator("h1").count() == 1
    for each in page.locator("summary").all():
        each.click()
    assert violations(page) == []
    assert overflow(page) <= 0


@pytest.mark.parametrize("name", PAGES)
def test_fleet_page_works_without_javascript(sight: Sight, name: str) -> None:
    """What it tells is there without any script; the token is typed in."""
    page = sight.page(java_script_enabled=False)
    page.goto(f"{sight.server.url}en/enter")
    page.locator("main input[name=code], main input[type=password]").first.fill(sight.server.token)
    page.locator("main button").first.click()
    page.goto(f"{sight.server.url}en/{PAGES[name]}")
    assert len(page.locator("main").inner_text()) > 80
    assert page.locator("main table").count() >= 1


def test_map_says_what_the_pointer_is_at_and_opens_it(sight: Sight) -> None:
    """Port 0 is the top left corner; a click opens the page of the port in the fleet."""
    page = sight.page(known=True, viewport={"width": 1280, "height": 900})
    page.goto(f"{sight.server.url}en/fleet/map?layout=rows")
    picture = page.locator("#fleetmap-picture.ready")
    box = picture.bounding_box()
    assert box is not None
    cell = box["width"] / 256
    picture.hover(position={"x": cell * 22.5, "y": cell * 0.5})
    status = page.locator("#fleetmap-status")
    expect(status).to_have_text("port 22, number of hosts: 39")
    picture.hover(position={"x": cell * 0.5, "y": cell * 0.5})
    expect(status).to_have_text("port 0, no host")
    picture.click(position={"x": cell * 22.5, "y": cell * 0.5})
    page.wait_for_url("**/en/fleet/port/22")


def test_a_port_is_reached_from_the_book_and_by_typing(sight: Sight) -> None:
    """From the page of a number to the fleet, to a host, and back by the form."""
    page = sight.page(known=True)
    page.goto(f"{sight.server.url}en/22")
    page.get_by_role("link", name="Port 22 on every host of the fleet").click()
    page.get_by_role("link", name="Host 12", exact=True).click()
    expect(page.locator("h1")).to_have_text("Host host-0012")
    page.get_by_role("navigation", name="Fleet").get_by_role("link", name="At a glance").click()
    page.get_by_label("Port or host").fill("3255")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("h1")).to_have_text("Port 3255 in the fleet")
