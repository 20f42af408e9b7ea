"""Gradio (HTTP): /config begins with the version."""

from portbook.identify.probe import Probe
from portbook.identify.probes.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "Gradio", body=(b"window.gradio_config = ",), after=b'window.gradio_config = {"version":"'
    ),
    Sign(
        "Gradio",
        body=(b'property="og:title" content="Gradio"',),
        ask="/config",
        needs=b'{"version":"',
        then=b'{"version":"',
    ),
    Sign(
        "Gradio", body=(b"<gradio-app",), ask="/config", needs=b'{"version":"', then=b'{"version":"'
    ),
)

PROBE = Probe(
    name="gradio",
    title="Gradio",
    source="Gradio source, gradio/routes.py: /config",
    ports=(7860,),
    commands=("gradio",),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("gradio", _SIGNS),
)
