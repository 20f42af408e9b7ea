"""Java RMI (JRMP): the client sends a magic word, the server says as whom it sees it."""

from portbook.identify.probe import Found, More, Probe, Talk

_HELLO = b"JRMI\x00\x02\x4b"
_ACK = 0x4E


def judge(talk: Talk) -> Found | More | None:
    """ProtocolAck, then the client's host (two bytes of length) and port (four)."""
    if len(talk.turns) > 1 or talk.opener != "java-rmi" or talk.transport != "tcp":
        return None
    reply = talk.first[:300]
    if not reply or reply[0] != _ACK:
        return None
    if len(reply) < 3:
        return None if talk.ended else More()
    length = int.from_bytes(reply[1:3])
    host = reply[3 : 3 + length]
    if not 1 <= length <= 255 or not all(46 <= each < 123 or each in b"-%" for each in host):
        return None
    if len(reply) < 7 + length:
        return None if talk.ended else More()
    if len(reply) > 7 + length or reply[3 + length : 5 + length] != b"\x00\x00":
        return None
    return Found("java-rmi", "certain", "Java RMI", shows=reply)


PROBE = Probe(
    name="java-rmi",
    title="Java RMI",
    source="Java Remote Method Invocation specification, chapter 10: RMI Wire Protocol",
    services=("rmiregistry", "rmiactivation"),
    ports=(1099, 1098),
    programs=("rmiregistry", "rmid"),
    commands=(
        *("sun.rmi.registry", "-dcom.sun.management.jmxremote.port={port}"),
        "-dcom.sun.management.jmxremote.rmi.port={port}",
    ),
    opener=_HELLO,
    judge=judge,
)
