"""beanstalkd: lines of text, the client speaks first; `stats` is YAML with the version in it."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_STATS = b"stats\r\n"
_UNKNOWN = b"UNKNOWN_COMMAND\r\n"


def judge(talk: Talk) -> Found | More | Send | None:
    """`OK <bytes>` with a YAML map of counters; UNKNOWN_COMMAND to whatever else is said."""
    if talk.transport != "tcp" or len(talk.turns) > 2:
        return None
    reply = talk.reply
    if talk.sent == _STATS:
        at = 0
        while len(talk.turns) > 1 and reply.startswith(_UNKNOWN, at):
            # The rest of the answer to a stranger's words comes first.
            at += len(_UNKNOWN)
        head, _, body = reply[at : at + 4096].partition(b"\r\n")
        if head.startswith(b"OK ") and head[3:].isdigit() and len(head) < 12:
            if b"\nversion:" not in body and not talk.ended:
                return More()
            if body.startswith(b"---\ncurrent-jobs-urgent: "):
                return Found("beanstalkd", "certain", "beanstalkd", _version(body), head)
    if len(talk.turns) == 1 and talk.reply.startswith(_UNKNOWN):
        found = Found("beanstalkd", "likely", shows=_UNKNOWN)
        return found if talk.closed else Send(_STATS, found)
    return None


def _version(body: bytes) -> str | None:
    line = body.partition(b"\nversion:")[2].partition(b"\n")[0].strip().strip(b'"')
    version = line.decode("ascii", "replace").removeprefix("v").partition("+")[0][:40]
    return version if version[:1].isdigit() and version.isprintable() else None


PROBE = Probe(
    name="beanstalkd",
    title="beanstalkd",
    source="beanstalkd doc/protocol.txt",
    ports=(11300,),
    programs=("beanstalkd",),
    opener=_STATS,
    reacts_to=("http", "redis"),
    judge=judge,
)
