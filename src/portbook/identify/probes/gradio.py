"""Gradio (HTTP): /config begins with the version."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_CONFIG = b'window.gradio_config = {"version":"'
_SIGNS = (
    Sign("Gradio", body=(_CONFIG,), after=_CONFIG),
    *(
        Sign(
            "Gradio",
            body=(body,),
            ask="/config",
            needs=b'"components":[',
            then=b'{"version":"',
            until="",
        )
        for body in (b'property="og:title" content="Gradio"', b"<gradio-app")
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
