"""The receiver of SNMP traps (UDP): takes notifications; traps are never answered."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="snmptrap",
    title="SNMP traps",
    source="RFC 3416 section 4.2.6",
    services=("snmptrap",),
    ports=(162,),
    programs=("snmptrapd",),
    transports=("udp",),
    sink=True,
)
