"""CouchDB: the root is a JSON welcome with the version."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import json_object, page, upstream, version_of


def judge(talk: Talk) -> Found | None:
    """The welcome, or its Server header where that is refused."""
    response = page(talk)
    if response is None:
        return None
    said = json_object(response)
    if said.get("couchdb") == "Welcome":
        version = upstream(said.get("version"))
        return Found("http", "certain", "CouchDB", version, b'{"couchdb":"Welcome"')
    server = response.header("server")
    if not server.startswith("CouchDB/"):
        return None
    notes = ("asks for a password",) if response.status == 401 else ()
    version = version_of(server, "couchdb")
    shows = b"Server: " + server.encode("latin-1")
    return Found("http", "certain", "CouchDB", version, shows, notes)


PROBE = Probe(
    name="couchdb",
    title="CouchDB",
    source="CouchDB documentation, API, Server, GET /",
    services=("couchdb",),
    ports=(5984,),
    secure_ports=(6984,),
    programs=("couchdb",),
    commands=("couchdb",),
    reacts_to=("http",),
    judge=judge,
)
