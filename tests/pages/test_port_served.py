"""Ports and names as they are served: one address each, their JSON twins, and what listens now."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import portbook
from pages.outline import Outline
from pages.serving import Serving, serving
from portbook.model import document
from portbook.survey import by_the_book
from test_documents import validator

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for these tests."""
    with serving(tmp_path_factory.mktemp("ports")) as found:
        yield found


@pytest.fixture(name="listener")
def _listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "status", "to"),
    [
        ("/3255", 200, None),
        ("/3255/udp", 200, None),
        ("/0", 200, None),
        ("/65535", 200, None),
        ("/en/3255", 200, None),
        ("/03255", 301, "/3255"),
        ("/nl/0003255", 301, "/nl/3255"),
        ("/3255/UDP", 301, "/3255/udp"),
        ("/redis", 302, "/6379"),
        ("/nl/ReDiS", 302, "/nl/6379"),
        ("/z39.50", 302, "/210"),
        ("/http-alt", 200, None),
        ("/1password", 200, None),
        ("/name/redis", 200, None),
        ("/name/Redis", 301, "/name/redis"),
        ("/name/search", 200, None),
        ("/name/EtherNet/IP-1", 301, "/name/ethernet%2Fip-1"),
        ("/name/ethernet%2Fip-1", 200, None),
        ("/65536", 404, None),
        ("/70000/udp", 404, None),
        (f"/{'9' * 1500}", 404, None),
        ("/-1", 404, None),
        ("/%D9%A3", 404, None),
        ("/3255/xyz", 404, None),
        ("/3255/udp/here", 404, None),
        ("/nothing-is-called-so", 404, None),
        ("/name/", 308, "/name"),
    ],
)
def test_each_page_has_one_address(server: Serving, path: str, status: int, to: str | None) -> None:
    """Other spellings lead to it, in the same language, and what is nothing is not found."""
    reply = server.ask(path)
    assert reply.status == status
    assert reply.headers.get("location") == to
    if status != 301 and to is None:
        assert Outline(reply.text).open == []


def test_what_is_no_port_or_transport_is_told_in_a_sentence(server: Serving) -> None:
    """With the way out, and never with more of the address than fits a sentence."""
    beyond = Outline(server.ask("/70000").text).headings[0].text
    assert beyond == "There is no port 70000: ports go from 0 to 65535."
    assert len(Outline(server.ask(f"/{'9' * 1500}").text).headings[0].text) < 90
    found = Outline(server.ask("/3255/xyz").text)
    assert "tcp, udp, sctp, dccp" in found.headings[0].text
    assert {"/3255", "/3255/udp"} <= set(found.links)


def test_an_unknown_name_leads_to_near_ones_and_to_the_search(server: Serving) -> None:
    """A slip of the pen, and text that is none of ours."""
    found = Outline(server.ask("/semaphor").text)
    assert found.headings[0].text == "No service is called semaphor."
    assert "/name/semaphore" in found.links
    assert "/search?q=semaphor" in found.links
    odd = Outline(server.ask("/%3Cimg%20src=x%3E%E2%80%AE").text)
    assert odd.headings[0].text.startswith("No service is called <img src=x>�.")
    assert odd.images == []


def test_the_page_of_a_name_has_all_its_numbers(server: Serving) -> None:
    """http-alt stands on three; 1password on none."""
    found = Outline(server.ask("/http-alt").text)
    assert "http-alt is registered on 3 numbers: 591, 8008 and 8080." in found.said
    assert {"/591", "/8008", "/8080"} <= set(found.links)
    bare = Outline(server.ask("/1password").text)
    assert "1password is registered as a name, without a number." in bare.said
    assert "1Password Password Manager data sharing" in bare.said
    assert "x11 is registered on 64 numbers" in Outline(server.ask("/name/x11").text).said


