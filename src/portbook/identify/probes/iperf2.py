"""iperf 2: whoever connects is the test; nothing tells it on the wire without starting one."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="iperf2",
    title="iperf 2",
    source="iperf(1)",
    ports=(5001,),
    # A name would stand for iperf3 as well: a version behind a name is passed over.
    commands=("iperf ",),
    fragile=True,
)
