"""QUIC: the long header of a client's first packet (RFC 8999, RFC 9000 17.2.2, RFC 9369).

The hello inside is encrypted with keys that anybody can derive, but not without AES, which the
standard library has not: SNI and ALPN are not told.
"""

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind

_NAMED = {0x00000001: "1", 0x6B3343CF: "2"}
_SMALLEST = 1200


def judge(data: bytes) -> Opener | None:
    """An Initial of a known version, or a version made up to ask which ones there are."""
    if len(data) < 7 or data[0] & 0xC0 != 0xC0:
        return None
    version, length = int.from_bytes(data[1:5], "big"), data[5]
    # The first packet's destination connection ID has 8 bytes at least (RFC 9000, 7.2).
    if not 8 <= length <= 20 or len(data) < 7 + length or data[6 + length] > 20:
        return None
    kind = data[0] >> 4 & 3
    if version in _NAMED:
        if kind != (version == 0x6B3343CF):  # Version 2 numbers the Initial 1.
            return None
        return Opener("quic", "certain", (("version", _NAMED[version]),), shows=data[:6])
    if version & 0x0F0F0F0F == 0x0A0A0A0A:
        sure = "certain" if len(data) >= _SMALLEST else "likely"
        return Opener("quic", sure, (("version", "negotiation"),), shows=data[:6])
    if version >> 8 == 0xFF0000:
        return Opener("quic", "certain", (("version", f"draft {version & 255}"),), shows=data[:6])
    return None


KINDS = (Kind("quic", "udp", judge, bytes(range(0xC0, 0x100)), (443, 8443, 4433)),)
