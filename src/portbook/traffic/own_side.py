"""Which side of a packet is ours: addresses of one's own networks, and how a packet runs."""

import ipaddress
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from portbook.traffic.packets import ACK, SCTP, SLOT, SLOTS, SYN, TCP, UDP, Packets

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

INBOUND, OUTBOUND, ELSEWHERE = 1, 2, 0

_MAPPED = 0xFFFF << 32
"""The upper part of the low half of an IPv4-mapped address (RFC 4291, 2.5.5.2)."""
_HALF = (1 << 64) - 1


class OwnSide:
    """Tells packets to us from packets from us."""

    def __init__(self, networks: Sequence[Network]) -> None:
        """`networks` are ours; a single address is a network of one."""
        self.networks = tuple(networks)
        self._spans = tuple(_span(network) for network in collapsed(networks))
        self._served = np.zeros((SLOTS, 65536), np.bool_)

    def directions(self, packets: Packets, watched: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
        """INBOUND, OUTBOUND or ELSEWHERE for each packet.

        Where both ends are ours (loopback, or two hosts of one network), the side of the watched
        port is asked, then who sent the SYN, then which port was seen to serve; then the lower one.
        `watched` is a row of 65,536 ports for each of `packets.SLOT`, None for every port.
        """
        to_us = self._ours(packets.destination_high, packets.destination_low)
        from_us = self._ours(packets.source_high, packets.source_low)
        way = np.where(to_us, np.uint8(INBOUND), np.uint8(ELSEWHERE))
        way[from_us] = OUTBOUND
        both = np.flatnonzero(to_us & from_us)
        if both.size:
            way[both] = self._between_ours(packets, both, watched)
        return way

    def _ours(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.bool_]:
        found = np.zeros(len(low), np.bool_)
        for first, last in self._spans:
            (first_high, first_low), (last_high, last_low) = first, last
            if first_high == last_high:
                if first_low == last_low:
                    within = low == first_low
                else:
                    within = (low >= first_low) & (low <= last_low)
                within &= high == first_high
            else:
                # A network of at most 64 bits: its low half is everything.
                within = (high >= first_high) & (high <= last_high)
            found |= within
        return found

    def _between_ours(
        self, packets: Packets, rows: NDArray[np.intp], watched: NDArray[np.bool_] | None
    ) -> NDArray[np.uint8]:
        source, destination = packets.source_port[rows], packets.destination_port[rows]
        protocol, flags = packets.protocol[rows], packets.flags[rows]
        slot = SLOT[protocol]
        shook = (protocol == TCP) & (flags & SYN != 0)
        asks, answers = shook & (flags & ACK == 0), shook & (flags & ACK != 0)
        self._served[slot[asks], destination[asks]] = True
        self._served[slot[answers], source[answers]] = True
        to_served = self._served[slot, destination]
        from_served = self._served[slot, source]
        inbound = destination <= source
        inbound = np.where(to_served != from_served, to_served, inbound)
        inbound = np.where(shook, asks, inbound)
        if watched is not None:
            to_watched, from_watched = watched[slot, destination], watched[slot, source]
            inbound = np.where(to_watched != from_watched, to_watched, inbound)
        return np.where(inbound, np.uint8(INBOUND), np.uint8(OUTBOUND))


def watched_ports(ports: Collection[tuple[int, str | None]]) -> NDArray[np.bool_] | None:
    """A row of 65,536 ports for each of `packets.SLOT`; None where every port is meant."""
    if not ports:
        return None
    number = {"tcp": TCP, "udp": UDP, "sctp": SCTP}
    watched = np.zeros((SLOTS, 65536), np.bool_)
    for port, transport in ports:
        for protocol in (TCP, UDP, SCTP) if transport is None else (number[transport],):
            watched[SLOT[protocol], port] = True
    return watched


def collapsed(networks: Sequence[Network]) -> list[Network]:
    """The networks with neighbours and doubles joined, IPv4 before IPv6."""
    four = [each for each in networks if each.version == 4]
    six = [each for each in networks if each.version == 6]
    return [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]


def _span(network: Network) -> tuple[tuple[np.uint64, np.uint64], tuple[np.uint64, np.uint64]]:
    return _halves(network.network_address), _halves(network.broadcast_address)


def _halves(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> tuple[np.uint64, np.uint64]:
    number = int(address) | (_MAPPED if address.version == 4 else 0)
    return np.uint64(number >> 64), np.uint64(number & _HALF)


def address_text(high: int, low: int) -> str:
    """The usual form of an address; IPv4 in dots."""
    if high == 0 and low >> 32 == 0xFFFF:
        return str(ipaddress.IPv4Address(low & 0xFFFFFFFF))
    return str(ipaddress.IPv6Address(high << 64 | low))
