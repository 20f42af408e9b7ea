"""netconsole (UDP): the messages of another machine's kernel, never answered."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="netconsole",
    title="netconsole",
    source="Linux kernel documentation, networking/netconsole",
    ports=(6666,),
    programs=("netconsole",),
    transports=("udp",),
    sink=True,
)
