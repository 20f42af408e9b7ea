"""OpenVPN: a client's hard reset is answered with the server's, which acknowledges our session."""

from portbook.identify.probe import Found, More, Probe, Talk

_SESSION = b"portbook"
_RESET = b"\x38" + _SESSION + b"\x00" + bytes(4)
_SERVER_RESET = 0x40


def judge(talk: Talk) -> Found | More | None:
    """P_CONTROL_HARD_RESET_SERVER_V2 with our session id; over TCP a length comes before it.

    With tls-auth or tls-crypt it stays silent to whoever has not the key.
    """
    if talk.opener != "openvpn":
        return None
    packet = talk.first
    if talk.transport == "tcp":
        size = int.from_bytes(packet[:2])
        if not 14 <= size <= 512:
            return None
        if len(packet) < 2 + size:
            return None if talk.ended else More()
        packet = packet[2 : 2 + size]
    if len(packet) < 26 or packet[0] & 0xF8 != _SERVER_RESET:
        return None
    acknowledged = packet[9]
    ours = 10 + 4 * acknowledged
    if not 1 <= acknowledged <= 8 or packet[ours : ours + 8] != _SESSION:
        return None
    return Found("openvpn", "certain", shows=packet[:26])


PROBE = Probe(
    name="openvpn",
    title="OpenVPN",
    source="OpenVPN wire protocol (draft-openvpn-wire-protocol), P_CONTROL_HARD_RESET",
    services=("openvpn",),
    ports=(1194,),
    programs=("openvpn", "openvpn-server", "openvpnserv"),
    opener=len(_RESET).to_bytes(2) + _RESET,
    datagram=_RESET,
    judge=judge,
)
