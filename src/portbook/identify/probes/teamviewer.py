"""TeamViewer: its protocol is not published; only the process tells it."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="teamviewer",
    title="TeamViewer",
    source="TeamViewer, used ports",
    ports=(5938,),
    programs=("teamviewerd", "teamviewer"),
)
