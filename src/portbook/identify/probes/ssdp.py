"""SSDP of UPnP (UDP), asked at one address: the client searches for root devices."""

from portbook.identify.probe import Found, Probe, Talk

_SEARCH = (
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
    b'MAN: "ssdp:discover"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n'
)


def judge(talk: Talk) -> Found | None:
    """An HTTP response over UDP with ST and USN."""
    if talk.transport != "udp" or len(talk.turns) > 1:
        return None
    lines = talk.first[:2000].split(b"\r\n")
    if not lines[0].startswith(b"HTTP/1.1 200 "):
        return None
    fields = {}
    for line in lines[1:32]:
        name, _, value = line.partition(b":")
        fields[name.strip().upper()] = value.strip()
    if b"ST" not in fields or b"USN" not in fields:
        return None
    server = fields.get(b"SERVER", b"")
    # OS/version UPnP/version product/version, in this order (UPnP device architecture 1.1).
    _, upnp, last = server.decode("latin-1").partition("UPnP/")
    words = last.split(" ")[1:] if upnp else []
    product, _, version = (words[-1] if words else "").partition("/")
    return Found("ssdp", "certain", product or None, version or None, shows=server or lines[0])


PROBE = Probe(
    name="ssdp",
    title="SSDP (UPnP discovery)",
    source="UPnP device architecture 1.1 section 1.3",
    services=("ssdp",),
    ports=(1900,),
    programs=("minissdpd", "minidlnad", "minidlna", "gupnp-tools", "rygel"),
    datagram=_SEARCH,
    judge=judge,
)
