"""SIP: OPTIONS asks for capabilities; Server or User-Agent of the response name the program."""

from portbook.identify.probe import Found, More, Probe, Talk
from portbook.identify.wire.text_response import product_and_version, read_response

_NAMES = {
    "kamailio": "Kamailio",
    "Asterisk PBX": "Asterisk",
    "FPBX": "FreePBX",
    "FreeSWITCH-mod_sofia": "FreeSWITCH",
}


def judge(talk: Talk) -> Found | More | None:
    """`SIP/2.0 NNN reason`: only SIP begins so."""
    response = read_response(talk.first, b"SIP/2.0")
    if response is None:
        return None
    if not response.complete and not talk.ended:
        return More(Found("sip", "certain", shows=response.line))
    said = response.headers.get("server") or response.headers.get("user-agent") or ""
    name, version = product_and_version(said)
    product = _NAMES.get(name, name) if name else None
    return Found("sip", "certain", product, version, shows=response.line)


def _options(transport: bytes) -> bytes:
    # Max-Forwards 0 keeps a proxy from passing it on; compact forms (section 7.3.3) keep it short.
    return (
        b"OPTIONS sip:localhost SIP/2.0\r\n"
        b"v:SIP/2.0/" + transport + b" localhost;rport;branch=z9hG4bKpb\r\n"
        b"f:<sip:p@localhost>;tag=p\r\n"
        b"t:<sip:localhost>\r\n"
        b"i:portbook\r\n"
        b"CSeq:1 OPTIONS\r\n"
        b"Max-Forwards:0\r\n"
        b"l:0\r\n\r\n"
    )


PROBE = Probe(
    name="sip",
    title="SIP",
    source="RFC 3261 sections 7 and 11, RFC 3581 (rport)",
    services=("sip", "sips"),
    ports=(5060,),
    secure_ports=(5061,),
    programs=("kamailio", "opensips", "asterisk", "freeswitch", "repro", "sipwitch", "siproxd"),
    opener=_options(b"TCP"),
    datagram=_options(b"UDP"),
    judge=judge,
)
