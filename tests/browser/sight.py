"""What a browser sees of the book, and what it must never see."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from pages.serving import Serving

ARGUMENTS = [
    "--no-sandbox",  # the tests run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PAGES = (
    *("", "3255", "443", "8080", "4", "50000", "0", "3255/udp", "name/search"),
    *(
        "search?q=redis",
        "search?q=qqqqqqqq",
        "orphans",
        "orphans/31",
        "map",
        "map?by=year&layout=rows",
    ),
    *("assignee/Jay_Eckles", "year/2022", "method", "enter"),
)
"""Every kind of page that is open to all, as paths behind the language."""

TOKEN_PAGES = ("here", "feedback", "3255", "")
"""Those that show more to who has the token."""

REFUSED = {"70000": 404, "abc-no-such": 404, "3255/xyz": 404, "year/1803": 404, "here": 401}


class Sight:
    """Opens pages in contexts of a browser, and keeps what went wrong in them."""

    def __init__(self, browser: Browser, server: Serving) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.server = server
        self.faults: list[str] = []

    def page(self, *, known: bool = False, refused: bool = False, **how: Any) -> Page:
        """A page in a context of its own; `how` is what Playwright's new_context takes.

        With `known` the visitor has shown the token. With `refused` a status of 400 or above is
        expected, which Chromium tells on its console.
        """
        context = self._browser.new_context(**how)
        context.set_default_timeout(15_000)
        self._contexts.append(context)
        page = context.new_page()

        def console(message: ConsoleMessage) -> None:
            expected = refused and "Failed to load resource" in message.text
            if message.type in ("error", "warning") and not expected:
                self.faults.append(f"{page.url}: console: {message.text}")

        def request(sent: Request) -> None:
            if not sent.url.startswith((self.server.url, "data:", "blob:")):
                self.faults.append(f"{page.url}: a request to {sent.url}")

        page.on("console", console)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        context.on("request", request)
        if known:
            page.goto(self.server.enter())
            page.wait_for_url(lambda url: "/enter" not in url)
        return page

    def close(self) -> None:
        """Close all, and fail for what went wrong."""
        for context in self._contexts:
            context.close()
        assert self.faults == []


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page, by the rules of WCAG 2.2 A and AA and its best practices."""
    found = Axe().run(page)
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:160] for node in each['nodes'][:3]]}"
        for each in found.response["violations"]
    ]


def overflow(page: Page) -> int:
    """By how many CSS pixels the page is wider than its window."""
    wide: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide
