"""uwsgi, the protocol between web servers and uWSGI: four bytes of head; a ping has no more."""

from portbook.identify.probe import Found, More, Probe, Talk

_PING = b"\x64\x00\x00\x00"
_PONG = b"\x64\x00\x00\x01"


def judge(talk: Talk) -> Found | More | None:
    """The ping comes back with modifier2 set."""
    if len(talk.turns) > 1 or talk.opener != "uwsgi" or talk.transport != "tcp":
        return None
    reply = talk.first
    if reply == _PONG:
        return Found("uwsgi", "certain", "uWSGI", shows=reply)
    if len(reply) < 4 and _PONG.startswith(reply) and not talk.ended:
        return More()
    return None


PROBE = Probe(
    name="uwsgi",
    title="uwsgi",
    source="The uwsgi Protocol (uWSGI documentation), modifier1 100: ping",
    ports=(3031,),
    programs=("uwsgi", "uwsgi-core"),
    opener=_PING,
    judge=judge,
)
