"""HTTP forward proxies: asked for a page of their own, they refuse in words of their own."""

from portbook.identify.probe import Again, Found, More, Probe, Talk
from portbook.identify.wire.http_message import (
    Response,
    is_from_proxy,
    parse_any,
    upstream,
    version_of,
)
from portbook.identify.wire.http_software import plain

_PRODUCTS = {
    "squid": "Squid",
    "tinyproxy": "tinyproxy",
    "polipo": "Polipo",
    "mitmproxy": "mitmproxy",
    "proxy.py": "proxy.py",
    "privoxy": "Privoxy",
}


# Privoxy answers for this name itself: nothing is fetched.
_OWN_PAGE = (
    b"GET http://p.p/ HTTP/1.1\r\nHost: p.p\r\nUser-Agent: portbook\r\nConnection: close\r\n\r\n"
)
_SIGNED = b">Privoxy</a> "
# So does tinyproxy; a page that it fetched is no proof, because others pass on its Via as well.
_OWN_STATISTICS = (
    b"GET http://tinyproxy.stats/ HTTP/1.1\r\nHost: tinyproxy.stats\r\n"
    b"User-Agent: portbook\r\nConnection: close\r\n\r\n"
)


def judge(talk: Talk) -> Found | More | Again | None:
    """X-Squid-Error, Proxy-Agent, 407, or the Server header of a proxy; nothing is fetched."""
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    response = parse_any(talk.first)
    if response is not None and talk.opener == "http-proxy":
        return _privoxy(response) or _tinyproxy(response)
    if response is None:
        return None
    if not is_from_proxy(response):
        passed = talk.opener == "http" and "(tinyproxy/" in response.header("via")
        return Again(_OWN_STATISTICS, plain(response)) if passed else None
    product, version = _software(response)
    notes = ("asks for a password",) if response.status == 407 else ()
    found = Found("http-proxy", "certain", product, version, response.line, notes)
    if product == "Privoxy" and version is None:
        return Again(_OWN_PAGE, found)
    return found if response.headed or talk.ended else More(found)


def _privoxy(response: Response) -> Found | None:
    at = response.body.find(_SIGNED, 0, 16384)
    if at < 0:
        return None
    text = response.body[at + len(_SIGNED) : at + len(_SIGNED) + 40].decode("latin-1")
    version = upstream(text.partition(" ")[0])
    return Found("http-proxy", "certain", "Privoxy", version, response.line)


def _tinyproxy(response: Response) -> Found | None:
    version = upstream(version_of(response.header("server"), "tinyproxy"))
    if version is None or b"run-time statistics" not in response.body[:4096]:
        return None
    return Found("http-proxy", "certain", "tinyproxy", version, response.line)


def _software(response: Response) -> tuple[str | None, str | None]:
    if response.body.startswith(b"This is a proxy server."):
        return "goproxy", None
    for name in ("server", "proxy-agent", "via"):
        said = response.header(name)
        for key, product in _PRODUCTS.items():
            if f"{key}/" in said.lower():
                return product, upstream(version_of(said, key))
            if said.lower().startswith(key):
                return product, upstream(said[len(key) :].strip())
    if "x-squid-error" in response.headers:
        return "Squid", None
    if response.reason == "Invalid header received from client":
        return "Privoxy", None
    return None, None


PROBE = Probe(
    name="http-proxy",
    title="HTTP proxy (Squid, tinyproxy, Privoxy)",
    source="RFC 9110 sections 3.7 and 7.6; the error pages of Squid, tinyproxy and Privoxy",
    services=("http-alt", "privoxy"),
    ports=(3128, 8118, 8888),
    programs=(
        *("squid", "squid-openssl", "tinyproxy", "tinyproxy-bin", "privoxy", "polipo"),
        *("mitmdump", "mitmproxy"),
    ),
    reacts_to=("http", "redis"),
    judge=judge,
)
