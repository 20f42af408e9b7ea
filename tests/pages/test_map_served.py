"""The map as it is served: page, document, picture and files, and who may see this machine."""

import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import portbook
from pages.serving import Reply, Serving, serving
from portbook.pages.portmap.assets import portmap_assets, style_in

pytestmark = pytest.mark.live

BY = ("life", "year", "range")
ROOM = 60_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for these tests."""
    with serving(tmp_path_factory.mktemp("map")) as found:
        yield found


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("layout", ["hilbert", "rows"])
def test_the_choice_is_shown_without_javascript(server: Serving, by: str, layout: str) -> None:
    """The picture and the legend of what was asked for; the other legends are hidden."""
    reply = server.ask(f"/map?by={by}&layout={layout}")
    assert reply.status == 200
    assert f'src="/map/{by}-{layout}.svg"' in reply.text
    shown = re.findall(r'<table class="map-legend [^"]*" data-by="(\w+)">', reply.text)
    assert shown == [by]
    assert reply.text.count('aria-current="true"') == 3  # colours, order, language


@pytest.mark.parametrize("by", BY)
def test_the_document_is_that_of_the_command(server: Serving, by: str) -> None:
    """Word for word, with marks and layout."""
    reply = server.ask(f"/map.json?by={by}&layout=rows&port=3255")
    told = portbook("map", "--by", by, "--layout", "rows", "--port", "3255", "--json").document
    assert reply.document == told
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize("by", BY)
def test_the_picture_is_that_of_the_command(server: Serving, by: str, tmp_path: Path) -> None:
    """And its policy lets its own style sheet through, by its hash, and nothing else."""
    file = tmp_path / "map.svg"
    portbook("map", "--by", by, "--port", "80", "--svg", str(file))
    reply = server.ask(f"/map.svg?by={by}&port=80")
    assert reply.body == file.read_bytes()
    assert reply.headers["content-type"] == "image/svg+xml"
    digest = hashlib.sha256(style_in(reply.text).encode()).digest()
    policy = reply.headers["content-security-policy"]
    assert f"style-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_files_are_those_that_are_exported(server: Serving) -> None:
    """Byte for byte, each with a tag that saves the second transfer."""
    for path, body in portmap_assets().items():
        reply = server.ask(f"/{path}")
        assert reply.body == body, path
        again = server.ask(f"/{path}", If_None_Match=reply.headers["etag"])
        assert (again.status, again.body) == (304, b"")


def test_a_port_is_marked_in_the_picture(server: Serving) -> None:
    """With a ring, as often as asked."""
    reply = server.ask("/map/life-rows.svg?port=80&port=443")
    assert reply.text.count('class="mark"') == 2
    assert (
        "life-rows.svg?port=80&amp;port=443" in server.ask("/map?layout=rows&port=443&port=80").text
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/map?by=colour", 400),
        ("/map?by=", 400),
        ("/map?layout=spiral", 400),
        ("/map?by=life&layout=%00", 400),
        ("/map?port=70000", 400),
        ("/map?port=-1", 400),
        ("/map?port=%D9%A3", 400),
        ("/map?" + "&".join(["port=1"] * 17), 400),
        ("/map.json?by=colour", 400),
        ("/map.svg?layout=spiral", 400),
        ("/map/life-hilbert.svg?port=x", 400),
        ("/map/life-spiral.svg", 404),
        ("/map/life-hilbert.png", 404),
        ("/map/nothing", 404),
        ("/map/%2e%2e", 404),
        ("/map/..%2fmap", 404),
        ("/map/a/b", 404),
    ],
)
def test_a_map_that_does_not_exist_is_refused(server: Serving, path: str, status: int) -> None:
    """With the right status, and one sentence."""
    reply = server.ask(path)
    assert reply.status == status
    if path.startswith("/map.json"):
        assert reply.document["error"]["message"]


HERE = ("/map?by=here", "/map.json?by=here", "/map.svg?by=here", "/map/here-rows.svg")


@pytest.mark.parametrize("path", HERE)
def test_what_this_machine_holds_needs_the_token(server: Serving, path: str) -> None:
    """Without it the way to get in is told; with it nothing is kept by a cache."""
    closed = server.ask(path)
    assert closed.status == 401
    assert "portbook open" in closed.text
    reply = server.ask(path, known=True)
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"


def test_this_machine_is_shown_as_it_is(server: Serving) -> None:
    """The server's own port is among what is held."""
    told = server.ask("/map.json?by=here", known=True).document
    (run,) = [each for each in told["runs"] if each["first"] <= server.port <= each["last"]]
    assert run["kind"] in ("loopback", "reachable")
    top = ET.fromstring(server.ask("/map/here-rows.svg", known=True).body)  # noqa: S314 - our own
    dots = [each for each in top.iter() if "dot" in (each.get("class") or "")]
    assert len(dots) == 65536 - told["counts"]["quiet"]


def test_without_live_parts_this_machine_is_no_choice(tmp_path: Path) -> None:
    """Not even for who has the token."""
    with serving(tmp_path, "--no-live") as server:
        assert 'data-by="here"' not in server.ask("/map").text
        for path in HERE:
            assert server.ask(path).status == 404


def test_the_first_load_is_small(server: Serving) -> None:
    """The page with everything that it loads before somebody points at it, compressed."""
    sizes = {"/map": len(asked(server, "/map").body)}
    page = server.ask("/map").text
    for path in re.findall(
        r'<(?:link rel="(?:stylesheet|icon)"|script|img)[^>]*?(?:href|src)="([^"]+)"', page
    ):
        sizes[path] = len(asked(server, path).body)
    for name in ("curve", "data", "input", "view"):
        sizes[name] = len(asked(server, f"/static/map-{name}.js").body)
    sizes["ports"] = len(asked(server, "/map/ports.bin").body)
    assert len(sizes) == 11
    assert sum(sizes.values()) < ROOM, json.dumps(sizes)


def asked(server: Serving, path: str) -> Reply:
    """As a browser asks: it takes gzip."""
    found = server.ask(path, Accept_Encoding="gzip")
    assert found.status == 200, path
    return found
