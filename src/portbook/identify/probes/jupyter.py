"""Jupyter (HTTP): /api tells the version of the server to everybody."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "JupyterHub", headers=(("x-jupyterhub-version", ""),), version_header="x-jupyterhub-version"
    ),
    Sign(
        "Jupyter Server",
        headers=(
            ("server", "tornadoserver/"),
            ("content-security-policy", "/api/security/csp-report"),
        ),
        ask="/api",
        key=("version",),
        needs=b'"version"',
    ),
    *(
        Sign(
            "Jupyter Server",
            headers=(("server", "tornadoserver/"),),
            title=title,
            location=location,
            ask="/api",
            key=("version",),
            needs=b'"version"',
            until="",
        )
        for title, location in (
            ("Jupyter*", ""),
            ("Home Page - Select or create a notebook", ""),
            ("", "/lab"),
            ("", "/tree"),
            ("", "/login?next=%2Flab"),
            ("", "/login?next=%2Ftree"),
            ("", "/login?next=%2F"),
        )
    ),
)

PROBE = Probe(
    name="jupyter",
    title="Jupyter",
    source="Jupyter Server REST API, GET /api",
    ports=(8888,),
    programs=("jupyter-lab", "jupyter-noteboo", "jupyter-server", "jupyterhub"),
    commands=(
        "jupyter-lab",
        "jupyter-notebook",
        "jupyter-server",
        "jupyter lab",
        "jupyter notebook",
    ),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("jupyter", _SIGNS),
)
