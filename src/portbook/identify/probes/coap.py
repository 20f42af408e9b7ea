"""CoAP (UDP): an empty confirmable message is a ping."""

from portbook.identify.probe import Found, Probe, Talk

_ID = b"pC"
_PING, _RESET = b"\x40\x00" + _ID, b"\x70\x00" + _ID


def judge(talk: Talk) -> Found | None:
    """A reset with the id of the ping, and nothing else."""
    pinged = talk.transport == "udp" and talk.opener == "coap" and len(talk.turns) == 1
    return Found("coap", "certain", shows=_RESET) if pinged and talk.first == _RESET else None


PROBE = Probe(
    name="coap",
    title="CoAP",
    source="RFC 7252 sections 3 and 4.3",
    services=("coap",),
    ports=(5683,),
    programs=("coap-server", "coap-server-notls", "coap-rd"),
    commands=("aiocoap-rd", "aiocoap-fileserver", "aiocoap.cli.rd"),
    datagram=_PING,
    judge=judge,
)
