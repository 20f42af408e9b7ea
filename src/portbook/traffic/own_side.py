"""Which side of a packet is ours: addresses of one's own networks, and how a packet runs."""

import ipaddress
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from portbook.traffic.keyed import Index
from portbook.traffic.packets import (
    ACK,
    FIN,
    ICMP_ERROR,
    RST,
    SCTP,
    SLOT,
    SLOTS,
    SYN,
    TCP,
    UDP,
    Packets,
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

INBOUND, OUTBOUND, ELSEWHERE = 1, 2, 0

_MAPPED = 0xFFFF << 32
"""The upper part of the low half of an IPv4-mapped address (RFC 4291, 2.5.5.2)."""
_HALF = (1 << 64) - 1
_MOST_PAIRS = 1_000_000
"""Connections between two of our hosts that are remembered: 50 MB."""
_MIXERS = np.array(
    [0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93], np.uint64
)
"""Odd numbers whose products spread well (those of SplitMix64, Steele et al., OOPSLA 2014)."""


class OwnSide:
    """Tells packets to us from packets from us."""

    def __init__(self, networks: Sequence[Network], salt: int = 0) -> None:
        """`networks` are ours; a single address is a network of one.

        `salt` makes the places of connections in memory unforeseeable.
        """
        self.networks = tuple(networks)
        self._spans = tuple(_span(network) for network in collapsed(networks))
        self._pairs = Index(salt)
        self._asked = np.zeros(1024, np.uint64)

    @property
    def alone(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]] | None:
        """The halves of our only address, None where there are several."""
        if len(self._spans) != 1 or self._spans[0][0] != self._spans[0][1]:
            return None
        high, low = self._spans[0][0]
        return np.array([high]), np.array([low])

    def add(self, networks: Sequence[Network]) -> None:
        """These are ours, too."""
        if set(networks) - set(self.networks):
            self.networks = (*self.networks, *(set(networks) - set(self.networks)))
            self._spans = tuple(_span(network) for network in collapsed(self.networks))

    def directions(self, packets: Packets, watched: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
        """INBOUND, OUTBOUND or ELSEWHERE for each packet.

        Where both ends are ours (loopback, or two hosts of one network), the end at the watched
        port is asked; else the end to which the SYN goes, or the first packet of the connection, by
        the lower port where that is in the middle of one. What was decided holds for all of it.
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
        source_port, destination_port = packets.source_port[rows], packets.destination_port[rows]
        protocol, flags = packets.protocol[rows], packets.flags[rows]
        error = packets.kind[rows] == ICMP_ERROR
        slot = SLOT[protocol]
        # An error may come from a router: its connection is that of the packet which it quotes.
        high = np.where(error, packets.quoted_high[rows], packets.source_high[rows])
        low = np.where(error, packets.quoted_low[rows], packets.source_low[rows])
        source = _end(high, low, source_port, slot)
        destination = _end(
            packets.destination_high[rows], packets.destination_low[rows], destination_port, slot
        )
        handshake = flags & (SYN | ACK | FIN | RST)
        shook = (protocol == TCP) & ~error & (handshake & ~np.uint8(ACK) == SYN)
        asks, answers = shook & (handshake == SYN), shook & (handshake != SYN)
        to_lower = destination_port <= source_port
        inbound = np.where(protocol == TCP, to_lower, ~error)
        inbound = np.where(error, ~to_lower, inbound)
        inbound = np.where(shook, asks, inbound)
        if watched is not None:
            to_watched = watched[slot, destination_port]
            from_watched = watched[slot, source_port]
            inbound = np.where(to_watched != from_watched, to_watched, inbound)
            shook &= to_watched == from_watched
        asked = np.where(inbound, destination, source)
        if self._pairs.size > _MOST_PAIRS:
            self._pairs.rebuild(np.zeros(0, np.uint64))
        before = self._pairs.size
        # The sum is the same in both directions.
        pair = self._pairs.find_or_add(source + destination)
        if self._pairs.size > len(self._asked):
            grown = np.zeros(2 * self._pairs.size, np.uint64)
            grown[: len(self._asked)] = self._asked
            self._asked = grown
        # Backwards, so that the first packet decides; then the handshakes, which know.
        fresh = np.flatnonzero(pair >= before)[::-1]
        self._asked[pair[fresh]] = asked[fresh]
        known = np.flatnonzero(asks | answers)[::-1]
        known = known[shook[known]]
        self._asked[pair[known]] = asked[known]
        to_asked = self._asked[pair] == destination
        return np.where(to_asked, np.uint8(INBOUND), np.uint8(OUTBOUND))


def _end(
    high: NDArray[np.uint64],
    low: NDArray[np.uint64],
    port: NDArray[np.uint16],
    slot: NDArray[np.uint8],
) -> NDArray[np.uint64]:
    """A number for an end of a connection; two ends share one by a chance of 2^-64."""
    place = port.astype(np.uint64) << np.uint64(8) | slot
    mixed: NDArray[np.uint64] = (low ^ (high * _MIXERS[0])) * _MIXERS[1] + place * _MIXERS[2]
    mixed ^= mixed >> np.uint64(31)
    mixed *= _MIXERS[3]
    return mixed


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
