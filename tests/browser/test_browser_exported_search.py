"""The search of an exported book, which has no server to ask: a real browser on static files."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from portbook.pages.book import STATIC, Place, book
from portbook.pages.facts.search import MOST, names_file
from portbook.registry.search import search

pytestmark = pytest.mark.live


class Site(NamedTuple):
    """Static files that are served, and what was asked for."""

    url: str
    asked: list[str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page of the search in both languages as files, with what it needs."""
    folder = tmp_path_factory.mktemp("exported")
    for language in ("en", "nl"):
        (folder / language).mkdir()
        place = Place("/search", base="", ext=".html", root="../", served=False)
        made = book(language).render("search.html", place, found=None, most=MOST)
        (folder / language / "search.html").write_bytes(made)
        (folder / language / "3255.html").write_text('<link rel="icon" href="data:,">')
    (folder / "search-names.json").write_bytes(names_file())
    (folder / "static").symlink_to(STATIC)
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing on stderr."""

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(folder))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Site(f"http://127.0.0.1:{server.server_port}/", asked)
        server.shutdown()
        thread.join()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails the test for an error in a script."""
    context = chromium.new_context()
    found = context.new_page()
    faults: list[str] = []
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    yield found
    context.close()
    assert faults == []


def matches(page: Page, site: Site, text: str, language: str = "en") -> list[list[str]]:
    """The rows that are found for a text."""
    page.goto(f"{site.url}{language}/search.html?q={quote(text)}")
    page.locator("#found p:not([hidden])").first.wait_for()
    return [row.inner_text().split("\t") for row in page.locator("#matches tbody tr").all()]


@pytest.mark.parametrize(
    "text", ["redis", "semaphore", "http alt", "connection port", "postgresql"]
)
def test_the_best_match_is_the_one_of_the_server(page: Page, site: Site, text: str) -> None:
    """The first row is that of `portbook search`; every row leads to the page of its port."""
    rows = matches(page, site, text)
    found = search(text)
    assert rows[0][0] == str(found[0].port)
    assert rows[0][1] == (found[0].product or found[0].service)
    # An older spelling (redstorm_join) stands behind the name that replaced it.
    registered = {
        str(each.port)
        for each in found
        if each.matched in ("name", "description") and each.port is not None
    }
    assert len(found) == MOST or registered <= {row[0] for row in rows}
    links = page.locator("#matches tbody a").evaluate_all(
        "all => all.map(a => a.getAttribute('href'))"
    )
    assert links == [f"{row[0]}.html" for row in rows]


@pytest.mark.parametrize("text", ["semphore", "semaphroe", "postgersql"])
def test_a_slip_is_forgiven(page: Page, site: Site, text: str) -> None:
    """A letter left out, two letters swapped; and it is said that nothing fits as it stands."""
    rows = matches(page, site, text)
    assert any("semaphore" in row[1] or "postgresql" in row[1] for row in rows)
    assert "as it stands" in page.locator("#found").inner_text()


@pytest.mark.parametrize("text", ["3255", "3255/udp", ":3255", "03255", " 3255 "])
def test_a_number_leads_to_its_page(page: Page, site: Site, text: str) -> None:
    """At once, and the names are not even fetched; the way back leads to where one came from."""
    del site.asked[:]
    page.goto(f"{site.url}nl/search.html?q={quote(text)}", wait_until="commit")
    page.wait_for_url("**/nl/3255.html")
    assert not [path for path in site.asked if "search-names" in path]


def test_what_is_not_found_is_said(page: Page, site: Site) -> None:
    """In the language of the page, and for a number that is no port, too."""
    assert matches(page, site, "qqqqzzzz") == []
    assert "Nothing fits “qqqqzzzz”." in page.locator("#found").inner_text()
    assert matches(page, site, "70000") == []
    assert "70000 is no port" in page.locator("#found").inner_text()


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "$&", "{count} {text}", "(", "\\"]
)
def test_a_text_is_text(page: Page, site: Site, text: str) -> None:
    """Shown as it was given, in the sentence and in the field, and never as markup."""
    matches(page, site, text)
    assert text in page.locator("#found").inner_text()
    assert page.locator("#find").input_value() == text
    assert page.locator("main img").count() == 0


def test_names_that_cannot_be_loaded_are_told(chromium: Browser, site: Site) -> None:
    """The page says so, and does not wait for ever."""
    context = chromium.new_context()
    found = context.new_page()
    found.route("**/search-names.json", lambda route: route.abort())
    found.goto(f"{site.url}en/search.html?q=redis")
    found.get_by_text("could not be loaded").wait_for()
    context.close()


def test_without_javascript_it_is_said_what_to_do(chromium: Browser, site: Site) -> None:
    """A sentence, and a link that shows how pages are called."""
    context = chromium.new_context(java_script_enabled=False)
    found = context.new_page()
    found.goto(f"{site.url}en/search.html?q=redis")
    said = found.locator("#found").inner_text()
    assert "JavaScript" in said
    assert "Nothing fits" not in said
    assert found.locator("#found a").get_attribute("href") == "3255.html"
    context.close()


def test_the_page_alone_loads_no_names(page: Page, site: Site) -> None:
    """Who has not asked for anything fetches no 280 KB."""
    del site.asked[:]
    page.goto(f"{site.url}en/search.html")
    page.wait_for_load_state("networkidle")
    assert not [path for path in site.asked if "search-names" in path]
    assert page.locator("#unscripted").count() == 0
