"""The git daemon: the client asks first, here for a repository that cannot exist."""

from portbook.identify.probe import Found, More, Probe, Talk

_REQUEST = b"git-upload-pack /portbook-no-such-repository\0host=localhost\0"
_ERROR = b"ERR "


def judge(talk: Talk) -> Found | More | None:
    """A packet line (four hexadecimal digits of length) with an error."""
    reply = talk.first
    if talk.transport != "tcp" or talk.opener != "git" or len(talk.turns) > 1:
        return None
    length = _length(reply[:4])
    if not 8 < length < 1000 or reply[4:8] != _ERROR[: len(reply[4:8])]:
        return None
    if len(reply) < length:
        return None if talk.ended else More()
    return Found("git", "certain", shows=reply[:length]) if len(reply) == length else None


def _length(digits: bytes) -> int:
    if len(digits) != 4 or not set(digits) <= set(b"0123456789abcdefABCDEF"):
        return 0
    return int(digits, 16)


PROBE = Probe(
    name="git",
    title="git daemon",
    source="git documentation, gitprotocol-pack(5)",
    services=("git",),
    ports=(9418,),
    programs=("git-daemon",),
    commands=("git daemon", "git-daemon"),
    opener=b"%04x" % (4 + len(_REQUEST)) + _REQUEST,
    judge=judge,
)
