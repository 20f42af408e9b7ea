"""LLMNR (UDP): answers nothing but its own host's name, which nobody can guess."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="llmnr",
    title="LLMNR",
    source="RFC 4795 section 2",
    services=("llmnr",),
    ports=(5355,),
    transports=("udp", "tcp"),
    sink=True,
)
