"""Questions for names: DNS over UDP and TCP, multicast DNS, NetBIOS name service.

RFC 1035 (4.1, 4.2.2), RFC 6891 (6.1.2), RFC 6762 (18), RFC 1002 (4.2).
"""

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, text
from portbook.traffic.openers.windows import HALF_BYTES, decoded

_TYPES = dict(
    (
        *((1, "A"), (2, "NS"), (5, "CNAME"), (6, "SOA"), (12, "PTR"), (15, "MX"), (16, "TXT")),
        *((28, "AAAA"), (33, "SRV"), (35, "NAPTR"), (43, "DS"), (46, "RRSIG"), (48, "DNSKEY")),
        *((64, "SVCB"), (65, "HTTPS"), (251, "IXFR"), (252, "AXFR"), (255, "ANY"), (257, "CAA")),
    )
)
_CLASSES = frozenset((1, 3, 4, 254, 255))
_STATUS = b"\x10" + bytes(9)  # Opcode 2, which no server has ever answered.
_QUERY, _NOTIFY, _UPDATE = 0, 4, 5


def judge_dns(data: bytes) -> Opener | None:
    """A question with a well-formed name, an assigned class, and nothing after that is not due."""
    if len(data) == 12 and data[2:] == _STATUS:
        return Opener("dns", "likely", (("request", "status"),), shows=data)
    if len(data) < 17 or data[4] != 0 or not 1 <= data[5] <= 4:
        return None
    if data[2] & 0x80 or (data[2] >> 3 & 15) not in (_QUERY, _NOTIFY, _UPDATE) or data[3] & 0x4F:
        return None
    answers = data[6] << 8 | data[7]
    if (answers and data[2] >> 3 & 15 == _QUERY and data[0:2] != b"\0\0") or answers > 16:
        return None
    if data[8] or data[10] or data[11] > 16:
        return None
    return _question(data)


def _question(data: bytes) -> Opener | None:
    labels: list[bytes] = []
    at = 12
    while at < len(data) and data[at]:
        size = data[at]
        if size > 63 or len(labels) > 64:
            return None
        labels.append(data[at + 1 : at + 1 + size])
        at += 1 + size
    name = b".".join(labels)
    if len(name) > 253 or at + 5 > len(data):
        return None
    kind, group = data[at + 1] << 8 | data[at + 2], data[at + 3] << 8 | data[at + 4]
    if group & 0x7FFF not in _CLASSES or kind == 0:
        return None
    if at + 5 < len(data) and data[5] == 1 and not any(data[6:12]):
        return None
    if kind in (0x20, 0x21) and len(name) == 32 and not name.translate(None, HALF_BYTES):
        return None  # NetBIOS: the same form, other names.
    multicast = not data[2] & 1 and (
        bool(group & 0x8000)
        or labels[-1:] == [b"local"]
        or (data[:2] == b"\0\0" and labels[-2:-1] == [b"in-addr"])
    )
    if group & 0x8000 and not multicast:
        return None
    details = [("name", text(name) or "."), ("type", _TYPES.get(kind, str(kind)))]
    if group != 1 and not multicast:
        details.append(("class", "CH" if group == 3 else str(group)))
    protocol, shows = "mdns" if multicast else "dns", data[12 : at + 5][:64]
    return Opener(protocol, "certain", tuple(details), shows=shows)


def judge_announcement(data: bytes) -> Opener | None:
    """Multicast DNS's answers that nobody asked for: number 0, an answer, no question."""
    if len(data) < 18 or data[:6] != b"\0\0\x84\0\0\0" or data[6] or not data[7]:
        return None
    if b"\x05local" not in data:
        return None
    return Opener("mdns", "certain", (("form", "announcement"),), shows=data[:12])


def judge_dns_stream(data: bytes) -> Opener | None:
    """The same behind a length in two bytes."""
    length = data[0] << 8 | data[1] if len(data) > 1 else 0
    if len(data) < 14 or not 12 <= length < 768:
        return None
    found = judge_dns(data[2 : 2 + length])
    return None if found is None or found.protocol != "dns" else found


def judge_netbios(data: bytes) -> Opener | None:
    """A question for a name of 32 letters from A to P, of type NB or NBSTAT."""
    if len(data) < 50 or data[4:8] != b"\0\1\0\0" or data[12] != 0x20:
        return None
    if data[2] & 0x80 or data[45:47] != b"\0\0" or data[47] not in (0x20, 0x21):
        return None
    name = decoded(data[13:45])
    if name is None or data[48:50] != b"\0\1":
        return None
    kind = "NBSTAT" if data[47] == 0x21 else "NB"
    return Opener("netbios-ns", "certain", (("name", text(name)), ("type", kind)), shows=data[:13])


KINDS = (
    Kind("netbios-ns", "udp", judge_netbios, b"", (137,)),
    Kind("dns", "udp", judge_dns, b"", (53, 5355, 5353)),
    Kind("mdns", "udp", judge_announcement, b"\0", (5353,)),
    Kind("dns", "tcp", judge_dns_stream, b"\0\1\2", (53,)),
)
