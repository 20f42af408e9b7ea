"""BitTorrent's DHT: a ping of the mainline Kademlia network, read-only so that nobody keeps us."""

from portbook.identify.probe import Found, Probe, Talk

_ID = b"portbook asks: what?"
_CLIENTS = {
    b"TR": "Transmission",
    b"LT": "libtorrent",
    b"lt": "libTorrent (rakshasa)",
    b"UT": "uTorrent",
    b"qB": "qBittorrent",
    b"DE": "Deluge",
    b"A2": "aria2",
    b"BT": "BitTorrent",
}


def judge(talk: Talk) -> Found | None:
    """A bencoded response (BEP 5) with our transaction id and the id of the node."""
    reply = talk.first[:512]
    if talk.transport != "udp" or not reply.startswith(b"d") or not reply.endswith(b"e"):
        return None
    if talk.opener != "bittorrent-dht" or b"1:t2:pb" not in reply:
        return None
    if b"1:rd2:id20:" not in reply or b"1:y1:re" not in reply:
        return None
    at = reply.rfind(b"1:v4:")
    client = reply[at + 5 : at + 7] if at >= 0 else b""
    product = _CLIENTS.get(client)
    return Found("bittorrent-dht", "certain", product, shows=reply[:100])


PROBE = Probe(
    name="bittorrent-dht",
    title="BitTorrent DHT",
    source="BEP 5, BEP 43 (read-only nodes)",
    ports=(51413, 6881),
    programs=(
        *("transmission-daemon", "transmission-da", "transmission-gtk", "transmission-qt"),
        *("qbittorrent", "qbittorrent-nox", "deluged", "rtorrent", "aria2c", "ktorrent"),
    ),
    datagram=b"d1:ad2:id20:" + _ID + b"e1:q4:ping2:roi1e1:t2:pb1:y1:qe",
    judge=judge,
)
