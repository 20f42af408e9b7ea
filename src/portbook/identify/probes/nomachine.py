"""NoMachine NX: its protocol is not published; only the process tells it."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="nomachine",
    title="NoMachine (NX)",
    source="NoMachine knowledge base, ports",
    ports=(4000,),
    programs=("nxd", "nxserver.bin", "nxnode.bin", "nxserver"),
)
