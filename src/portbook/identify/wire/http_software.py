"""What an HTTP response alone tells of who sent it: the Server header, and notes for people."""

from portbook.identify.probe import Found
from portbook.identify.wire.http_message import Response, generator, title, version_of

_PRODUCTS = {
    "apache": "Apache httpd",
    "apache-coyote": "Tomcat",
    "ats": "Apache Traffic Server",
    "basehttp": "BaseHTTP",
    "basichttpserver": "BasicHTTPServer",
    "caddy": "Caddy",
    "cherokee": "Cherokee",
    "cowboy": "Cowboy",
    "cups": "CUPS",
    "daphne": "Daphne",
    "envoy": "Envoy",
    "granian": "Granian",
    "gunicorn": "gunicorn",
    "hypercorn-h11": "Hypercorn",
    "jetty": "Jetty",
    "kestrel": "Kestrel",
    "lighttpd": "lighttpd",
    "litespeed": "LiteSpeed",
    "microsoft-httpapi": "Microsoft HTTPAPI",
    "microsoft-iis": "IIS",
    "mini_httpd": "mini_httpd",
    "nginx": "nginx",
    "openresty": "OpenResty",
    "simplehttp": "SimpleHTTP",
    "thttpd": "thttpd",
    "tornadoserver": "Tornado",
    "twistedweb": "Twisted Web",
    "uvicorn": "uvicorn",
    "waitress": "waitress",
    "webrick": "WEBrick",
    "werkzeug": "Werkzeug",
    "wsgiserver": "WSGIServer",
}
# Those that name the language before themselves: `Python/3.11 aiohttp/3.9.1`.
_BEHIND = ("aiohttp", "websockets", "uwsgi", "wsgiserver", "cheroot")
# Those that serve other people's pages and applications: what a page says is not about them.
_GENERAL = frozenset(
    (
        *("nginx", "nginx-rc", "openresty", "tengine", "angie", "freenginx", "apache", "httpd"),
        *("caddy", "lighttpd", "litespeed", "openlitespeed", "microsoft-iis", "h2o", "hiawatha"),
        *("cherokee", "thttpd", "mini_httpd", "simplehttp", "webfs", "monkey", "nostromo"),
        *("traefik", "envoy", "istio-envoy", "haproxy", "varnish", "ats", "cloudflare"),
        *("cloudfront", "akamaighost", "amazons3", "awselb", "google", "gws", "esf", "fastly"),
        *("netlify", "vercel", "github.com", "pages", "fly", "sffe", "uploadserver"),
    )
)


def plain(response: Response) -> Found:
    """The word on a response that no application's own sign stands in."""
    return Found("http", "certain", *software(response), response.line, notes_on(response))


def unproven(response: Response) -> Found:
    """The word while an application is only asked about: what is known without it.

    A version would outweigh the application's bare name, where that is all its answer brings; a
    general server in front keeps it, because then only a full answer speaks against it.
    """
    found = plain(response)
    return found if is_general(response) else found._replace(version=None)


def is_general(response: Response) -> bool:
    """Whether a server names itself that serves pages and applications of any kind."""
    name = response.header("server").lower()
    for sign in "/ (;,":
        name = name.partition(sign)[0]
    return name in _GENERAL


def software(response: Response) -> tuple[str | None, str | None]:
    """Product and version as the server spells them, Debian's remarks left out."""
    server = response.header("server")
    powered = response.header("x-powered-by")
    if server:
        return _named(server)
    if powered.startswith("PHP/") and "host" in response.headers:
        return "PHP built-in server", version_of(powered, "php")
    if powered:
        return _named(powered)
    if response.body[-80:].rstrip().endswith(b"<hr><center>nginx</center>\r\n</body>\r\n</html>"):
        return "nginx", None
    return None, None


def _named(text: str) -> tuple[str | None, str | None]:
    for name in _BEHIND:
        version = version_of(text, name)
        if version:
            return _PRODUCTS.get(name, name), version
    name = text.split(",", 1)[0].strip()
    for sign in "/(;":
        name = name.partition(sign)[0]
    name = name.strip()
    if not name or len(name) > 60 or not name.isprintable():
        return None, None
    if text.startswith(f"{name}("):
        # `Jetty(9.4.50.v20221201)`
        return _PRODUCTS.get(name.lower(), name), version_of(f"x/{text[len(name) + 1 :]}", "x")
    words = name.split(" ")
    if len(words) == 2 and words[1][:1].isdigit() and version_of(f"x/{words[1]}", "x"):
        return words[0], words[1]
    return _PRODUCTS.get(name.lower(), name), version_of(text, name)


def notes_on(response: Response) -> tuple[str, ...]:
    """Short remarks on the page: its title, its maker, a password, a redirect."""
    notes = []
    said = title(response)
    if said:
        notes.append(f"title: {said}")
    maker = generator(response)
    if maker and maker.isprintable():
        notes.append(f"made with {maker[:60]}")
    if response.status == 401:
        realm = response.header("www-authenticate").partition("realm=")[2][:80].strip('"')
        notes.append(f"asks for a password ({realm})" if realm else "asks for a password")
    where = response.header("location")
    if where and 300 <= response.status < 400:
        notes.append(f"redirects to {where[:100]}")
    powered = response.header("x-powered-by")
    if powered and response.header("server"):
        notes.append(f"powered by {powered[:60]}")
    return tuple(notes)
