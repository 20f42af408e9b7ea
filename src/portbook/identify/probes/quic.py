"""QUIC (HTTP/3): a packet of a reserved version is answered with the versions that are spoken."""

from portbook.identify.probe import Found, Probe, Talk

_OURS, _THEIRS = b"portbook", b"identify"
_LONG_HEADER = 0xC0
_RESERVED = b"\x1a\x2a\x3a\x4a"
_SMALLEST = 1200
_DRAFTS = b"\xff\x00\x00"
_NAMES = {b"\x00\x00\x00\x01": "version 1", b"\x6b\x33\x43\xcf": "version 2"}


def judge(talk: Talk) -> Found | None:
    """Version Negotiation (RFC 8999 section 6): version 0 and both connection ids, exchanged."""
    reply = talk.first
    if talk.transport != "udp" or talk.opener != "quic" or len(reply) < 27:
        return None
    ids = b"\x08" + _OURS + b"\x08" + _THEIRS
    if not reply[0] & 0x80 or reply[1:5] != bytes(4) or reply[5:23] != ids or len(reply) % 4 != 3:
        return None
    versions = [reply[at : at + 4] for at in range(23, min(len(reply), 23 + 64), 4)]
    notes = [_name(version) for version in versions if _name(version)]
    return Found("quic", "certain", shows=reply[:39], notes=tuple(notes[:8]))


def _name(version: bytes) -> str:
    if version in _NAMES:
        return _NAMES[version]
    if version.startswith(_DRAFTS):
        return f"draft {version[3]}"
    return f"Google {version.decode()}" if version[:1] == b"Q" and version[1:].isdigit() else ""


def _packet() -> bytes:
    # Shorter datagrams are not answered, so that nobody uses servers as amplifiers.
    head = bytes((_LONG_HEADER,)) + _RESERVED + b"\x08" + _THEIRS + b"\x08" + _OURS
    return head + bytes(_SMALLEST - len(head))


PROBE = Probe(
    name="quic",
    title="QUIC (HTTP/3)",
    source="RFC 9000 sections 6 and 15, RFC 8999",
    services=("https",),
    ports=(443, 8443, 4433),
    programs=("caddy", "nginx", "h2o", "haproxy", "lsws", "litespeed", "openlitespeed", "envoy"),
    commands=("--quic-bind", "quic_server", "http3_server"),
    datagram=_packet(),
    judge=judge,
)
