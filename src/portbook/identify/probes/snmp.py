"""SNMP (UDP): the client asks first, here version 3 for its engine, which needs no community."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.der_element import element

_ID = b"\x02\x04pbv3"


def _ber(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((tag, len(body))) + body


_NOTHING, _ZERO = b"\x04\x00", b"\x02\x01\x00"
_GLOBAL = _ber(0x30, _ID, b"\x02\x03\x00\xff\xe3", b"\x04\x01\x04", b"\x02\x01\x03")
_SECURITY = _ber(0x04, _ber(0x30, _NOTHING, _ZERO, _ZERO, _NOTHING, _NOTHING, _NOTHING))
_GET = _ber(0xA0, b"\x02\x01\x01", _ZERO, _ZERO, b"\x30\x00")
_QUERY = _ber(0x30, b"\x02\x01\x03", _GLOBAL, _SECURITY, _ber(0x30, _NOTHING, _NOTHING, _GET))
_USM_STATISTICS = b"\x06\x0a\x2b\x06\x01\x06\x03\x0f\x01\x01"
_NET_SNMP = 8072
# Private enterprise numbers (IANA) of the makers of agents that are met most.
_MAKERS = {
    9: "Cisco",
    11: "HP",
    311: "Microsoft",
    343: "Intel",
    674: "Dell",
    2011: "Huawei",
    2636: "Juniper",
    4526: "Netgear",
    6574: "Synology",
    6876: "VMware",
    12356: "Fortinet",
    14988: "MikroTik",
    25506: "H3C",
    30065: "Arista",
    41112: "Ubiquiti",
}


def judge(talk: Talk) -> Found | None:
    """A report with our message's number and the engine's id."""
    message = talk.first
    if talk.transport != "udp" or talk.opener != "snmp" or len(talk.turns) > 1:
        return None
    at, end = element(message, 0, 0x30)
    if not at or end != len(message) or message[at : at + 3] != b"\x02\x01\x03":
        return None
    inner, after = element(message, at + 3, 0x30)
    if not inner or not message.startswith(_ID, inner):
        return None
    security, _ = element(message, after, 0x04)
    fields, _ = element(message, security, 0x30) if security else (0, 0)
    engine, engine_end = element(message, fields, 0x04) if fields else (0, 0)
    if not engine or _USM_STATISTICS not in message[engine_end : engine_end + 200]:
        return None
    identity = message[engine:engine_end]
    maker = int.from_bytes(identity[:4]) & 0x7FFFFFFF if len(identity) >= 5 else None
    notes = []
    if maker is not None:
        notes.append(f"engine of {_MAKERS.get(maker, f'enterprise {maker}')}")
    product = "Net-SNMP" if maker == _NET_SNMP else None
    notes = ["version 3"] if product else ["version 3", *notes]
    return Found("snmp", "certain", product, shows=identity[:16], notes=tuple(notes))


PROBE = Probe(
    name="snmp",
    title="SNMP",
    source="RFC 3412 section 6, RFC 3414 sections 2.4 and 4",
    services=("snmp",),
    ports=(161,),
    programs=("snmpd",),
    datagram=_QUERY,
    judge=judge,
)
