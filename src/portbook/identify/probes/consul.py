"""Consul's HTTP API: the root leads to its interface, the agent tells its version."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.wire.http_message import get, json_object, page, upstream
from portbook.identify.wire.http_software import unproven


def judge(talk: Talk) -> Found | Again | None:
    """A redirect to /ui/ or the bare agent's page, then /v1/agent/self or its refusal."""
    response = page(talk)
    if response is not None:
        to_ui = response.status == 301 and response.header("location") == "/ui/"
        if to_ui or response.body.startswith(b"Consul Agent"):
            return Again(get("/v1/agent/self"), unproven(response))
        return None
    answer = page(talk, "consul")
    if answer is None:
        return None
    config = json_object(answer).get("Config")
    if isinstance(config, dict) and "NodeID" in config:
        return Found("http", "certain", "Consul", upstream(config.get("Version")), answer.line)
    if answer.status == 403 and "x-consul-default-acl-policy" in answer.headers:
        return Found("http", "certain", "Consul", shows=answer.line, notes=("asks for a token",))
    return None


PROBE = Probe(
    name="consul",
    title="Consul",
    source="Consul HTTP API, Agent, Read configuration",
    ports=(8500,),
    secure_ports=(8501,),
    programs=("consul",),
    reacts_to=("http",),
    judge=judge,
)
