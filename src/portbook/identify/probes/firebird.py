"""Firebird: the client connects with the protocols that it knows; no account is named."""

from portbook.identify.probe import Found, More, Probe, Talk

_ACCEPT, _REJECT = 3, 4
_CONTINUES, _ACCEPT_DATA, _CONDITIONAL = 92, 94, 98


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4) for number in numbers)


# op_connect for op_attach, version 3, generic machine, no file, two protocols, no user; then each
# with its version, machine, types and weight. 13 is of Firebird 3, 10 is what older ones know.
_OPENER = _words(1, 19, 3, 1, 0, 2, 0, 0xFFFF800D, 1, 0, 5, 4, 10, 1, 0, 5, 2)


def judge(talk: Talk) -> Found | More | None:
    """op_cont_auth with empty data, or an acceptance of one of the two protocols."""
    reply = talk.first
    if talk.opener != "firebird" or talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    if len(reply) < 4 or reply[:3] != b"\0\0\0":
        return None if talk.ended or reply.strip(b"\0") else More()
    operation = reply[3]
    if operation == _REJECT and len(reply) == 4:
        return Found("firebird", "likely" if talk.ended else "guess", shows=reply)
    wanted = {_ACCEPT: 16, _CONTINUES: 20, _ACCEPT_DATA: 16, _CONDITIONAL: 16}.get(operation)
    if wanted is None:
        return None
    if len(reply) < wanted:
        return None if talk.ended else More()
    if operation == _CONTINUES:
        # Data, plugin, the list of plugins and keys are all empty: nobody was named.
        empty = reply == _words(_CONTINUES, 0, 0, 0, 0)
        return Found("firebird", "certain", "Firebird", shows=reply) if empty else None
    version, machine, kind = (int.from_bytes(reply[at : at + 4]) for at in (4, 8, 12))
    if version not in (0xFFFF800D, 10) or not 1 <= machine <= 64 or kind & 0xFF > 5:
        return None
    product = "Firebird" if version != 10 else None
    return Found("firebird", "certain", product, shows=reply[:16])


PROBE = Probe(
    name="firebird",
    title="Firebird",
    source="Firebird documentation, Firebird wire protocol, op_connect",
    services=("gds-db", "gds_db"),
    ports=(3050,),
    programs=("firebird", "firebird3.0", "firebird3.0-server", "fbserver", "fb_smp_server"),
    opener=_OPENER,
    judge=judge,
)
