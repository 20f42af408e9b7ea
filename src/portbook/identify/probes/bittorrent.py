"""BitTorrent peers: they end what does not name one of their torrents, so nothing is asked."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="bittorrent",
    title="BitTorrent (peer)",
    source="BEP 3",
    ports=(51413, 6881),
    programs=(
        *("transmission-daemon", "transmission-da", "transmission-gtk", "transmission-qt"),
        *("qbittorrent", "qbittorrent-nox", "deluged", "rtorrent", "aria2c", "ktorrent"),
    ),
)
