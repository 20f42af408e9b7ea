"""Every kind of page in a real browser: accessible, quiet, narrow and wide, light and dark."""

import os
from pathlib import Path
from typing import Any

import pytest

from browser.sight import PAGES, REFUSED, TOKEN_PAGES, Sight, overflow, violations

pytestmark = pytest.mark.live

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 740}
LOOKS: dict[str, tuple[str, dict[str, Any]]] = {
    "en-wide-light": ("en", {"viewport": WIDE, "color_scheme": "light"}),
    "en-wide-dark": ("en", {"viewport": WIDE, "color_scheme": "dark"}),
    "nl-narrow-light": ("nl", {"viewport": NARROW, "color_scheme": "light"}),
    "nl-narrow-dark": ("nl", {"viewport": NARROW, "color_scheme": "dark"}),
}
QUICK = ("en-wide-light", "nl-narrow-dark")
"""Both languages, widths and schemes. PORTBOOK_LOOKS=all takes all four, in twice the time."""

looks = pytest.mark.parametrize("look", LOOKS if os.environ.get("PORTBOOK_LOOKS") else QUICK)


def _name(path: str, look: str) -> str:
    plain = "".join(each if each.isalnum() else "-" for each in path or "home")
    return f"{plain}.{look}.png"


@looks
@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_and_fits(sight: Sight, shots: Path, path: str, look: str) -> None:
    """No violation of axe-core, no overflow, the right language, one heading of level 1."""
    language, how = LOOKS[look]
    page = sight.page(**how)
    answer = page.goto(f"{sight.server.url}{language}/{path}")
    assert answer is not None and answer.status == 200
    page.wait_for_load_state("networkidle")
    page.screenshot(path=shots / _name(path, look), full_page=True)
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("h1").count() == 1
    assert violations(page) == []
    assert overflow(page) <= 0


@looks
@pytest.mark.parametrize("path", TOKEN_PAGES)
def test_page_with_the_token_is_accessible_and_fits(
    sight: Sight, shots: Path, path: str, look: str
) -> None:
    """The same of what only the token shows."""
    language, how = LOOKS[look]
    page = sight.page(known=True, **how)
    answer = page.goto(f"{sight.server.url}{language}/{path}")
    assert answer is not None and answer.status == 200
    page.wait_for_timeout(300)  # live parts ask again for ever, so the network is never idle
    page.screenshot(path=shots / _name(f"{path}-known", look), full_page=True)
    assert violations(page) == []
    assert overflow(page) <= 0


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize(("path", "status"), REFUSED.items())
def test_refusal_is_a_page_too(sight: Sight, language: str, path: str, status: int) -> None:
    """What cannot be answered is still accessible, in the language, with a way back."""
    page = sight.page(refused=True)
    answer = page.goto(f"{sight.server.url}{language}/{path}")
    assert answer is not None and answer.status == status
    assert violations(page) == []
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("main a").count() >= 1


@pytest.mark.parametrize("path", [*PAGES, "here"])
def test_page_works_without_javascript(sight: Sight, path: str) -> None:
    """The main part is there and has its text without any script."""
    page = sight.page(java_script_enabled=False, refused=True)
    page.goto(f"{sight.server.url}en/{path}")
    assert len(page.locator("main").inner_text()) > 80


def test_language_follows_the_browser_and_the_switch(sight: Sight) -> None:
    """A Dutch browser gets Dutch; the switch leads to the same page in English and stays there."""
    page = sight.page(locale="nl-NL")
    page.goto(f"{sight.server.url}3255")
    assert page.locator("html").get_attribute("lang") == "nl"
    page.get_by_role("link", name="English").click()
    assert page.url == f"{sight.server.url}en/3255"
    assert page.locator("html").get_attribute("lang") == "en"
    page.locator("a.mark").click()
    assert page.url == f"{sight.server.url}en/"


def test_keyboard_reaches_everything_in_order(sight: Sight) -> None:
    """The first Tab shows the skip link, which leads to the content; every link is reachable."""
    page = sight.page()
    page.goto(f"{sight.server.url}en/3255")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = set()
    for _ in range(200):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
    wanted = page.evaluate(
        "[...document.querySelectorAll('main a, main button, main input:not([type=radio]),"
        " main textarea, main summary')].filter(e => e.checkVisibility())"
        ".map(e => e.outerHTML.slice(0, 200))"
    )
    assert set(wanted) <= reached
