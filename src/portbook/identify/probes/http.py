"""HTTP/1: the client speaks first; servers name themselves in Server, X-Powered-By or the page."""

from portbook.identify.probe import Again, Found, More, Probe, Talk
from portbook.identify.wire.http_message import Response, get, parse, parse_any
from portbook.identify.wire.http_software import plain, software

_ENOUGH = 16384
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
        return Found("http", "likely", *software(response), shows=response.line)
    found = plain(response)
    if _is_of_rtsp(response):
        return found._replace(confidence="likely")
    whole = response.complete or talk.ended or len(response.body) > _ENOUGH
    if not whole or not response.headed:
        return found if talk.ended else More(found)
    if response.status == 400 and not talk.secure and any(s in response.body for s in _TO_TLS):
        return Again(b"", found, tls=True)
    return found


def _is_of_rtsp(response: Response) -> bool:
    """Whether an RTSP server refuses in HTTP, which its parser has as well."""
    return response.status >= 400 and "rtsp" in response.header("server").lower()


def _without_status(talk: Talk) -> Found | More | None:
    """A cut status line, or a page alone (HTTP/0.9), which a bad request may bring."""
    reply = talk.first
    if reply.startswith(b"HTTP/1.") and b"\n" not in reply:
        return None if talk.ended else More()
    if reply[:64].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        sure = "guess" if talk.opener == "http" else "likely"
        return Found("http", sure, shows=reply[:60])
    return None


PROBE = Probe(
    name="http",
    title="HTTP/1 (web)",
    source="RFC 9112, RFC 9110",
    services=("http", "http-alt", "https", "www", "www-http"),
    ports=(80, 8080, 8000, 8008, 8081, 8888, 3000, 5000, 9090),
    secure_ports=(443, 8443),
    programs=(
        *("nginx", "nginx-light", "nginx-core", "nginx-full", "openresty", "apache2"),
        *("apache2-bin", "httpd", "lighttpd", "caddy", "gunicorn", "uvicorn", "hypercorn"),
        *("daphne", "waitress-serve", "webfs", "thttpd", "mini_httpd", "haproxy", "varnishd"),
        *("varnish", "traefik", "envoy", "uwsgi", "uwsgi-core", "h2o", "traffic_server"),
        *("webfsd", "puma"),
    ),
    commands=(
        *("-m http.server", "manage.py runserver", "flask run", "-m werkzeug.serving", "php -s "),
        *("org.eclipse.jetty", "org.apache.catalina", "-run -e httpd", "rails server"),
        *("/bin/puma", "/bin/http-server"),
    ),
    opener=get("/"),
    reacts_to=("redis",),
    judge=judge,
)
