"""What controllers of machines and buildings speak: Modbus/TCP, DNP3, BACnet/IP.

Modbus application protocol 1.1b3 and messaging on TCP/IP 1.0b, IEEE 1815 (data link layer), ANSI/
ASHRAE 135 (annex J). S7 is in `windows`, beside RDP, with which it shares its beginning.
"""

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind

_FIXED = {
    **dict.fromkeys((1, 2, 3, 4, 5, 6, 8), 6),
    **dict.fromkeys((7, 11, 12, 17), 2),
    22: 8,
    24: 4,
    43: 5,
}
"""The length that follows for each function whose requests all have the same."""
_VARIABLE = frozenset((15, 16, 20, 21, 23, 43, 90))
_POLYNOMIAL = 0xA6BC
_BVLC = {0x04: "forwarded", 0x05: "register", 0x09: "distribute", 0x0A: "unicast"}
_BVLC |= {0x0B: "broadcast"}


def judge_modbus(data: bytes) -> Opener | None:
    """Protocol 0, a length that agrees with the function and with what came."""
    if len(data) < 8 or data[2:4] != b"\0\0":
        return None
    length, function = data[4] << 8 | data[5], data[7]
    if len(data) != length + 6 or not 2 <= length <= 254:
        return None
    if _FIXED.get(function) != length and (function not in _VARIABLE or length < 4):
        return None
    details = (("unit", str(data[6])), ("function", str(function)))
    return Opener("modbus", "certain", details, shows=data[:8])


def judge_dnp3(data: bytes) -> Opener | None:
    """0x0564, and a checksum over the header that is right."""
    if len(data) < 10 or data[1] != 0x64 or data[2] < 5:
        return None
    if checksum(data[:8]) != data[8] | data[9] << 8:
        return None
    details = (
        ("destination", str(data[4] | data[5] << 8)),
        ("source", str(data[6] | data[7] << 8)),
    )
    return Opener("dnp3", "certain", details, shows=data[:10])


def _remainder(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_REMAINDERS = tuple(_remainder(byte) for byte in range(256))


def checksum(header: bytes) -> int:
    """DNP3's CRC of 16 bits, least significant bit first, inverted (IEEE 1815, 9.2.4.1.8)."""
    value = 0
    for byte in header:
        value = value >> 8 ^ _REMAINDERS[(value ^ byte) & 0xFF]
    return value ^ 0xFFFF


def judge_bacnet(data: bytes) -> Opener | None:
    """0x81, a function, the datagram's own length, and a network layer of version 1."""
    if len(data) < 6 or data[1] not in _BVLC or (data[2] << 8 | data[3]) < len(data):
        return None
    if (data[2] << 8 | data[3]) > 1497:
        return None
    named = _BVLC[data[1]]
    at = 10 if named == "forwarded" else 4
    if named != "register" and data[at : at + 1] != b"\1":
        return None
    return Opener("bacnet", "certain", (("request", named),), shows=data[:6])


KINDS = (
    Kind("dnp3", "tcp", judge_dnp3, b"\5", (20000,)),
    Kind("bacnet", "udp", judge_bacnet, b"\x81", (47808,)),
    Kind("modbus", "tcp", judge_modbus, b"", (502,)),
)
