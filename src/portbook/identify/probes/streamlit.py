"""Streamlit (HTTP): its page is always the same, the application comes over WebSocket."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "Streamlit",
        title="Streamlit",
        body=(b"static/js/",),
        ask="/_stcore/host-config",
        needs=b'"allowedOrigins"',
        key=("allowedOrigins",),
        until="",
    ),
)

PROBE = Probe(
    name="streamlit",
    title="Streamlit",
    source="Streamlit's index.html",
    ports=(8501,),
    programs=("streamlit",),
    commands=("streamlit run", "/bin/streamlit"),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("streamlit", _SIGNS),
)
