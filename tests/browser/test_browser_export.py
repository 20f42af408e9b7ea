"""Exported pages in a real browser: below a folder of a plain web server, and opened as files."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser.sight import overflow, violations
from command import portbook

pytestmark = pytest.mark.live


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Python's own file server."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Tell nobody."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few ports, exported two folders deep."""
    top = tmp_path_factory.mktemp("published")
    ports = "--ports=22,80,443,3250-3259,6379"
    assert portbook("export-site", str(top / "deep" / "book"), ports).code == 0
    return top


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The same behind a server that knows nothing of it."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/deep/book/"
        server.shutdown()
        thread.join()


def test_exported_book_works_below_a_folder(chromium: Browser, address: str) -> None:
    """From the languages to a port, to its neighbour in Dutch, by the search and by the map."""
    page = chromium.new_page()
    faults: list[str] = []
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    page.on("response", lambda got: faults.append(got.url) if got.status >= 400 else None)
    page.goto(address)
    assert violations(page) == []
    page.get_by_role("link", name="English").first.click()
    page.wait_for_url(f"{address}en/index.html")
    page.goto(f"{address}en/3255.html")
    page.get_by_role("link", name="Nederlands").click()
    page.wait_for_url(f"{address}nl/3255.html")
    page.locator("a[rel=next]").click()
    page.wait_for_url(f"{address}nl/3256.html")
    # These two lead on by themselves, before goto() would see them loaded.
    page.goto(f"{address}en/search.html?q=6379", wait_until="commit")
    page.wait_for_url(f"{address}en/6379.html")
    page.goto(f"{address}en/search.html?q=semaphore")
    page.locator("#matches a", has_text="3255").wait_for()
    page.goto(f"{address}en/map.html?port=3255")
    page.locator("#map-status", has_text="semaphore").wait_for()
    page.goto(f"{address}en/redis.html", wait_until="commit")
    page.wait_for_url(f"{address}en/6379.html")
    assert faults == []
    page.close()


def test_exported_pages_can_be_opened_as_files(chromium: Browser, folder: Path) -> None:
    """The style is there, links lead on, nothing is wider than a phone; only scripts stay off."""
    page = chromium.new_page(viewport={"width": 360, "height": 740})
    book = (folder / "deep" / "book").as_uri()
    page.goto(f"{book}/index.html")
    page.get_by_role("link", name="Nederlands").first.click()
    for path in ("nl/3255.html", "en/map.html", "en/orphans.html", "en/year/2002.html"):
        page.goto(f"{book}/{path}")
        assert page.locator("h1").count() == 1
        assert page.evaluate("getComputedStyle(document.body).margin") == "0px"
        assert overflow(page) <= 0
        assert violations(page) == []
    page.goto(f"{book}/en/3255.html")
    page.locator("a[rel=prev]").click()
    page.wait_for_url(f"{book}/en/3254.html")
    page.close()
