"""Visitors who speak the wrong language: what they say first, and where they say it."""

from tools.traffic_visit import Visit

TLS = (
    "16030100a10100009d0303"
    + "5a" * 32
    + "20"
    + "a5" * 32
    + "0008c02bc02fc02cc030"
    + "0100"
    + "004c"
    + "0000000e000c000009612e6578616d706c65"
    + "000a00060004001d0017"
    + "000d0006000404030804"
    + "0010000e000c02683208687474702f312e31"
    + "00150010"
    + "00" * 16
)


def _text(text: str) -> str:
    return text.encode("latin-1").hex()


_RDP = "0300002b26e00000000000" + _text("Cookie: mstshash=hello\r\n") + "0100080003000000"
_SMB = (
    "000000"
    "45"
    "ff534d427200000000180128"
    + "00" * 20
    + "00220002"
    + _text("NT LM 0.12\0")
    + "02"
    + _text("SMB 2.002\0")
    + "02"
    + _text("SMB 2.???\0")
)
_MQTT = "100d00044d5154540402003c000161"
_OPENERS: dict[str, str] = {
    "http": _text("GET / HTTP/1.1\r\nHost: 198.51.100.10\r\nUser-Agent: Mozilla/5.0\r\n\r\n"),
    "http-bare": _text("GET / HTTP/1.0\r\n\r\n"),
    "rdp": _RDP,
    "jdwp": _text("JDWP-Handshake"),
    "socks5": "050100",
    "socks4": "04010050c633640900",
    "smb": _SMB,
    "redis": _text("*1\r\n$4\r\nINFO\r\n"),
    "ssh": _text("SSH-2.0-Go\r\n"),
    "sip": _text(
        "OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\nFrom: <sip:a@a>;tag=b\r\n"
        "To: <sip:c@c>\r\nCall-ID: 5\r\nCSeq: 42 OPTIONS\r\nMax-Forwards: 70\r\n"
        "Content-Length: 0\r\n\r\n"
    ),
    "rtsp": _text("OPTIONS / RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
    "mqtt": _MQTT,
    "postgresql": "0000001f00030000" + _text("user\0app\0database\0app\0\0"),
    "adb": _text("CNXN") + "00000001001000000700000032020000bcb1a7b1" + _text("host::\0"),
    "memcached": _text("stats\r\n"),
    "odd": "00ff13378badf00d" * 3,
}
_WRONG = (
    ("tls", 22, 3, 1),
    ("tls", 6379, 2, 0),
    ("tls", 25, 2, 0),
    ("http", 22, 3, 1),
    ("http", 6379, 3, 1),
    ("http", 5432, 2, 0),
    ("http-bare", 1883, 2, 0),
    ("rdp", 80, 3, 1),
    ("rdp", 22, 2, 0),
    ("jdwp", 8000, 3, 1),
    ("socks5", 80, 2, 0),
    ("socks5", 22, 2, 1),
    ("socks4", 80, 2, 0),
    ("smb", 80, 2, 0),
    ("smb", 443, 2, 1),
    ("redis", 80, 3, 1),
    ("ssh", 80, 2, 0),
    ("sip", 80, 2, 0),
    ("sip", 22, 2, 0),
    ("rtsp", 80, 2, 0),
    ("mqtt", 80, 2, 0),
    ("postgresql", 6379, 2, 0),
    ("adb", 8000, 2, 0),
    ("memcached", 80, 2, 0),
    ("odd", 80, 2, 0),
    ("odd", 22, 2, 0),
)


def visits() -> list[Visit]:
    """Each wrong opener at a port, sweeps of one opener over many ports, and banner grabbers."""
    openers = {"tls": TLS, **_OPENERS}
    made = [
        Visit(
            f"{name} spoken elsewhere",
            "probe",
            plan={"act": "say", "ports": [port], "data": openers[name]},
            full=full,
            short=short,
        )
        for name, port, full, short in _WRONG
    ]
    sweep = [21, 22, 25, 1883, 3255, 5432, 6379, 8081, 9418]
    sweeps = (("http", 3, 1), ("tls", 3, 1), ("rdp", 2, 0), ("jdwp", 2, 0), ("socks5", 2, 0))
    made += [
        Visit(
            f"{name} sweep",
            "scan",
            scan_type="service",
            plan={"act": "say", "ports": sweep, "data": openers[name], "wait": 0.5},
            full=full,
            short=short,
        )
        for name, full, short in sweeps
    ]
    grab = Visit("banner grabber", "probe")
    zgrab = _text(
        "GET / HTTP/1.1\r\nHost: 198.51.100.10\r\nUser-Agent: Mozilla/5.0 zgrab/0.x\r\n\r\n"
    )
    return [
        *made,
        grab._replace(plan={"act": "listen", "ports": [22]}, full=3, short=1),
        grab._replace(plan={"act": "listen", "ports": [25], "reset": True}, full=2),
        grab._replace(plan={"act": "listen", "ports": [21, 22, 25, 143]}, full=3, short=1),
        grab._replace(plan={"act": "listen", "ports": [80]}, full=2),
        Visit(
            "zgrab user agent",
            "probe",
            plan={"act": "say", "ports": [80], "data": zgrab},
            full=3,
            short=1,
        ),
    ]
