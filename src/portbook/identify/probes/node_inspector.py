"""Node.js's inspector (HTTP and WebSocket): /json/version names the program."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "Node.js inspector",
        status=400,
        whole=b"WebSockets request was expected",
        ask="/json/version",
        needs=b'"Browser": "node.js/',
        then=b'"Browser": "node.js/',
        until="",
    ),
)

PROBE = Probe(
    name="node-inspector",
    title="Node.js inspector",
    source="Node.js documentation, Debugger: V8 Inspector integration",
    ports=(9229,),
    commands=("node --inspect", " --inspect-brk", " --inspect="),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("node-inspector", _SIGNS),
)
