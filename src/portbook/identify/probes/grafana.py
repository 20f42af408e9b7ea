"""Grafana (HTTP): /api/health tells the version to everybody, unless it is hidden."""

from portbook.identify.probe import Probe
from portbook.identify.probes.web_signs import Sign, judge_by

_SIGNS = (
    *(
        Sign(
            "Grafana",
            headers=headers,
            title=title,
            body=body,
            location=location,
            ask="/api/health",
            needs=b'"database"',
            key=("version",),
        )
        for headers, title, location, body in (
            ((("set-cookie", "redirect_to="),), "", "/login", ()),
            ((), "", "/login?redirectTo=%2F", ()),
            ((("x-frame-options", "deny"),), "", "/login", (b'<a href="/login">Found</a>',)),
            ((), "Grafana", "", (b"grafana",)),
        )
    ),
)

PROBE = Probe(
    name="grafana",
    title="Grafana",
    source="Grafana HTTP API documentation, Health API",
    programs=("grafana-server", "grafana"),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("grafana", _SIGNS),
)
