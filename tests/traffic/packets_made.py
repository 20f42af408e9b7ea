"""Packets as columns, made of plain records: what the engine is given in its tests."""

import ipaddress
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from portbook.traffic.packets import COLUMNS, Packets

OURS = "192.0.2.7"
SECOND = 1_000_000_000
BEGIN = 1_795_000_000 * SECOND

TCP, UDP, SCTP = 6, 17, 132
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


class Sent(NamedTuple):
    """One packet. `at` is in seconds after the beginning; `data` its payload."""

    at: float
    source: str
    source_port: int
    destination: str
    destination_port: int
    flags: int = 0
    data: bytes = b""
    protocol: int = TCP
    kind: int = 0
    sequence: int = 0
    window: int = 64240
    ip_id: int = 0
    ttl: int = 64
    dont_fragment: bool = True
    options: int = 2
    mss: int = 1460
    quoted: str = ""


def halves(text: str) -> tuple[int, int]:
    """Return the two halves of an address in its IPv6 form."""
    address = ipaddress.ip_address(text)
    number = int(address) | (0xFFFF << 32 if address.version == 4 else 0)
    return number >> 64, number & (1 << 64) - 1


def columns(sent: Sequence[Sent]) -> Packets:
    """Return the packets as the columns that a capture gives."""
    made = Packets()
    buffer = bytearray()
    rows = []
    for each in sent:
        source, destination = halves(each.source), halves(each.destination)
        quoted = halves(each.quoted) if each.quoted else (0, 0)
        rows.append(
            {
                "at": BEGIN + round(each.at * SECOND),
                "version": ipaddress.ip_address(each.source).version,
                "kind": each.kind,
                "protocol": each.protocol,
                "source_high": source[0],
                "source_low": source[1],
                "destination_high": destination[0],
                "destination_low": destination[1],
                "source_port": each.source_port,
                "destination_port": each.destination_port,
                "flags": each.flags,
                "sequence": each.sequence,
                "acknowledgement": 0,
                "window": each.window,
                "ip_id": each.ip_id,
                "ttl": each.ttl,
                "dont_fragment": each.dont_fragment,
                "options": each.options if each.flags & SYN else 0,
                "mss": each.mss if each.flags & SYN else 0,
                "payload": len(each.data),
                "payload_at": len(buffer),
                "payload_kept": len(each.data),
                "quoted_high": quoted[0],
                "quoted_low": quoted[1],
            }
        )
        buffer += each.data
    for name, kind in COLUMNS.items():
        setattr(made, name, np.array([row[name] for row in rows], kind))
    made.buffer = bytes(buffer)
    return made


class Wire:
    """A conversation as it is written down: `them` sends to us, `us` answers."""

    def __init__(
        self, source: str, port: int, *, source_port: int = 40000, at: float = 0.0
    ) -> None:
        self.sent: list[Sent] = []
        self._theirs, self._ours = (source, source_port), (OURS, port)
        self._at = at
        self._next = 1000

    def them(self, flags: int = 0, data: bytes = b"", **fields: object) -> "Wire":
        """A packet from the source, with the sequence number that is due."""
        fields = {"sequence": self._next, **fields}
        self._next += len(data) + bool(flags & (SYN | FIN))
        return self._add((*self._theirs, *self._ours), flags, data, fields)

    def us(self, flags: int = 0, data: bytes = b"", **fields: object) -> "Wire":
        """A packet of ours."""
        return self._add((*self._ours, *self._theirs), flags, data, fields)

    def shaken(self) -> "Wire":
        """The three packets of a handshake."""
        return self.them(SYN).us(SYN | ACK).them(ACK)

    def wait(self, seconds: float) -> "Wire":
        """Nothing for so long."""
        self._at += seconds
        return self

    def _add(
        self, ends: tuple[str, int, str, int], flags: int, data: bytes, fields: dict[str, object]
    ) -> "Wire":
        made = Sent(self._at, *ends, flags, data)
        self.sent.append(made._replace(**fields))  # type: ignore[arg-type]  # fields of Sent by name
        self._at += 0.001
        return self
