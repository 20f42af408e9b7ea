"""The Zabbix agent: the client asks first, here for the agent's version."""

from portbook.identify.probe import Found, More, Probe, Talk

_MAGIC = b"ZBXD"
_KEY = b"agent.version"
_QUESTION = _MAGIC + b"\1" + len(_KEY).to_bytes(4, "little") + b"\0\0\0\0" + _KEY
_MOST = 2000


def judge(talk: Talk) -> Found | More | None:
    """The magic letters, flags, two lengths and as many bytes."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1 or not reply.startswith(_MAGIC):
        return None
    length = int.from_bytes(reply[5:9], "little")
    if len(reply) < 13:
        return None if talk.ended else More()
    # Flags: 1 is the protocol, 2 says compressed.
    if reply[4] not in (1, 3) or length > _MOST:
        return None
    if len(reply) < 13 + length:
        return None if talk.ended else More()
    said = reply[13 : 13 + length]
    words = said.decode("ascii", "replace").split(".")
    if talk.opener == "zabbix" and len(words) in (3, 4) and all(w[:1].isdigit() for w in words):
        version = said[:40].decode("ascii", "replace")
        return Found("zabbix", "certain", "Zabbix agent", version, shows=reply[:5] + said[:40])
    return Found("zabbix", "certain", shows=reply[:5])


PROBE = Probe(
    name="zabbix",
    title="Zabbix",
    source="Zabbix manual, Passive and active agent checks, Header and data length",
    services=("zabbix-agent", "zabbix-trapper"),
    ports=(10050, 10051),
    programs=("zabbix_agentd", "zabbix-agent", "zabbix_agent2", "zabbix-agent2"),
    opener=_QUESTION,
    judge=judge,
)
