"""RDP: the client asks for a connection in X.224, with the security protocols that it knows."""

from portbook.identify.probe import Found, More, Probe, StartTls, Talk

_RESPONSE, _FAILURE = 2, 3
_DISCONNECT = b"\x03\x00\x00\x09\x02\xf0\x80\x21\x80"
"""Data in X.224: the conference (T.125) is over. What is no connection request gets this."""

_PROTOCOLS = {
    0: "standard RDP security",
    1: "TLS",
    2: "CredSSP (network level authentication)",
    4: "RDSTLS",
    8: "CredSSP with early user authorization",
    16: "RDS AAD",
}
_FAILURES = {
    1: "requires TLS",
    2: "allows no TLS",
    3: "has no certificate",
    4: "inconsistent flags",
    5: "requires network level authentication",
    6: "requires TLS with a client certificate",
}


def judge(talk: Talk) -> Found | More | StartTls | None:
    """A TPKT with an X.224 connection confirm that carries an RDP negotiation response."""
    if talk.transport != "tcp":
        return None
    reply = talk.first
    if reply == _DISCONNECT and talk.opener != "rdp":
        return Found("rdp", "likely", shows=reply)
    if len(reply) < 11:
        cut = len(reply) > 1 and reply[:2] == b"\x03\x00" and not talk.ended
        return More() if cut and talk.opener == "rdp" else None
    size = int.from_bytes(reply[2:4])
    if reply[:2] != b"\x03\x00" or reply[5] & 0xF0 != 0xD0 or reply[4] != size - 5:
        return None
    if size == 11 and talk.opener == "rdp" and len(reply) == 11:
        # Servers from before the negotiation existed confirm, and so do others on ISO transport.
        return Found("rdp", "likely", shows=reply, notes=("standard RDP security",))
    if size != 19 or reply[13:15] != b"\x08\x00" or reply[11] not in (_RESPONSE, _FAILURE):
        return None
    if len(reply) < size:
        return None if talk.ended else More()
    return _negotiated(talk, reply[:19])


def _negotiated(talk: Talk, reply: bytes) -> Found | StartTls | None:
    choice = int.from_bytes(reply[15:19], "little")
    names = _PROTOCOLS if reply[11] == _RESPONSE else _FAILURES
    if choice not in names:
        return None
    found = Found("rdp", "certain", shows=reply, notes=(names[choice],))
    begins_tls = reply[11] == _RESPONSE and choice in (1, 2, 8)
    # What the handshake needs stays on the connection only where we asked for it ourselves.
    if begins_tls and talk.opener == "rdp" and len(talk.turns) == 1 and not talk.secure:
        return StartTls(found)
    return found


PROBE = Probe(
    name="rdp",
    title="RDP (remote desktop)",
    source="MS-RDPBCGR sections 2.2.1.1 and 2.2.1.2",
    services=("ms-wbt-server",),
    ports=(3389,),
    programs=("xrdp", "gnome-remote-desktop-daemon", "freerdp-shadow-cli", "grdctl"),
    # Connection request; RDP_NEG_REQ: TLS, CredSSP and CredSSP with early authorization.
    opener=bytes.fromhex("030000130ee00000000000 01000800 0b000000"),
    reacts_to=("http",),
    judge=judge,
)
