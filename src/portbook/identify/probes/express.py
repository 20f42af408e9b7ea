"""Express (HTTP), and the development servers made of it (webpack-dev-server)."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "Create React App",
        headers=(("x-powered-by", "express"),),
        title="React App",
        body=(b"/static/js/bundle.js",),
        framework=True,
    ),
    Sign(
        "webpack-dev-server",
        headers=(("x-powered-by", "express"),),
        framework=True,
        ask="/webpack-dev-server",
        needs=b"<h1>Assets Report:</h1>",
        until="Express",
    ),
)

PROBE = Probe(
    name="express",
    title="Express",
    source="webpack documentation, DevServer; Express names itself in X-Powered-By",
    commands=(
        "webpack-dev-server",
        "webpack serve",
        "/.bin/webpack",
        "react-scripts/scripts/start.js",
    ),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("express", _SIGNS),
)
