"""UPnP devices over HTTP (MiniDLNA and other media servers): the Server header names UPnP."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page, upstream


def judge(talk: Talk) -> Found | None:
    """`OS/version UPnP/1.0 product/version`, as the UPnP device architecture wants it."""
    response = page(talk)
    if response is None:
        return None
    server = response.header("server")
    before, upnp, rest = server.partition("UPnP/")
    if not upnp or (before and before[-1:] not in " ,/") or rest[:2] not in ("1.", "2."):
        return None
    name, slash, version = rest.partition(" ")[2].strip(" ,").partition("/")
    product = name.strip()[:60] if slash and name.strip().isprintable() else ""
    shows = b"Server: " + server.encode("latin-1")
    number = upstream(version.partition(" ")[0]) if product else None
    return Found("http", "certain", product or None, number, shows, (f"UPnP {rest[:3]}",))


PROBE = Probe(
    name="upnp",
    title="UPnP and DLNA media servers",
    source="UPnP Device Architecture 1.1, section 2.1",
    ports=(8200, 49152),
    programs=("minidlnad", "minidlna", "readymedia", "gerbera", "miniupnpd", "rygel"),
    reacts_to=("http",),
    judge=judge,
)
