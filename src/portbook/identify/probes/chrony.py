"""The command port of chrony (UDP): the client asks first, here for nothing at all."""

from portbook.identify.probe import Found, Probe, Talk

_VERSION, _REQUEST, _REPLY = 6, 1, 2
_SEQUENCE = b"pbC1"
# A request is as long as its reply, against amplification: 20 bytes, padded to 28.
_NULL = (bytes((_VERSION, _REQUEST)) + bytes(6) + _SEQUENCE).ljust(28, b"\0")


def judge(talk: Talk) -> Found | None:
    """A reply of 28 bytes to command 0 with our sequence number."""
    reply = talk.first
    if talk.transport != "udp" or talk.opener != "chrony" or len(talk.turns) > 1:
        return None
    if len(reply) != 28 or reply[1] != _REPLY or reply[16:20] != _SEQUENCE or any(reply[2:6]):
        return None
    return Found("chrony", "certain", "chrony", shows=reply[:20], notes=(f"protocol {reply[0]}",))


PROBE = Probe(
    name="chrony",
    title="chrony's command port",
    source="chrony, candm.h",
    ports=(323,),
    programs=("chronyd", "chrony"),
    datagram=_NULL,
    judge=judge,
)