@pytest.mark.parametrize(("path", "port", "transport"), [
    ("/3255.json", 3255, None), ("/3255/udp.json", 3255, "udp"), ("/redis.json", 6379, None),
    ("/name/redis.json", 6379, None), ("/0.json", 0, None),
])  # fmt: skip
def test_the_twin_tells_what_the_tables_tell(
    server: Serving, path: str, port: int, transport: str | None
) -> None:
    """Without the token it is the same on every machine, and may be kept."""
    reply = server.ask(path)
    assert reply.status == 200
    assert reply.document == document("answer", by_the_book(port, transport))
    validator("answer").validate(reply.document)
    assert reply.headers["cache-control"] == "no-cache"
    again = server.ask(path, If_None_Match=reply.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_the_twin_of_a_name_with_several_numbers_is_that_of_the_command(server: Serving) -> None:
    """`answers`, as `portbook http-alt --json` prints them."""
    reply = server.ask("/http-alt.json")
    validator("answers").validate(reply.document)
    assert [each["port"] for each in reply.document["answers"]] == [591, 8008, 8080]
    known = server.ask("/http-alt.json", known=True).document
    printed = portbook("http-alt", "--json").document
    assert [each["port"] for each in known["answers"]] == [
        each["port"] for each in printed["answers"]
    ]
    assert server.ask("/1password.json").status == 404
    assert server.ask("/nothing-is-called-so.json").document["error"]["code"] == "not_found"
    assert server.ask("/70000.json").document["error"]["message"].startswith("There is no port")


def test_with_the_token_the_twin_looks_at_this_machine(
    server: Serving, listener: socket.socket
) -> None:
    """As `portbook PORT --json` does, and nobody may keep it."""
    port = listener.getsockname()[1]
    reply = server.ask(f"/{port}.json", known=True)
    validator("answer").validate(reply.document)
    assert [each["address"] for each in reply.document["listeners"]] == ["127.0.0.1"]
    assert reply.document["bindable"]["tcp"]["free"] is False
    assert reply.headers["cache-control"] == "no-store"
    assert server.ask(f"/{port}.json").document["listeners"] == []


def test_what_listens_is_shown_to_who_has_the_token_alone(
    server: Serving, listener: socket.socket
) -> None:
    """In the page and as a part of its own; everybody else is shown the way in."""
    port = listener.getsockname()[1]
    told = f"{os.getpid()}) listens over TCP on 127.0.0.1."
    _until(server, port, told)
    known = server.ask(f"/{port}", known=True)
    assert told in Outline(known.text).said
    assert known.headers["cache-control"] == "no-store"
    part = server.ask(f"/{port}/here", known=True)
    assert told in Outline(part.text).said
    assert "<html" not in part.text
    assert "listens over TCP" not in server.ask(f"/{port}/here?transport=udp", known=True).text
    assert "listens over TCP" not in server.ask(f"/{port}/udp", known=True).text
    stranger = server.ask(f"/{port}")
    assert str(os.getpid()) not in stranger.text
    assert f"/enter?next=/{port}" in Outline(stranger.text).links
    refused = server.ask(f"/{port}/here")
    assert refused.status == 401
    assert str(os.getpid()) not in refused.text


def test_what_listens_is_at_most_two_seconds_old(server: Serving) -> None:
    """Not there, there, gone."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port = opened.getsockname()[1]
        _until(server, port, "listens over TCP")
    _until(server, port, "Nothing that could be seen listens on it.")


def _until(server: Serving, port: int, wanted: str) -> None:
    """The sentence stands there before what was seen may be too old, and one survey more."""
    late = time.monotonic() + 4
    while wanted not in Outline(server.ask(f"/{port}/here", known=True).text).said:
        assert time.monotonic() < late, wanted
        time.sleep(0.1)


def test_a_receiver_and_a_holder_are_no_listeners(server: Serving) -> None:
    """UDP receives; what is bound without listening holds the number."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving,
        socket.socket(socket.AF_INET6) as holding,
    ):
        receiving.bind(("0.0.0.0", 0))
        holding.bind(("::1", 0))
        _until(server, receiving.getsockname()[1], "receives over UDP on every IPv4 address.")
        _until(server, holding.getsockname()[1], "on [::1], without listening.")


def test_the_name_of_a_process_is_text(server: Serving, tmp_path: Path) -> None:
    """Whoever names a program cannot put markup, or signs that are not seen, into the page."""
    program = tmp_path / "<img src=x>\u202e"
    program.symlink_to(os.path.realpath(sys.executable))
    code = (
        "import socket, sys; opened = socket.create_server(('127.0.0.1', 0));"
        " print(opened.getsockname()[1], flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONHOME": sys.base_prefix}
    with subprocess.Popen(
        [program, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        _until(server, port, "<img src=x>")
        part = Outline(server.ask(f"/{port}/here", known=True).text)
        assert part.images == []
        assert "\u202e" not in part.said
        process.communicate(timeout=10)


def test_a_book_without_a_machine_shows_none(tmp_path: Path) -> None:
    """With --no-live the part is not there, with a token or without."""
    with serving(tmp_path, "--no-live") as quiet:
        page = Outline(quiet.ask("/3255").text)
        assert "What listens here now" not in page.said
        assert quiet.ask("/3255/here").status == 404
        assert quiet.ask("/3255.json").document["listeners"] == []
