"""uTP (BitTorrent over UDP): data for a connection that does not exist is answered with a reset."""

from portbook.identify.probe import Again, Found, Probe, Talk

_CONNECTION = b"pb"
_SEQUENCE = b"\x70\x62"
_DATA, _RESET, _VERSION = 0, 3, 1
# Nothing begins: only ST_SYN would open a connection.
_QUESTION = (
    bytes((_DATA << 4 | _VERSION, 0))
    + _CONNECTION
    + bytes(8)
    + b"\x00\x01\x00\x00"
    + _SEQUENCE
    + b"\x00\x00"
)


def judge(talk: Talk) -> Found | Again | None:
    """ST_RESET of version 1 with our connection id, acknowledging our sequence number."""
    reply = talk.first
    if _is_old_reset(talk):
        return Again(_QUESTION, Found("bittorrent", "likely", shows=reply))
    if talk.transport != "udp" or talk.opener != "bittorrent-utp" or len(reply) != 20:
        return None
    if reply[0] != _RESET << 4 | _VERSION or reply[1] != 0:
        return None
    if reply[2:4] != _CONNECTION or reply[18:20] != _SEQUENCE:
        return None
    return Found("bittorrent", "certain", shows=reply, notes=("uTP",))


def _is_old_reset(talk: Talk) -> bool:
    """Version 0 (before BEP 29): libutp takes what it cannot read for that, and resets it."""
    reply, sent = talk.first, talk.turns[0].sent
    if talk.transport != "udp" or len(reply) != 23 or len(sent) < 23 or len(talk.turns) > 1:
        return False
    return reply[:4] == sent[:4] and reply[4:18] == bytes(14) and reply[18] == _RESET


PROBE = Probe(
    name="bittorrent-utp",
    title="BitTorrent (uTP)",
    source="BEP 29",
    ports=(51413, 6881),
    programs=(
        *("transmission-daemon", "transmission-da", "transmission-gtk", "transmission-qt"),
        *("qbittorrent", "qbittorrent-nox", "deluged"),
    ),
    datagram=_QUESTION,
    reacts_to=("ntp", "sip"),
    judge=judge,
)
