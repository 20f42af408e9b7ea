"""HTTP/1: the client speaks first; servers name themselves in Server, X-Powered-By or the page."""

from portbook.identify.probe import Again, Found, More, Probe, Talk
from portbook.identify.probes.http_message import (
    Response,
    generator,
    get,
    parse,
    parse_any,
    title,
    version_of,
)

_ENOUGH = 16384
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
_TO_TLS = (
    b"The plain HTTP request was sent to HTTPS port",
    b"speaking plain HTTP to an SSL-enabled server port",
    b"Client sent an HTTP request to an HTTPS server",
    b"This combination of host and port requires TLS",
    b"HTTP request was sent to HTTPS port",
)


def judge(talk: Talk) -> Found | More | Again | None:
    """A status line with a header section; what it says of itself; a TLS port that complains."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    response = parse(reply)
    if response is None:
        return _without_status(talk) if parse_any(reply) is None else None
    if talk.opener != "http":
        # The answer to a stranger's words has no page to judge by: the engine asks for one.
        return Found("http", "likely", *_software(response), shows=response.line)
    found = Found("http", "certain", *_software(response), response.line, _notes(response))
    whole = response.complete or talk.ended or len(response.body) > _ENOUGH
    if not whole or not response.headed:
        return found if talk.ended else More(found)
    if response.status == 400 and not talk.secure and any(s in response.body for s in _TO_TLS):
        return Again(b"", found, tls=True)
    return found


def _without_status(talk: Talk) -> Found | More | None:
    """A cut status line, or a page alone (HTTP/0.9), which a bad request may bring."""
    reply = talk.first
    if reply.startswith(b"HTTP/1.") and b"\n" not in reply:
        return None if talk.ended else More()
    if reply[:64].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        sure = "guess" if talk.opener == "http" else "likely"
        return Found("http", sure, shows=reply[:60])
    return None


def _software(response: Response) -> tuple[str | None, str | None]:
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
    return _made_by(generator(response))


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


def _made_by(text: str | None) -> tuple[str | None, str | None]:
    """`WordPress 6.1.1` of a generator."""
    if not text or not text.isprintable():
        return None, None
    name, _, last = text.rpartition(" ")
    if name and last.lstrip("v")[:1].isdigit():
        return name[:60], version_of(f"x/{last}", "x")
    return text[:60], None


def _notes(response: Response) -> tuple[str, ...]:
    notes = []
    said = title(response)
    if said:
        notes.append(f"title: {said}")
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


PROBE = Probe(
    name="http",
    title="HTTP/1 (web)",
    source="RFC 9112, RFC 9110",
    services=("http", "http-alt", "https", "www-http"),
    ports=(80, 8080, 8000, 8008, 8081, 8888, 3000, 5000, 9090),
    secure_ports=(443, 8443),
    programs=(
        *("nginx", "nginx-light", "nginx-core", "nginx-full", "openresty", "apache2"),
        *("apache2-bin", "httpd", "lighttpd", "caddy", "gunicorn", "uvicorn", "hypercorn"),
        *("daphne", "waitress-serve", "webfs", "thttpd", "mini_httpd", "haproxy", "varnishd"),
        *("varnish", "traefik", "envoy", "uwsgi", "uwsgi-core", "h2o", "traffic_server"),
    ),
    commands=(
        *("-m http.server", "manage.py runserver", "flask run", "werkzeug", "php -s "),
        *("org.eclipse.jetty", "org.apache.catalina", "webrick", "puma", "http-server"),
    ),
    opener=get("/"),
    reacts_to=("redis",),
    judge=judge,
)
