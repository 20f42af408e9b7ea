"""What a request must be before it is answered: names, origins, sizes, methods, addresses."""

import socket
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pages.serving import Serving, serving

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for these tests."""
    with serving(tmp_path_factory.mktemp("guarded")) as found:
        yield found


def raw(server: Serving, request: bytes) -> bytes:
    """The answer to bytes that no client library would send."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as link:
        link.sendall(request)
        link.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := link.recv(65536):
            answer += chunk
    return answer


def test_only_its_own_names_are_answered(server: Serving) -> None:
    """A name that an attacker pointed at 127.0.0.1 (DNS rebinding) gets 421 and nothing else."""
    for name in ("evil.example", f"evil.example:{server.port}", "127.0.0.1", "127.0.0.1:1", ""):
        reply = server.ask("/3255", Host=name)
        assert reply.status == 421
        assert "semaphore" not in reply.text
    for name in (
        f"127.0.0.1:{server.port}",
        f"localhost:{server.port}",
        f"LOCALHOST:{server.port}",
    ):
        assert server.ask("/3255", Host=name).status == 200


def test_one_host_header_is_asked_for(server: Serving) -> None:
    """None and two are refused, though one of the two is right."""
    right = f"Host: 127.0.0.1:{server.port}\r\n"
    for hosts in ("", right + "Host: evil.example\r\n", right * 2):
        answer = raw(server, f"GET /3255 HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
        assert answer.split(b" ")[1] in (b"421", b"400")


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:{port}", "file://"],
)
def test_foreign_origin_is_refused(server: Serving, origin: str) -> None:
    """Any origin but the server's own, also `null` and the same host with another port."""
    sent = origin.format(port=server.port)
    for method in ("GET", "POST"):
        reply = server.ask(
            "/feedback",
            method,
            b"page=/3255&useful=yes" if method == "POST" else None,
            Origin=sent,
            Content_Type="application/x-www-form-urlencoded",
        )
        assert reply.status == 403
        assert "access-control-allow-origin" not in reply.headers


def test_own_origin_is_answered(server: Serving) -> None:
    """The pages' own modules send it."""
    assert server.ask("/3255.json", Origin=f"http://127.0.0.1:{server.port}").status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_may_link_and_nothing_more(server: Serving, site: str) -> None:
    """A link that somebody follows works; a frame, an image, a script or a form does not."""
    visit = server.ask(
        "/3255", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document"
    )
    assert visit.status == 200
    for mode, kind in (("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty")):
        reply = server.ask("/3255", Sec_Fetch_Site=site, Sec_Fetch_Mode=mode, Sec_Fetch_Dest=kind)
        assert reply.status == 403
    reply = server.ask(
        "/feedback",
        "POST",
        b"page=/3255&useful=yes",
        Sec_Fetch_Site=site,
        Content_Type="application/x-www-form-urlencoded",
        Sec_Fetch_Mode="navigate",
        Sec_Fetch_Dest="document",
    )
    assert reply.status == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_own_pages_and_the_address_bar_are_answered(server: Serving, site: str) -> None:
    """What the visitor typed, and what the pages ask for."""
    assert server.ask("/3255", Sec_Fetch_Site=site).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(server: Serving, method: str) -> None:
    """A preflight is answered like everything else that is not meant: with no permission."""
    reply = server.ask("/3255", method)
    assert reply.status in (400, 405)  # what is no method at all is no request at all
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_head_is_get_without_the_body(server: Serving) -> None:
    """Same headers, no body."""
    got, head = server.ask("/3255"), server.ask("/3255", "HEAD")
    assert head.status == 200 and head.body == b""
    assert head.headers["etag"] == got.headers["etag"]


def test_posts_are_json_or_forms_of_the_book(server: Serving) -> None:
    """What another site could send without a preflight is refused, but for our own forms."""
    assert server.ask("/feedback", "POST", b"x", Content_Type="text/plain").status == 415
    form = "application/x-www-form-urlencoded"
    assert server.ask("/enter/code", "POST", b"a=b", Content_Type=form).status == 415
    assert server.ask("/3255", "POST", b"{}", Content_Type="application/json").status == 405


