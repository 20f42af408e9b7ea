"""The search: numbers lead to their page, texts to what fits, and no text does harm."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command import portbook
from pages.reading import Reading
from pages.serving import Serving, serving
from portbook.model import LAST_PORT, UsageError
from portbook.pages.facts.search import LONGEST, direct, names_file, search_page
from portbook.registry.registrations import registrations
from portbook.registry.search import search
from portbook.registry.tables import open_evidence
from test_documents import validator

pytestmark = pytest.mark.live

PORTS = st.integers(0, LAST_PORT)
TRANSPORTS = st.sampled_from(("tcp", "UDP", "sctp", "dccp"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for these tests."""
    with serving(tmp_path_factory.mktemp("search")) as found:
        yield found


@given(PORTS, TRANSPORTS)
def test_a_number_is_found_however_it_is_written(port: int, transport: str) -> None:
    """As in a listing, in an address bar, in a configuration, with a transport or without."""
    alone = (
        *("{}", " {} ", "{:05}", ":{}", "port {}", "Port {}", "localhost:{}", "127.0.0.1:{}"),
        *("[::1]:{}", "*:{}", "http://localhost:{}/", "https://db-1.example:{}"),
    )
    for form in alone:
        found = direct(form.format(port))
        assert found is not None, form
        assert (found.port, found.transport, found.path) == (port, None, f"/{port}")
    for form in ("{0}/{1}", "{0} {1}", "{0}{1}", "{1}/{0}", "{1} {0}"):
        found = direct(form.format(port, transport))
        assert found is not None, form
        assert found.path == f"/{port}/{transport.lower()}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "65536",
        "70000",
        "3255/xyz",
        "-1",
        "0x50",
        "80-90",
        "12:30",
        "::1",
        "3.255",
        "redis",
        "1e3",
    ],
)
def test_what_is_no_number_is_looked_for(text: str) -> None:
    """A range, a time of day, an address and a number too large are no ports."""
    assert direct(text) is None


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=LONGEST))
def test_no_text_breaks_the_search(text: str) -> None:
    """A text is a number, or is searched for, or is refused as blank."""
    if direct(text) is None:
        try:
            found = search_page(text)
        except UsageError:
            assert not text.strip()
        else:
            assert found.text == text
            assert all(0 <= port <= LAST_PORT for port in found.ports)


@pytest.mark.parametrize(
    ("text", "address"),
    [("3255", "3255"), ("3255/udp", "3255/udp"), ("tcp 80", "80/tcp"), ("localhost:5000", "5000")],
)
def test_a_number_leads_straight_to_its_page(server: Serving, text: str, address: str) -> None:
    """With 302, in the language of the address; the page is there."""
    for base in ("/", "/nl/"):
        reply = server.ask(f"{base}search?q={quote(text)}")
        assert (reply.status, reply.headers["location"]) == (302, f"{base}{address}")


def test_matches_are_those_of_the_registry(server: Serving) -> None:
    """The rows in their order, each with a link to its page."""
    for text in ("redis", "semaphor", "connection port", "Eckles", "vnc"):
        page = Reading(server.ask(f"/en/search?q={quote(text)}").text)
        rows = page.table("Matches").rows
        found = search(text)
        assert len(rows) == len(found)
        for row, match in zip(rows, found, strict=True):
            assert row[0].startswith("–" if match.port is None else str(match.port))  # noqa: RUF001 - as the page writes it
            assert row[2] == (match.product or match.service)
            if match.port is not None:
                assert f"/en/{match.port}" in page.links


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("zzqqzzqq", ()),
        ("qqzz redis", ("/en/search?q=redis",)),
        ("what is 3255 about then", ("/en/3255",)),
        ("semaphorical", ("/en/name/semaphore",)),
    ],
)
def test_nothing_found_is_said_with_what_is_near(
    server: Serving, text: str, offered: tuple[str, ...]
) -> None:
    """A page with status 200, and near names, the ports in the text, its words alone."""
    reply = server.ask(f"/en/search?q={quote(text)}")
    assert reply.status == 200
    page = Reading(reply.text)
    assert f"Nothing fits “{text}”" in page.text
    assert set(offered) <= set(page.links)


def test_a_number_that_is_no_port_is_told(server: Serving) -> None:
    """Its page says which numbers there are."""
    for text in ("65536", "70000", "99999999999999999999"):
        reply = server.ask(f"/en/search?q={text}")
        assert reply.status == 200
        assert f"{text} is no port" in Reading(reply.text).text


def test_the_form_alone_is_a_page(server: Serving) -> None:
    """Without a text there is the form, and nothing of a script that only an export needs."""
    reply = server.ask("/en/search")
    assert reply.status == 200
    assert "search.js" not in reply.text


@pytest.mark.parametrize("query", ["q=", "q=%20%09", "q=%00", f"q={'a' * 101}"])
def test_what_cannot_be_searched_for_is_refused(server: Serving, query: str) -> None:
    """Blank and too long are 400, as a page and as a document; a control character is a text."""
    expected = 200 if query == "q=%00" else 400
    assert server.ask(f"/search?{query}").status == expected
    twin = server.ask(f"/search.json?{query}")
    assert twin.status == expected
    if expected == 400:
        assert twin.document["error"]["code"] == "bad_request"
    assert server.ask("/search.json").status == 400


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onfocus='x",
        "{{7*7}}",
        "%(n)s",
    ],
)
def test_markup_in_a_text_is_text(server: Serving, text: str) -> None:
    """What was asked for is shown as it is, and never as part of the page."""
    reply = server.ask(f"/en/search?q={quote(text)}")
    page = Reading(reply.text)
    assert " ".join(text.split()) in page.text
    assert not page.inline
    assert not page.images


@pytest.mark.parametrize("text", ["redis", "semaphor", "qqqqzzzz", "http alt"])
def test_the_document_is_the_one_of_the_command(server: Serving, text: str) -> None:
    """`portbook search TEXT --json`, field by field, and it fits its schema."""
    reply = server.ask(f"/search.json?q={quote(text)}")
    assert reply.status == 200
    validator("search").validate(reply.document)
    assert reply.document == portbook("search", text, "--json").document


def test_the_names_file_has_every_service_and_product() -> None:
    """What an exported book searches in, read back: nothing is lost, nothing is there twice."""
    file = json.loads(names_file())
    ports, port = [], 0
    for step in file["steps"]:
        assert step >= 0
        port += step
        ports.append(port)
    found = registrations()
    assert list(zip(ports, file["services"], strict=True)) == [
        (each.port, each.service) for each in found
    ]
    for each, about in zip(found, file["about"], strict=True):
        letters = "".join(filter(str.isalnum, (each.description or "").casefold()))
        assert about in {each.description, ""}
        assert about or letters in {"", "".join(filter(str.isalnum, each.service.casefold()))}
    products = {
        (product, on)
        for product, some in zip(file["products"], file["on"], strict=True)
        for on in some
    }
    told = {(row[3], int(row[0])) for row in open_evidence().table.all_rows()}
    services = {
        (each.port, "".join(filter(str.isalnum, each.service.casefold()))) for each in found
    }
    assert products <= told
    for product, on in told - products:
        assert (on, "".join(filter(str.isalnum, product.casefold()))) in services
    assert len(names_file()) < 300_000
