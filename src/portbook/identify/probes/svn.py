"""Subversion's own protocol (svnserve): the server greets with versions and capabilities."""

from portbook.identify.probe import Found, More, Probe, Talk

_GREETING = b"( success ( "


def judge(talk: Talk) -> Found | More | None:
    """`( success ( minver maxver mechs ( capabilities ) ) )`, or a failure of the same form."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    if reply.startswith(b"( failure ( ( ") and reply[14:15].isdigit():
        return Found("svn", "certain", shows=reply[:60].strip(), notes=("refuses",))
    if not reply.startswith(_GREETING):
        return None
    rest = reply[len(_GREETING) : 400]
    words = rest.split(b" ", 3)
    if len(words) < 4 and not talk.ended:
        return More()
    numbers = len(words) == 4 and words[0].isdigit() and words[1].isdigit()
    if not numbers or words[2] != b"(" or b") ( " not in b" " + words[3]:
        return None
    return Found("svn", "certain", shows=reply[:60].strip())


PROBE = Probe(
    name="svn",
    title="Subversion (svnserve)",
    source="Subversion, subversion/libsvn_ra_svn/protocol",
    services=("svn",),
    ports=(3690,),
    programs=("svnserve",),
    speaks_first=True,
    judge=judge,
)