@pytest.mark.parametrize(
    "path",
    [
        *("/../etc/passwd", "/..%2f..%2fetc/passwd", "/static/../book.py", "/static/..%2fbook.py"),
        *("/static/%2e%2e/words.py", "/static/nothing.css", "/3255/xyz", "/3255/tcp/x"),
        *("/70000", "/-1", "/3255x", "/abc-no-such", "/%00", "/%ff%fe", "/nl/nl/3255", "//3255"),
        *("/year/0", "/year/1803", "/year/abc", "/assignee/Nobody_Ever", "/orphans/50"),
        *("/<script>alert(1)</script>", "/65536", "/99999999999999999999"),
    ],
)
def test_what_is_not_there_is_a_plain_404(server: Serving, path: str) -> None:
    """A page with a sentence and a way back, in the language; no path becomes markup."""
    reply = server.ask(quote(path, safe="/%<>().-"))
    assert reply.status == 404
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>" in reply.text and "<script>alert" not in reply.text
    assert "root:" not in reply.text


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/3255/", "/3255"),
        ("/nl/3255/", "/nl/3255"),
        ("/nl/3255/tcp//", "/nl/3255/tcp"),
        ("/nl/here/?sort=port&x=%2F", "/nl/here?sort=port&x=%2F"),
        ("/name/redis/", "/name/redis"),
        ("/nl", "/nl/"),
        ("/en?x=1", "/en/?x=1"),
        ("//", "/"),
        ("/nl//", "/nl/"),
        ("//evil.com/", "/evil.com"),
        ("///evil.com//", "/evil.com"),
        ("/nl//evil.com/", "/nl/evil.com"),
        ("/%2F/evil.com/", "/evil.com"),
        ("/%5Cevil.com/", "/%5Cevil.com"),
        ("/%09/evil.com/", "/%09/evil.com"),
        ("/a%3Fb%23/", "/a%3Fb%23"),
        ("/%0D%0ASet-Cookie:x/", "/%0D%0ASet-Cookie%3Ax"),
    ],
)
def test_a_slash_too_many_or_too_few_leads_to_the_page(
    server: Serving, path: str, location: str
) -> None:
    """The language and the query are kept, and the way never leads to another server."""
    reply = server.ask(path)
    assert (reply.status, reply.headers["location"]) == (308, location)
    posted = server.ask(path, "POST", b"{}", Content_Type="application/json")
    assert posted.status in (404, 405)


def test_json_twins_refuse_in_json(server: Serving) -> None:
    """The error of a twin is JSON with a stable code."""
    for path, status in (("/70000.json", 404), ("/here.json", 401), ("/search.json?q=", 400)):
        reply = server.ask(path)
        assert reply.status == status
        assert reply.headers["content-type"] == "application/json"
        assert set(reply.document["error"]) >= {"code", "message"}


def test_long_addresses_and_heads_are_refused(server: Serving) -> None:
    """10 KB of path or query are 414; more than any head needs is 431, or the end."""
    assert server.ask("/" + "a" * 10_000).status == 414
    assert server.ask("/search?q=" + "a" * 10_000).status == 414
    twin = server.ask("/3255.json?q=" + "a" * 10_000)
    assert (twin.status, twin.headers["content-type"]) == (414, "application/json")
    assert twin.document == {
        "error": {"code": "request_uri_too_long", "message": "An address has at most 2048 bytes."}
    }
    head = f"GET /3255 HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nX: {'a' * 40_000}\r\n\r\n"
    assert raw(server, head.encode())[:12] in (b"", b"HTTP/1.1 431")


def test_every_answer_has_the_headers_of_defence(server: Serving) -> None:
    """Pages, documents, files, refusals and redirects alike; nobody else may read any of them."""
    for path in (
        "/3255",
        "/3255.json",
        "/static/book.css",
        "/70000",
        "/redis",
        "/healthz",
        "/map.svg",
    ):
        reply = server.ask(path)
        policy = reply.headers["content-security-policy"]
        assert "default-src 'self'" in policy or "default-src 'none'" in policy
        if path != "/map.svg":
            assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert reply.headers["referrer-policy"] == "same-origin"
        assert not [name for name in reply.headers if name.startswith("access-control")]


def test_etag_saves_the_second_transfer(server: Serving) -> None:
    """Who has the page gets 304; another language is another page."""
    first = server.ask("/3255", Accept_Language="en")
    tag = first.headers["etag"]
    again = server.ask("/3255", Accept_Language="en", If_None_Match=f'"other", {tag}')
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == tag
    assert server.ask("/3255", Accept_Language="nl", If_None_Match=tag).status == 200
    assert "Accept-Language" in first.headers["vary"]


def test_pages_travel_compressed(server: Serving) -> None:
    """A browser asks for gzip and gets a third of the bytes."""
    import gzip

    plain, packed = server.ask("/443"), server.ask("/443", Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 2
    assert gzip.decompress(packed.body) == plain.body


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_address_breaks_the_server(server: Serving, path: str) -> None:
    """Whatever is asked for, it is answered, and never as a fault of ours."""
    assert server.ask("/" + quote(path, safe="/?&=.")).status < 500


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=120))
def test_no_search_breaks_the_server(server: Serving, text: str) -> None:
    """Text to search for is the visitor's own."""
    reply = server.ask(f"/search?q={quote(text, safe='')}")
    assert reply.status in (200, 302, 400, 414)
