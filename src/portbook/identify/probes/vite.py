"""Vite's development server (HTTP): its pages load /@vite/client."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_CLIENT = b'<script type="module" src="/@vite/client"'
_SIGNS = (
    Sign(
        "Angular CLI",
        body=(_CLIENT, b"<app-root"),
    ),
    Sign(
        "Vite",
        body=(_CLIENT,),
        framework=True,
        ask="/node_modules/vite/package.json",
        needs=b'"name": "vite"',
        key=("version",),
    ),
)

PROBE = Probe(
    name="vite",
    title="Vite dev server",
    source="Vite documentation, Backend Integration (the script of the development server)",
    ports=(5173,),
    programs=("vite",),
    commands=("/vite/bin/vite.js", "/.bin/vite", "@angular/cli/bin/ng"),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("vite", _SIGNS),
)
