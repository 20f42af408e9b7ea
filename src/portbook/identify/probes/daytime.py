"""Daytime: the server says date and time in one line and hangs up (RFC 867)."""

import re

from portbook.identify.probe import Found, More, Probe, Talk

_DAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? {1,2}"
_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_CLOCK = rb"\d{1,2}:\d\d:\d\d"
_ZONE = rb"(?: [A-Za-z+:\d-]{1,9}){0,2}"
# ctime; `23 NOV 2026 05:26:13 UTC`; `Monday, November 23, 2026 05:26:13-UTC`; the one of NIST.
_FORMS = re.compile(
    rb"(?:"
    + _DAY
    + _MONTH
    + rb" {1,2}\d{1,2} "
    + _CLOCK
    + _ZONE
    + rb" \d{4}"
    + rb"|(?:"
    + _DAY
    + rb")?\d{1,2}[ -]"
    + _MONTH
    + rb"[ -]\d{4},? "
    + _CLOCK
    + _ZONE
    + rb"|"
    + _DAY
    + _MONTH
    + rb" \d{1,2}, \d{4} "
    + _CLOCK
    + rb"[ -]?[A-Z]{0,5}"
    + rb"|\d{5} \d\d-\d\d-\d\d "
    + _CLOCK
    + rb" \d\d \d \d [ \d.]{1,9} UTC\([A-Z]{1,9}\) [*#OTM]{1,4}"
    + rb"|\d{4}-\d\d-\d\d[ T]"
    + _CLOCK
    + _ZONE
    + rb")\s{0,4}\Z",
    re.IGNORECASE,
)


def judge(talk: Talk) -> Found | More | None:
    """One line that is a date with a time, nothing else, and the end of the connection."""
    reply = talk.first
    if len(talk.turns) > 1 or not 15 <= len(reply) <= 90 or not _FORMS.match(reply.lstrip(b"\r\n")):
        return None
    told = Found("daytime", "certain", shows=reply.strip())
    if talk.closed or talk.transport == "udp":
        return told
    doubt = told._replace(confidence="likely")
    return doubt if talk.ended else More(doubt)


PROBE = Probe(
    name="daytime",
    title="Daytime",
    source="RFC 867",
    services=("daytime",),
    ports=(13,),
    datagram=b"\n",
    speaks_first=True,
    judge=judge,
)
