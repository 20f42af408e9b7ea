"""IEC 60870-5-104: either side may test the link; TESTFR changes nothing."""

from portbook.identify.probe import Found, More, Probe, Talk

_TEST = b"\x68\x04\x43\x00\x00\x00"
_CONFIRMED = b"\x68\x04\x83\x00\x00\x00"


def judge(talk: Talk) -> Found | More | None:
    """The confirmation of our test, perhaps with a test of its own before or after it."""
    if len(talk.turns) > 1 or talk.opener != "iec104" or talk.transport != "tcp":
        return None
    reply = talk.first[:12]
    if reply in (_CONFIRMED, _CONFIRMED + _TEST, _TEST + _CONFIRMED):
        return Found("iec104", "certain", shows=_CONFIRMED)
    begun = (_CONFIRMED.startswith(reply) or reply.startswith(_TEST)) and len(reply) < 12
    return More() if begun and not talk.ended else None


PROBE = Probe(
    name="iec104",
    title="IEC 60870-5-104",
    source="IEC 60870-5-104 section 5.2 (test procedures)",
    services=("iec-104", "iec-104-sec"),
    ports=(2404,),
    secure_ports=(19998,),
    commands=("cs104_server", "iec104_server", "iec104-server"),
    opener=_TEST,
    judge=judge,
)
