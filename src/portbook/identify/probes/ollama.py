"""Ollama (HTTP): / says that it is running, /api/version which one."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "Ollama",
        whole=b"Ollama is running",
        status=200,
        ask="/api/version",
        needs=b'"version"',
        key=("version",),
    ),
)

PROBE = Probe(
    name="ollama",
    title="Ollama",
    source="Ollama API documentation, Version",
    services=("ollama",),
    ports=(11434,),
    programs=("ollama",),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("ollama", _SIGNS),
)
