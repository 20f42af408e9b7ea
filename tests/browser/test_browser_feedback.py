"""The feedback form in a real browser, with JavaScript and without, and what can be copied."""

import pytest
from playwright.sync_api import expect

from browser.sight import Sight
from pages.serving import Serving

pytestmark = pytest.mark.live


def _given(server: Serving, page: str) -> dict[str, int]:
    """What was said of a page until now."""
    answer = server.ask("/feedback.json", known=True)
    found = [each for each in answer.document["pages"] if each["page"] == page]
    return {"yes": found[0]["yes"], "no": found[0]["no"]} if found else {"yes": 0, "no": 0}


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("javascript", [True, False])
def test_feedback_is_stored_and_thanked_for(
    sight: Sight, language: str, *, javascript: bool
) -> None:
    """A click and a comment become one vote; the visitor is thanked in the language."""
    # Every combination has a page of its own, for a visitor has one vote on each a day.
    port = 3000 + 10 * (language == "nl") + javascript
    page = sight.page(java_script_enabled=javascript)
    page.goto(f"{sight.server.url}{language}/{port}")
    form = page.locator("form[action$='feedback']")
    form.locator("textarea").fill("<b>fine</b> & clear")
    form.locator("button[value=yes]").click()
    page.wait_for_timeout(400)
    assert _given(sight.server, f"/{port}") == {"yes": 1, "no": 0}
    shown = page.locator("main").inner_text()
    assert {"en": "Thank", "nl": "edankt"}[language] in shown
    known = sight.page(known=True)
    known.goto(f"{sight.server.url}{language}/feedback")
    assert "<b>fine</b> & clear" in known.locator("main").inner_text()


@pytest.mark.parametrize("javascript", [True, False])
def test_second_vote_of_the_day_is_told_and_not_counted(sight: Sight, *, javascript: bool) -> None:
    """Once per page and visitor a day."""
    page = sight.page(java_script_enabled=javascript, refused=True)
    for _ in range(2):
        page.goto(f"{sight.server.url}en/{3050 + javascript}")
        page.locator("form[action$='feedback'] button[value=no]").click()
        page.wait_for_timeout(400)
    assert _given(sight.server, f"/{3050 + javascript}") == {"yes": 0, "no": 1}
    assert "today" in page.locator("main").inner_text()


def test_copy_button_copies_the_command(sight: Sight) -> None:
    """What lands in the clipboard is the command as it stands beside the button."""
    page = sight.page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{sight.server.url}en/3255")
    buttons = page.locator(".copied button")
    commands = page.locator("main pre code").all_inner_texts()
    assert buttons.count() == len(commands) >= 5
    for at, command in enumerate(commands):
        buttons.nth(at).click()
        expect(buttons.nth(at)).not_to_have_text("Copy")
        assert page.evaluate("navigator.clipboard.readText()") == command.strip()


def test_copy_button_is_hidden_without_javascript(sight: Sight) -> None:
    """A button that cannot do anything is not shown."""
    page = sight.page(java_script_enabled=False)
    page.goto(f"{sight.server.url}en/3255")
    shown = page.locator("main button", has_text="Copy")
    assert all(not each.is_visible() for each in shown.all())


def test_live_part_follows_this_machine(sight: Sight) -> None:
    """A listener that starts and ends while the page is open appears and goes."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        page = sight.page(known=True)
        page.goto(f"{sight.server.url}en/{port}")
        assert "127.0.0.1" in page.locator("[data-live]").inner_text()
    expect(page.locator("[data-live]")).not_to_contain_text("127.0.0.1", timeout=10_000)


def test_live_part_is_not_shown_without_the_token(sight: Sight) -> None:
    """Nothing of this machine is in a page for who has not shown the token."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        page = sight.page()
        page.goto(f"{sight.server.url}en/{listener.getsockname()[1]}")
        assert page.locator("[data-live]").count() == 0
        shown = page.locator("h2#here + p")
        assert "127.0.0.1" not in page.locator("main").inner_text()
        assert "token" in shown.inner_text()
        shown.get_by_role("link").click()
        assert page.url.startswith(f"{sight.server.url}en/enter?next=")
