"""Vault and OpenBao: the root leads to the interface, /v1/sys/health is public."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.wire.http_message import get, json_object, page, text_of, upstream
from portbook.identify.wire.http_software import unproven


def judge(talk: Talk) -> Found | Again | None:
    """A redirect to /ui/ that is not to be stored, then the health with the version."""
    response = page(talk)
    if response is not None:
        to_ui = response.status == 307 and response.header("location") == "/ui/"
        if to_ui and response.header("cache-control") == "no-store":
            return Again(get("/v1/sys/health?standbyok=true"), unproven(response))
        return None
    answer = page(talk, "vault")
    said = json_object(answer) if answer else {}
    if answer is None or not {"initialized", "sealed", "standby", "version"} <= said.keys():
        return None
    bao = "openbao" in (text_of(said.get("version")) or "").lower()
    notes = ("sealed",) if said.get("sealed") is True else ()
    version = upstream(said.get("version"))
    return Found("http", "certain", "OpenBao" if bao else "Vault", version, answer.line, notes)


PROBE = Probe(
    name="vault",
    title="Vault",
    source="Vault HTTP API, /sys/health",
    ports=(8200,),
    secure_ports=(8200,),
    programs=("vault", "bao", "openbao"),
    reacts_to=("http",),
    judge=judge,
)
