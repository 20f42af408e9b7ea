"""Discard: takes everything and says nothing, so that only local evidence tells (RFC 863)."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="discard",
    title="Discard (says nothing)",
    source="RFC 863",
    services=("discard",),
    ports=(9,),
)
