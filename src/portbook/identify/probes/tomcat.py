"""Apache Tomcat: its pages and error pages are signed with name and version."""

from portbook.identify.probe import Found, More, Probe, Talk
from portbook.identify.wire.http_message import once_whole, page, title, upstream, version_of
from portbook.identify.wire.http_software import is_general

_SIGNED = b"<h3>Apache Tomcat"


def judge(talk: Talk) -> Found | More | None:
    """`Apache Tomcat/10.1.60` as the title of its welcome or below an error."""
    response = page(talk)
    if response is None:
        return None
    said = title(response) or ""
    signed = response.body.rfind(_SIGNED, 0, 16384)
    if is_general(response):
        return None
    if said.startswith("Apache Tomcat/") and " " not in said[len("Apache Tomcat/") :]:
        text = said
    elif signed >= 0 and said.startswith("HTTP Status "):
        end = response.body[signed + 4 : signed + 80]
        text = end.partition(b"</h3>")[0].decode("latin-1")
    elif response.header("server").startswith("Apache-Coyote/"):
        text = ""
    else:
        return None
    version = upstream(version_of(text, "tomcat"))
    notes = (f"title: {said}",) if said else ()
    found = Found("http", "certain", "Tomcat", version, text.encode() or response.line, notes)
    return once_whole(talk, response, found)


PROBE = Probe(
    name="tomcat",
    title="Apache Tomcat",
    source="Apache Tomcat 10.1 configuration reference, Error Report Valve",
    ports=(8080,),
    secure_ports=(8443,),
    programs=("tomcat", "tomcat9", "tomcat10"),
    commands=("org.apache.catalina.startup.bootstrap",),
    reacts_to=("http",),
    judge=judge,
)
