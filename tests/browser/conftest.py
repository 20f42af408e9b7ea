"""A real Chromium on a real server: both start once for all browser tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from browser.sight import ARGUMENTS, Sight
from pages.serving import Serving, serving

CHROMIUM = shutil.which("chromium") or ""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A book that is served for all browser tests, with a data folder of its own."""
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="module")
def _playwright() -> Iterator[Playwright]:
    """Ends with the module: its event loop runs in this thread, where no other could start."""
    if not CHROMIUM:
        pytest.skip("there is no chromium (Debian package chromium)")
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def chromium(_playwright: Playwright) -> Iterator[Browser]:
    """One browser process for a module; every test has a context of its own in it."""
    browser = _playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def sight(chromium: Browser, server: Serving) -> Iterator[Sight]:
    """Opens pages, and fails the test for a console error or a request to another origin."""
    found = Sight(chromium, server)
    yield found
    found.close()


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where screenshots go: PORTBOOK_SHOTS, or the test's own folder."""
    folder = Path(os.environ.get("PORTBOOK_SHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
