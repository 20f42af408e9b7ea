"""FastAPI (HTTP), and what is made of it: vLLM tells its version at /version."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "vLLM",
        headers=(("server", "uvicorn"),),
        status=404,
        whole=b'{"detail":"Not Found"}',
        ask="/version",
        needs=b'{"version":"',
        key=("version",),
        until="FastAPI",
    ),
)

PROBE = Probe(
    name="fastapi",
    title="FastAPI",
    source="FastAPI documentation, Handling Errors; vLLM documentation, OpenAI-Compatible Server",
    commands=("fastapi run", "fastapi dev", "vllm.entrypoints", "vllm serve"),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("fastapi", _SIGNS),
)
