"""NATS: the server greets with INFO and a JSON object; TLS, where it is wanted, begins after it."""

import json

from portbook.identify.probe import Found, More, Probe, StartTls, Talk

_MOST = 8192


def judge(talk: Talk) -> Found | More | StartTls | None:
    """`INFO {"server_id": ..., "version": ...}`; with tls_required the client begins TLS next."""
    reply = talk.first
    if talk.transport != "tcp" or not reply.startswith(b"INFO {"):
        return None
    line, end, _ = reply[:_MOST].partition(b"\r\n")
    if not end:
        return None if talk.ended or len(reply) > _MOST else More()
    told = _told(line[5:])
    if not isinstance(told.get("server_id"), str) or "max_payload" not in told:
        return None
    found = Found("nats", "certain", "NATS", _version(told), line[:90], _notes(told))
    if len(talk.turns) == 1 and told.get("tls_required") is True and not talk.secure:
        return found if talk.closed else StartTls(found)
    return found


def _told(text: bytes) -> dict[str, object]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _version(told: dict[str, object]) -> str | None:
    version = told.get("version")
    return version[:40] if isinstance(version, str) and version.isprintable() and version else None


def _notes(told: dict[str, object]) -> tuple[str, ...]:
    notes = ["asks for a password"] if told.get("auth_required") is True else []
    if told.get("tls_required") is True:
        notes.append("wants TLS")
    if told.get("jetstream") is True:
        notes.append("JetStream")
    return tuple(notes)


PROBE = Probe(
    name="nats",
    title="NATS",
    source="NATS client protocol, docs.nats.io/reference/reference-protocols/nats-protocol",
    ports=(4222,),
    programs=("nats-server", "gnatsd"),
    speaks_first=True,
    judge=judge,
)
