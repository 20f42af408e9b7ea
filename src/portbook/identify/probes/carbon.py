"""Carbon of Graphite: takes metrics in lines or pickled, and never answers."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="carbon",
    title="Carbon (Graphite)",
    source="Graphite documentation, Feeding in your data",
    ports=(2003, 2004, 7002),
    programs=("carbon-cache", "carbon-relay", "carbon-aggregator", "graphite-carbon"),
    commands=("carbon-cache", "carbon-relay", "carbon-aggregator"),
    transports=("tcp", "udp"),
    sink=True,
)
