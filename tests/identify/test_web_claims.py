"""What may be claimed for a web page: a product's own words, never those of a page about it."""

import pytest

from portbook.identify.judging import found_of, judged
from portbook.identify.probe import Again, Talk, Turn
from portbook.identify.wire.http_message import get

_NGINX = "Server: nginx/1.22.1"
_JSON = "Content-Type: application/json"


def _page(title: str, body: str = "", *headers: str) -> bytes:
    content = f"<html><head><title>{title}</title></head><body>{body}</body></html>"
    return _reply("200 OK", content, "Content-Type: text/html", *headers)


def _reply(status: str, body: str, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", body)
    return "\r\n".join(lines).encode()


_OTHERS = {
    "an article on MinIO": _page("MinIO versus Ceph | my blog", "", _NGINX),
    "an article on phpMyAdmin": _page("phpMyAdmin hardening guide", "", _NGINX),
    "an article on Airflow": _page("Why we left Airflow", "", _NGINX),
    "an article on llama.cpp": _page("llama.cpp on a Raspberry Pi", "", _NGINX),
    "an article on n8n": _page("n8n recipes", "", _NGINX),
    "an article on Ollama": _page("My notes", "<pre>Ollama is running</pre>", _NGINX),
    "an article on Spring": _page("Java tips", "<h1>Whitelabel Error Page</h1>", _NGINX),
    "an article on Django": _page("Django", "Using the URLconf defined in mysite.urls", _NGINX),
    "documentation of Vite": _page("Vite", '<code>src="/@vite/client"</code>', _NGINX),
    "an embedded Gradio": _page("Embed", "<gradio-app src=x></gradio-app>", _NGINX),
    "a site built with Astro": _page("x", '<meta name="generator" content="Astro v4">', _NGINX),
    "a site built with Nuxt": _page("x", "<script>window.__NUXT__={}</script>", _NGINX),
    "an exported Next.js": _page("x", '"/_next/static/" id="__NEXT_DATA__"', _NGINX),
    "Next.js behind nginx": _page("x", "", _NGINX, "X-Powered-By: Next.js"),
    "Rails behind nginx": _page("x", "", _NGINX, "X-Runtime: 0.01", "X-Request-Id: a-b"),
    "Laravel behind nginx": _page("x", "", _NGINX, "Set-Cookie: laravel_session=x"),
    "a quotation of MongoDB": _page(
        "x", "It looks like you are trying to access MongoDB over HTTP", _NGINX
    ),
    "the Via of somebody else": _page("x", "", _NGINX, "Via: 1.1 edge (tinyproxy/1.11.1)"),
    "the error of somebody else": _page("x", "", _NGINX, "X-Squid-Error: ERR_NONE 0"),
    "a title as of Portainer": _page("Portainer", "", _NGINX),
    "a title as of Metabase": _page("Metabase", "", _NGINX),
    "a title as of Streamlit": _page("Streamlit", "static/js/", _NGINX),
    "a title as of Tomcat": _page("Apache Tomcat/9.0.70", "", _NGINX),
    "a title as of HAProxy": _page("Statistics Report for HAProxy", "", _NGINX),
    "a title as of an exporter": _page("PDF Exporter", '<a href="/metrics">', _NGINX),
    "a login behind nginx": _reply("302 Found", "", "Location: /login?redirectTo=%2F", _NGINX),
    "Devise behind nginx": _reply(
        "302 Found", "r", "Location: https://shop.example/users/sign_in", "X-Runtime: 0.1", _NGINX
    ),
}
_NAMELESS = {
    "a Rails application with Devise": _reply(
        "302 Found", "", "Location: /users/sign_in", "X-Runtime: 0.012", "X-Request-Id: abc-def"
    ),
    "a Remix application": _reply("302 Found", "", "Location: /login?redirectTo=%2Fdashboard"),
    "a Go application with a login": _reply(
        "302 Found", '<a href="/login">Found</a>.\n\n', "Location: /login", "X-Frame-Options: DENY"
    ),
    "Express with helmet": _reply(
        "302 Found", "Found. Redirecting to /dashboard", "Location: /dashboard"
    ),
    "Thanos": _reply("302 Found", '<a href="/graph">Found</a>.\n\n', "Location: /graph"),
    "a Go application": _reply("302 Found", '<a href="/query">Found</a>.\n\n', "Location: /query"),
    "something below /solr/": _reply("302 Found", "", "Location: /solr/"),
    "something below /ui/": _reply("301 Moved Permanently", "", "Location: /ui/"),
    "something below /ui/, not stored": _reply(
        "307 Temporary Redirect", "", "Location: /ui/", "Cache-Control: no-store"
    ),
    "something below /dashboard/": _reply("302 Found", "", "Location: /dashboard/"),
    "an empty page": _reply("200 OK", "", "Cache-Control: no-cache"),
    "a refusal in JSON": _reply("404 Not Found", '{"message":"page not found"}', _JSON),
    "a refusal in text": _reply("404 Not Found", "Not Found\n", "X-Content-Type-Options: nosniff"),
    "a description of an API": _reply("200 OK", '{"paths":{"/v1/meta":{}}}', _JSON),
    "a site built with Astro": _page("x", '<meta name="generator" content="Astro v4.1.2">'),
    "an article on Phoenix": _page("x", "blog on phoenix/live_reload/frame"),
    "an article on Spring": _page("Java tips", "<p>Whitelabel Error Page</p>"),
    "Proxy-Connection of an application": _reply("404 Not Found", "", "Proxy-Connection: close"),
    "a title as of Home Assistant": _page("Home Assistant"),
    "a title as of Grafana": _page("Grafana", "grafana"),
    "a title as of an exporter": _page("PDF Exporter", '<a href="/metrics">'),
}


def _talk(reply: bytes) -> Talk:
    return Talk("tcp", "http", (Turn(get("/"), reply),), closed=True)


@pytest.mark.parametrize("reply", _OTHERS.values(), ids=_OTHERS.keys())
def test_a_page_never_replaces_the_server_that_names_itself(reply: bytes) -> None:
    """It is nginx, whatever the page is about; an application is asked about at most."""
    word = judged(_talk(reply))
    assert word is not None
    found = found_of(word.word)
    assert found is not None
    assert (found.protocol, found.confidence) == ("http", "certain")
    assert (found.product, found.version) == ("nginx", "1.22.1")


@pytest.mark.parametrize("reply", _NAMELESS.values(), ids=_NAMELESS.keys())
def test_what_many_send_alike_names_no_product(reply: bytes) -> None:
    """A redirect or a title is a reason to ask, and no product until the answer has come."""
    word = judged(_talk(reply))
    assert word is not None
    found = found_of(word.word)
    assert found is not None
    assert (found.protocol, found.confidence, found.product) == ("http", "certain", None)


@pytest.mark.parametrize(
    ("reply", "path", "probe"),
    [
        (_page("Portainer", "", _NGINX), "/api/status", "web-panel"),
        (_page("Airflow", "", "Server: uvicorn"), "/api/v2/version", "web-panel"),
        (_NAMELESS["Express with helmet"], "/api/entry-page", "web-panel"),
        (_NAMELESS["Thanos"], "/api/v1/status/buildinfo", "prometheus"),
        (_NAMELESS["a Go application with a login"], "/api/health", "grafana"),
        (_NAMELESS["something below /solr/"], "/solr/admin/info/system?wt=json", "solr"),
    ],
)
def test_the_application_is_asked_in_its_own_words(reply: bytes, path: str, probe: str) -> None:
    """The question is asked although the server in front has told its name."""
    word = judged(_talk(reply))
    assert word is not None
    assert isinstance(word.word, Again)
    assert (word.word.data, word.probe.name) == (get(path), probe)


@pytest.mark.parametrize(
    ("reply", "product"),
    [
        (_page("x", "", _NGINX, "X-Jenkins: 2.426.1"), "Jenkins"),
        (_page("x", "", "Server: Apache/2.4.57", "Set-Cookie: phpMyAdmin=x"), "phpMyAdmin"),
    ],
)
def test_an_application_s_own_header_counts_behind_another_server(
    reply: bytes, product: str
) -> None:
    """What nobody else sends; the server in front becomes a note."""
    word = judged(_talk(reply))
    assert word is not None
    found = found_of(word.word)
    assert found is not None
    assert found.product == product
    assert any(note.startswith("behind ") for note in found.notes)
