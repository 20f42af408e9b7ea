"""The control channel of BIND: whoever does not know its key is sent away without a word."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="rndc",
    title="rndc (control of BIND)",
    source="BIND 9 administrator reference manual, controls",
    services=("rndc",),
    ports=(953,),
    programs=("named", "bind9"),
    fragile=True,
)
