"""Next.js (HTTP): it says so in X-Powered-By, and its pages load /_next/."""

from portbook.identify.probe import Probe
from portbook.identify.probes.web_signs import Sign, judge_by

_SIGNS = (
    Sign("Next.js", headers=(("x-powered-by", "next.js"),)),
    Sign("Next.js", body=(b"/_next/static/", b"__NEXT_DATA__")),
    Sign("Next.js", body=(b"/_next/static/chunks/", b"__next_f")),
)

PROBE = Probe(
    name="nextjs",
    title="Next.js",
    source="Next.js documentation, poweredByHeader",
    programs=("next-server",),
    commands=("/.bin/next", "next/dist/bin/next", "next-server ("),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("nextjs", _SIGNS),
)
