"""StatsD (UDP): takes metrics, and never answers."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="statsd",
    title="StatsD",
    source="StatsD, docs/metric_types.md",
    ports=(8125,),
    programs=("statsd", "gostatsd", "brubeck"),
    commands=("statsd/stats.js",),
    transports=("udp", "tcp"),
    sink=True,
)
