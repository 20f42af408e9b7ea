"""AnyDesk: TLS with a protocol that is not published inside; the process tells it."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="anydesk",
    title="AnyDesk",
    source="AnyDesk help centre, firewall",
    ports=(7070,),
    programs=("anydesk",),
)
