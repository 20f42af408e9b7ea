"""The network plugin of collectd (UDP): takes metrics, and never answers."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="collectd",
    title="collectd",
    source="collectd, Binary protocol",
    ports=(25826,),
    programs=("collectd", "collectdmon"),
    transports=("udp",),
    sink=True,
)
