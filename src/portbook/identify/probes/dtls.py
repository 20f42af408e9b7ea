"""DTLS (TLS over UDP): a ClientHello is answered with a cookie request, a ServerHello, an alert."""

from portbook.identify.probe import Found, Probe, Talk

_ALERT, _HANDSHAKE = 21, 22
_SERVER_HELLO, _HELLO_VERIFY_REQUEST = 2, 3
_VERSIONS = {b"\xfe\xff": "DTLS 1.0", b"\xfe\xfd": "DTLS 1.2"}
_SUITES = "c02b c02f c02c c030 c0ae c0a8 00a8 009c"


def judge(talk: Talk) -> Found | None:
    """A record of epoch 0 whose lengths agree, with one of the three."""
    reply = talk.first
    if talk.transport != "udp" or talk.opener != "dtls" or len(reply) < 15:
        return None
    length = int.from_bytes(reply[11:13])
    if reply[1:3] not in _VERSIONS or reply[3:5] != b"\0\0" or len(reply) < 13 + length:
        return None
    notes: tuple[str, ...] = ()
    if reply[0] == _ALERT and length == 2 and reply[13] in (1, 2):
        notes = (f"alert {reply[14]}",)
    elif reply[0] == _HANDSHAKE and length >= 12 + 3 and _hello(reply[13 : 13 + length]):
        # A cookie request bears version 1.0 whatever is spoken (RFC 6347 section 4.2.1).
        if reply[13] == _SERVER_HELLO and reply[25:27] in _VERSIONS:
            notes = (_VERSIONS[reply[25:27]],)
    else:
        return None
    return Found("dtls", "certain", shows=reply[:40], notes=notes)


def _hello(message: bytes) -> bool:
    """A message that is not in pieces: length and length of the piece are the same."""
    whole, piece = int.from_bytes(message[1:4]), int.from_bytes(message[9:12])
    kinds = (_SERVER_HELLO, _HELLO_VERIFY_REQUEST)
    return message[0] in kinds and message[6:9] == bytes(3) and 0 < piece <= whole


def _client_hello() -> bytes:
    suites = bytes.fromhex(_SUITES)
    extensions = bytes.fromhex(
        "000a 0006 0004 001d 0017"  # groups: x25519, secp256r1
        "000d 000a 0008 0403 0804 0401 0201"  # signatures: ECDSA, RSA-PSS, RSA with SHA-256, SHA-1
    )
    body = b"\xfe\xfd" + b"portbook asks what speaks here. " + b"\0\0"
    body += len(suites).to_bytes(2) + suites + b"\x01\x00"
    body += len(extensions).to_bytes(2) + extensions
    length = len(body).to_bytes(3)
    message = b"\x01" + length + b"\0\0" + bytes(3) + length + body
    return b"\x16\xfe\xff" + bytes(8) + len(message).to_bytes(2) + message


PROBE = Probe(
    name="dtls",
    title="DTLS",
    source="RFC 6347 section 4.2",
    services=("coaps", "snmpdtls"),
    ports=(4433, 5684, 10161),
    programs=("ocserv",),
    commands=("openssl s_server -dtls",),
    datagram=_client_hello(),
    judge=judge,
)
