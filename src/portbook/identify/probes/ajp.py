"""AJP 1.3, between web servers and servlet containers: CPing is answered with CPong."""

from portbook.identify.probe import Found, More, Probe, Talk

_CPING = b"\x12\x34\x00\x01\x0a"
_CPONG = b"AB\x00\x01\x09"


def judge(talk: Talk) -> Found | More | None:
    """The container's packets begin with AB; a pong is one byte long."""
    if len(talk.turns) > 1 or talk.opener != "ajp" or talk.transport != "tcp":
        return None
    if talk.first == _CPONG:
        return Found("ajp", "certain", shows=talk.first)
    if len(talk.first) < 5 and _CPONG.startswith(talk.first) and not talk.ended:
        return More()
    return None


PROBE = Probe(
    name="ajp",
    title="AJP",
    source="Apache JServ Protocol 1.3 extensions (Apache Tomcat Connectors), CPing and CPong",
    ports=(8009,),
    programs=("tomcat9", "tomcat10", "tomcat"),
    commands=("org.apache.catalina.startup.bootstrap",),
    opener=_CPING,
    judge=judge,
)
