"""Next.js (HTTP): it says so in X-Powered-By; a page exported from it is any server's."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (Sign("Next.js", headers=(("x-powered-by", "next.js"),), framework=True),)

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
