"""epmd, Erlang's port mapper: the client asks, the server answers and closes."""

from portbook.identify.probe import Again, Found, Probe, Talk

_NAMES = b"\0\x01n"
_LOOKUP = b"\0\x09zportbook"


def judge(talk: Talk) -> Again | Found | None:
    """Its own port in four bytes, then `name NODE at port N` lines; a lookup that finds nothing."""
    if talk.transport != "tcp" or talk.opener != "epmd" or len(talk.turns) > 1:
        return None
    reply = talk.first
    if talk.sent == _LOOKUP:
        missing = len(reply) == 2 and reply[0] == 0x77 and reply[1] != 0
        there = len(reply) > 12 and reply[:2] == b"\x77\0" and reply[4] in (72, 77)
        return Found("epmd", "certain", shows=reply[:24]) if missing or there else None
    if len(reply) < 4 or reply[:2] != b"\0\0" or reply[2:4] == b"\0\0":
        return None
    text = reply[4:4096]
    if not text:
        # Four bytes are little: a lookup shows whose they are.
        return Again(_LOOKUP, Found("epmd", "likely", shows=reply)) if talk.ended else None
    if not text.startswith(b"name ") or b" at port " not in text[:300]:
        return None
    nodes = [line[5:].partition(b" ")[0] for line in text.split(b"\n") if line.startswith(b"name ")]
    names = ", ".join(node.decode("utf-8", "replace")[:40] for node in nodes[:8])
    shows = reply[:4] + text.partition(b"\n")[0][:80]
    return Found("epmd", "certain", shows=shows, notes=(f"nodes: {names}",))


PROBE = Probe(
    name="epmd",
    title="epmd (Erlang port mapper)",
    source="Erlang distribution protocol (EPMD), erlang.org/doc/apps/erts/erl_dist_protocol",
    services=("epmd",),
    ports=(4369,),
    programs=("epmd",),
    opener=_NAMES,
    judge=judge,
)
