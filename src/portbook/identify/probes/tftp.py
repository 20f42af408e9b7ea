"""TFTP (UDP): the client asks to read, here a file that cannot exist."""

from portbook.identify.probe import Found, Probe, Talk

_READ = b"\x00\x01portbook-no-such-file\x00octet\x00"
_ERROR = b"\x00\x05"
_MOST_ERRORS = 8


def judge(talk: Talk) -> Found | None:
    """An error packet: a code and a text that ends with a zero byte."""
    reply = talk.first
    if talk.transport != "udp" or len(talk.turns) > 1 or not reply.startswith(_ERROR):
        return None
    code, text = int.from_bytes(reply[2:4]), reply[4:-1]
    if len(reply) < 5 or code > _MOST_ERRORS or reply[-1] or len(text) > 200:
        return None
    if b"\0" in text or not all(31 < byte < 127 or byte > 159 for byte in text):
        return None
    confidence = "certain" if talk.opener == "tftp" and text else "likely"
    return Found("tftp", confidence, shows=reply[:60])


PROBE = Probe(
    name="tftp",
    title="TFTP",
    source="RFC 1350 section 5",
    services=("tftp",),
    ports=(69,),
    programs=("in.tftpd", "tftpd-hpa", "tftpd", "atftpd", "utftpd"),
    datagram=_READ,
    judge=judge,
)
