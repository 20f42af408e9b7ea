"""IKE's question of an impossible version, and what is answered to it (RFC 7296, RFC 2408)."""

from portbook.identify.probe import Found, Talk

_SPI = b"portbook"
_NOTIFY = 41
_INFORMATIONAL_V1, _SA_INIT, _INFORMATIONAL = 5, 34, 37
_INVALID_MAJOR_VERSION = 5


def question() -> bytes:
    """An IKE header without payloads, of version 3.0: nothing is negotiated, no state is kept."""
    length = (28).to_bytes(4)
    return _SPI + bytes(8) + bytes((0, 0x30, _SA_INIT, 0x08)) + bytes(4) + length


def told(talk: Talk) -> Found | None:
    """An IKE message with our SPI and a notify payload; on port 4500 four zeros come before it."""
    if talk.transport != "udp" or talk.opener not in ("ike", "ike-nat-t"):
        return None
    reply = talk.first.removeprefix(bytes(4)) if talk.opener == "ike-nat-t" else talk.first
    if len(reply) < 36 or reply[:8] != _SPI or reply[16] not in (_NOTIFY, 11):
        return None
    major = reply[17] >> 4
    if major not in (1, 2) or reply[18] not in (_INFORMATIONAL_V1, _SA_INIT, _INFORMATIONAL):
        return None
    if int.from_bytes(reply[24:28]) != len(reply):
        return None
    return Found("ike", "certain", shows=reply[:38], notes=(f"IKEv{major}",))
