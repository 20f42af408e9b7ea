"""IPP: printing over HTTP; CUPS and printers name it in their Server header."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.wire.http_message import (
    Response,
    page,
    parse,
    title,
    upstream,
    version_of,
)

# Get-Printer-Attributes (RFC 8011 section 4.2.5) for the make of the printer alone.
_ASK = (
    b"\x01\x01\x00\x0b\x00\x00\x00\x01\x01"
    b"\x47\x00\x12attributes-charset\x00\x05utf-8"
    b"\x48\x00\x1battributes-natural-language\x00\x02en"
    b"\x45\x00\x0bprinter-uri\x00\x19ipp://localhost/ipp/print"
    b"\x44\x00\x14requested-attributes\x00\x16printer-make-and-model\x03"
)
_POST = (
    b"POST /ipp/print HTTP/1.1\r\nHost: localhost\r\nUser-Agent: portbook\r\n"
    b"Content-Type: application/ipp\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(_ASK)
) + _ASK
_MODEL = b"\x00\x16printer-make-and-model"


def judge(talk: Talk) -> Found | Again | None:
    """IPP in the Server header, then the answer to a question of IPP."""
    if talk.opener == "ipp" and talk.transport == "tcp" and len(talk.turns) == 1:
        return _answer(parse(talk.first))
    response = page(talk)
    server = response.header("server") if response else ""
    if response is None or not ("IPP/" in server or server.startswith("CUPS")):
        return None
    found = Found("http", "certain", shows=f"Server: {server}".encode("latin-1"))
    speaks = version_of(server, "ipp")
    found = found._replace(notes=(f"IPP {speaks}",) if speaks else ())
    if server.startswith("CUPS"):
        return found._replace(product="CUPS", version=_cups(response, server))
    name = server.partition(";")[0].partition("/")[0].strip()
    return Again(_POST, found._replace(product=name[:60] if name.isprintable() and name else None))


def _cups(response: Response, server: str) -> str | None:
    """The page tells the whole version, the header by default only the beginning of it."""
    short = version_of(server, "cups")
    name, _, last = (title(response) or "").rpartition(" ")
    long = upstream(last) if name.endswith("CUPS") else None
    return long if long and short and long.startswith(short) else short


def _answer(response: Response | None) -> Found | None:
    if response is None or response.header("content-type") != "application/ipp":
        return None
    body = response.body
    if len(body) < 8 or body[0] not in (1, 2) or body[4:8] != b"\x00\x00\x00\x01":
        return None
    found = Found("http", "certain", shows=body[:8], notes=(f"IPP {body[0]}.{body[1]}",))
    at = body.find(_MODEL) + len(_MODEL)
    if at < len(_MODEL):
        return found
    model = body[at + 2 : at + 2 + int.from_bytes(body[at : at + 2])][:80]
    text = model.decode("utf-8", "replace").strip()
    return found._replace(product=text) if text and text.isprintable() else found


PROBE = Probe(
    name="ipp",
    title="IPP (CUPS, printers)",
    source="RFC 8010, RFC 8011 section 4.2.5",
    services=("ipp", "ipps"),
    ports=(631,),
    programs=("cupsd", "cups", "cups-daemon", "ippeveprinter", "ipp-usb"),
    reacts_to=("http",),
    judge=judge,
)
