"""Port numbers, transports and ranges. RFC 6335 section 6 defines the three ranges."""

from enum import StrEnum

from portbook.model.record import Record

Port = int
"""A port number, 0-65535 (RFC 9293 section 3.1: 16 bits)."""

LAST_PORT = 65535


class Transport(StrEnum):
    """The transports that the registry knows."""

    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"
    DCCP = "dccp"


class PortRange(Record):
    """A named, inclusive range of ports."""

    name: str
    first: int
    last: int


SYSTEM = PortRange("system", 0, 1023)
USER = PortRange("user", 1024, 49151)
DYNAMIC = PortRange("dynamic", 49152, LAST_PORT)
RANGES = (SYSTEM, USER, DYNAMIC)


def range_of(port: int) -> PortRange:
    """The RFC 6335 range that holds `port` (0-65535).

    Raises:
        ValueError: `port` is no port number.
    """
    for candidate in RANGES:
        if candidate.first <= port <= candidate.last:
            return candidate
    raise ValueError(f"{port} is no port: 0-{LAST_PORT}")
