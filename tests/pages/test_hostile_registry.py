"""A registry that somebody imported may hold any text: no page takes it for markup or a path."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from pages.reading import Reading
from pages.serving import Serving, serving
from portbook.model import Assignment
from portbook.pages.facts.registrations import address_of, name_of, who_of
from portbook.registry.tables import read_assignments, shipped, write_assignments

pytestmark = pytest.mark.live

MARKUP = "<img src=x onerror=alert(1)>"
QUOTES = """"' onfocus=alert(1) autofocus x='"""
PEOPLE = "</title><script>alert(1)</script> ../../etc .hidden Mallory&Co A?b#c%2e"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with a registry of its own: the built-in one with hostile rows."""
    home = tmp_path_factory.mktemp("hostile")
    folder = home / "registry" / "00000001"
    folder.mkdir(parents=True)
    rows = [
        *read_assignments(shipped("assignments.tsv")),
        Assignment(
            "evil<b>name",
            *(47000, 47000, "tcp", MARKUP, PEOPLE, PEOPLE, "2002-03", None),
            *(QUOTES, MARKUP, MARKUP),
        ),
        Assignment("{{7*7}}", 47001, 47001, "udp", QUOTES, "Mallory&Co", None, "2026-11-01"),
    ]
    write_assignments(str(folder / "assignments.tsv"), rows, {"imported": "2026-11-20T10:00:00Z"})
    os.symlink(folder.name, home / "registry" / "current")
    with serving(home) as found:
        yield found


@pytest.mark.parametrize(
    "path",
    [
        "",
        "47000",
        "47001",
        "search?q=evil",
        "search?q=onerror",
        "orphans",
        "orphans/47",
        "assignee/Mallory%26Co",
        "assignee/A%3Fb%23c%252e",
        "year/2002",
        "year/2026",
        "method",
    ],
)
def test_text_of_the_registry_is_text(server: Serving, path: str) -> None:
    """No tag and no attribute comes of it, in any language, and nothing is left out."""
    for language in ("en", "nl"):
        reply = server.ask(f"/{language}/{path}")
        assert reply.status == 200
        page = Reading(reply.text)
        assert page.open == []
        assert not page.inline
        assert [image for image in page.images if image["src"] == "x"] == []
        for link in page.links:
            assert not link.lower().startswith(("javascript:", "data:"))


def test_the_hostile_rows_are_told(server: Serving) -> None:
    """As they are: what is suspicious is not hidden."""
    assert MARKUP in Reading(server.ask("/en/orphans/47").text).text
    assert "{{7*7}}" in Reading(server.ask("/en/assignee/Mallory%26Co").text).text
    assert "{{7*7}}" in Reading(server.ask("/en/").text).text
    matches = Reading(server.ask("/en/search?q=evil").text).table("Matches").rows
    assert ("47000", "TCP", "evil<b>name", MARKUP, "name") in matches
    assert "imported here on 20 November 2026" in Reading(server.ask("/en/method").text).text


def test_an_id_that_would_lead_elsewhere_is_no_link(server: Serving) -> None:
    """`../../etc` is a name and no address; so is what begins with a dot."""
    page = Reading(server.ask("/en/orphans/47").text)
    assert "../../etc" in page.text
    assert ".hidden" in page.text
    assert not [link for link in page.links if "etc" in link or "hidden" in link]
    for text in ("../../etc", ".hidden", "..", "."):
        assert server.ask(f"/en/assignee/{quote(text, safe='')}").status == 404


def test_ids_become_addresses_only_where_there_is_a_page(server: Serving) -> None:
    """Percent-encoded, one part of a path; whoever has registered nothing is no link."""
    assert "/en/assignee/A%3Fb%23c%252e" in Reading(server.ask("/en/orphans/47").text).links
    assert address_of("Jay_Eckles") == "assignee/Jay_Eckles"
    assert address_of("Mahr_GmbH_Göttingen") == "assignee/Mahr_GmbH_G%C3%B6ttingen"
    for text in ("a/b", "/", "..", ".x", "../x", "nobody at all"):
        assert address_of(text) is None
    assert [each.name for each in who_of("A_B C")] == ["A B", "C"]
    assert name_of("_") == "_"


def test_the_table_of_this_test_is_one_that_portbook_reads(server: Serving) -> None:
    """Else the pages above would be those of the built-in table."""
    table = Path(server.environment["PORTBOOK_DATA_HOME"]) / "registry" / "current"
    assert server.ask("/assignee/Mallory%26Co.json").document["counts"]["orphan"] == 1
    assert (table / "services.tsv").is_file()
