"""Gearman: the client speaks first; ECHO_REQ is the harmless packet, `version` the text command."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_ECHO = b"port"
_ANSWER = b"\0RES\0\0\0\x11\0\0\0\x04" + _ECHO
_VERSION = b"version\r\n"
_UNKNOWN = b"ERR UNKNOWN_COMMAND Unknown+server+command"


def judge(talk: Talk) -> Found | More | Send | None:
    """ECHO_RES with our bytes; the error that only gearmand words so; then `OK 1.1.20`."""
    if talk.transport != "tcp":
        return None
    first = talk.first
    if talk.opener == "gearman" and first == _ANSWER:
        found = Found("gearman", "certain", shows=first)
    elif first.startswith(_UNKNOWN):
        found = Found("gearman", "certain", shows=first.partition(b"\r\n")[0][:60])
    elif talk.opener == "gearman" and _ANSWER.startswith(first) and not talk.ended:
        return More()
    else:
        return None
    if len(talk.turns) == 1:
        return found if talk.closed else Send(_VERSION, found)
    # The rest of the answer to a stranger's words may come before.
    line = talk.reply[-200:].rstrip(b"\r\n").rpartition(b"\n")[2]
    if talk.sent == _VERSION and line.startswith(b"OK ") and talk.reply.endswith(b"\n"):
        version = line[3:63].strip().decode("ascii", "replace").partition("+")[0]
        if version[:1].isdigit() and version.isprintable():
            return found._replace(product="Gearman", version=version)
    return found if talk.ended else More(found)


PROBE = Probe(
    name="gearman",
    title="Gearman",
    source="Gearman protocol (gearmand docs, PROTOCOL): ECHO_REQ, administrative protocol",
    services=("gearman",),
    ports=(4730, 7003),
    programs=("gearmand", "gearman-job-server"),
    opener=b"\0REQ\0\0\0\x10\0\0\0\x04" + _ECHO,
    reacts_to=("http", "redis"),
    judge=judge,
)
