"""Grafana (HTTP): /api/health tells the version to everybody, unless it is hidden.

Others lead to /login as well, so nothing is claimed without that answer, or Grafana's own markup.
"""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "Grafana",
        title="Grafana",
        body=(b"grafanaBootData",),
        ask="/api/health",
        needs=b'"commit"',
        key=("version",),
    ),
    *(
        Sign(
            "Grafana",
            headers=headers,
            title=title,
            body=body,
            location=location,
            ask="/api/health",
            needs=b'"commit"',
            key=("version",),
            until="",
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
