"""Which side of a capture is ours, where nobody said so: told from who knocks, answers and asks.

Every packet that was captured at the edge of one's own hosts has one end here and one elsewhere, so
the addresses fall into two sides, and each pair of addresses that talk has one of each. What is
left to tell is which of the two sides is ours, and how sure that is.
"""

from collections.abc import Collection, Sequence
from ipaddress import IPv4Network, IPv6Network

import numpy as np
from numpy.typing import NDArray

from portbook.model.record import Record
from portbook.traffic.own_side import Network
from portbook.traffic.packets import ACK, PLAIN, SYN, TCP, UDP, Packets

ENOUGH = 200_000
"""Packets that are looked at: the first ones of a capture."""

_GROUPS = 64
"""Groups of addresses that talk to each other and to nobody else, of which this many are told."""
_MOST = 64
"""Own addresses that are told one by one; more are told as the network that holds them."""
_NARROW = {IPv4Network: 16, IPv6Network: 48}
"""Bits that such a network must have, or it holds strangers as well: then the first are told."""
_FRESH = (64, 128, 255)
"""What a time to live begins with: a packet that has it was sent here, or next door."""
_HOPS = 3
"""Up to 2 routers of our own may stand between our hosts and where the capture was made."""
_NEARLY_ALL = 10
"""How many times the connections of the other side are nearly all of both, and their least number:
who opens so many is the clients' side, or one host of ours that asks others."""
_MULTICAST = (0xFF << 56, 0xFFFF_E000_0000)
"""ff00::/8, and ::ffff:224.0.0.0 with all that follows it: nobody's address."""
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Sides(Record):
    """Our networks; `how` says in a sentence what they were told by; `clear`: nothing denies it."""

    networks: tuple[Network, ...]
    how: str
    clear: bool


class _Side(Record):
    """What speaks for one side of a group of addresses: counts of packets.

    `asked`: sent to it at our ports, by who begins; `answers`: from our ports; `begun`: SYNs that
    it sent; `fresh`: of its `sent` packets those whose time to live was counted down by at most as
    many as the place says.
    """

    members: int
    asked: int
    answers: int
    begun: int
    fresh: tuple[int, ...]
    sent: int
    payload: int


def infer(batches: Sequence[Packets], ports: Collection[tuple[int, str | None]] = ()) -> Sides:
    """Our addresses, from the first packets of a capture.

    Args:
        batches: dissected packets; beyond `ENOUGH` none is looked at.
        ports: the ports that are watched, with a transport or None for each; empty for any.
    """
    talks = _Talks(batches, ports)
    if not talks.pairs:
        return Sides((), "no two addresses talk in it", clear=False)
    colour, group, groups = _coloured(talks)
    ours: list[NDArray[np.int64]] = []
    said: list[tuple[str, bool]] = []
    for each in range(groups):
        members = [np.flatnonzero((group == each) & (colour == side)) for side in (0, 1)]
        sides = [talks.side(found) for found in members]
        chosen, why, clear = _chosen(sides, ports=bool(ports))
        ours.append(members[chosen])
        said.append((why, clear))
    numbers = np.concatenate(ours)
    networks = talks.networks(numbers)
    strays = int(np.count_nonzero(colour < 0))
    odd = talks.share_of_conflicts(colour)
    why, clear = said[0]
    same = all(each == said[0] for each in said)
    how = why if same else f"{why}; by other signs for {len(said) - 1} other groups of addresses"
    whole = sum(each.num_addresses for each in networks) >= len(numbers)
    return Sides(networks, how, clear and same and whole and not strays and odd < 0.01)


class _Talks:
    """Who talks to whom in some packets: addresses by number, pairs of them, and counts of each."""

    def __init__(
        self, batches: Sequence[Packets], ports: Collection[tuple[int, str | None]]
    ) -> None:
        parts = [_plain(batch) for batch in batches]
        column = {
            name: np.concatenate([part[name] for part in parts])[:ENOUGH]
            for name in (parts[0] if parts else ())
        }
        if not column or not len(column["ttl"]):
            self.pairs = 0
            return
        ends = {
            name: np.concatenate([column[f"source_{name}"], column[f"destination_{name}"]])
            for name in ("high", "low")
        }
        # One number stands for 128 bits: two addresses that collide would count as one here.
        mixed = ends["low"] * _MIX + ends["high"]
        _, first, number = np.unique(mixed, return_index=True, return_inverse=True)
        self._high, self._low = ends["high"][first], ends["low"][first]
        self.addresses = len(first)
        half = len(column["ttl"])
        source, destination = number[:half], number[half:]
        pair = np.minimum(source, destination) * self.addresses + np.maximum(source, destination)
        pairs = np.unique(pair[source != destination])
        self.pairs = len(pairs)
        self.one, self.other = pairs // self.addresses, pairs % self.addresses
        self._count(column, source, destination, ports)
        if not self.pairs:
            # One address that talks to itself alone: a capture of loopback.
            self.one = self.other = np.unique(source)
            self.pairs = len(self.one)

    def _count(
        self,
        column: dict[str, NDArray[np.generic]],
        source: NDArray[np.int64],
        destination: NDArray[np.int64],
        ports: Collection[tuple[int, str | None]],
    ) -> None:
        tcp, udp = column["protocol"] == TCP, column["protocol"] == UDP
        flags = column["flags"].astype(np.uint8)
        begins = tcp & (flags & (SYN | ACK) == SYN)
        to_ports = _among(column["destination_port"], tcp, udp, ports)
        from_ports = _among(column["source_port"], tcp, udp, ports)
        asked = to_ports & ~from_ports & (begins | ~tcp)

        def counted(where: NDArray[np.bool_], end: NDArray[np.int64]) -> NDArray[np.int64]:
            return np.bincount(end[where], minlength=self.addresses)

        everything = np.ones(len(source), dtype=np.bool_)
        payload = column["payload"] != 0
        self._asked = counted(asked, destination)
        self._answers = counted(from_ports & ~to_ports, source)
        self._begun = counted(begins, source)
        counted_down = [np.isin(column["ttl"], np.array(_FRESH) - hops) for hops in range(_HOPS)]
        self._fresh = [
            counted(np.logical_or.reduce(counted_down[: hops + 1]), source) for hops in range(_HOPS)
        ]
        self._sent = counted(everything, source)
        self._payload = counted(payload, source) + counted(payload, destination)
        self.packets = self._sent + counted(everything, destination)

    def side(self, members: NDArray[np.int64]) -> _Side:
        """The counts of one side."""

        def total(column: NDArray[np.int64]) -> int:
            return int(column[members].sum())

        return _Side(
            members=len(members),
            asked=total(self._asked),
            answers=total(self._answers),
            begun=total(self._begun),
            fresh=tuple(map(total, self._fresh)),
            sent=total(self._sent),
            payload=total(self._payload),
        )

    def networks(self, numbers: NDArray[np.int64]) -> tuple[Network, ...]:
        """Networks that hold the addresses with these numbers."""
        four, six = [], []
        halves = zip(self._high[numbers].tolist(), self._low[numbers].tolist(), strict=True)
        for high, low in halves:
            if high == 0 and low >> 32 == 0xFFFF:
                four.append(low & 0xFFFFFFFF)
            else:
                six.append(high << 64 | low)
        return (*_networks(IPv4Network, four), *_networks(IPv6Network, six))

    def degrees(self) -> NDArray[np.int64]:
        """With how many others each address talks."""
        return np.bincount(self.one, minlength=self.addresses) + np.bincount(
            self.other, minlength=self.addresses
        )

    def share_of_conflicts(self, colour: NDArray[np.int8]) -> float:
        """How many of the pairs have both ends on one side."""
        apart = self.one != self.other
        same = (colour[self.one] == colour[self.other]) & (colour[self.one] >= 0) & apart
        return float(np.count_nonzero(same)) / max(1, self.pairs)


def _plain(batch: Packets) -> dict[str, NDArray[np.generic]]:
    """The columns of what is a packet itself, and is sent to one."""
    high, low = _MULTICAST
    group = (batch.destination_high >= np.uint64(high)) | (
        (batch.destination_high == 0) & (batch.destination_low >= np.uint64(low))
    )
    kept = (batch.kind == PLAIN) & ~group
    names = (
        *("source_high", "source_low", "destination_high", "destination_low"),
        *("source_port", "destination_port", "protocol", "flags", "ttl", "payload"),
    )
    return {name: getattr(batch, name)[kept] for name in names}


def _among(
    column: NDArray[np.generic],
    tcp: NDArray[np.bool_],
    udp: NDArray[np.bool_],
    ports: Collection[tuple[int, str | None]],
) -> NDArray[np.bool_]:
    """Where a port is one of those that are watched."""
    found = np.zeros(len(column), dtype=np.bool_)
    anything = np.ones(len(column), dtype=np.bool_)
    over = {"tcp": tcp, "udp": udp, None: anything, "sctp": ~(tcp | udp)}
    for transport, where in over.items():
        wanted = [port for port, named in ports if named == transport]
        if wanted:
            found |= np.isin(column, wanted) & where
    return found


def _coloured(talks: _Talks) -> tuple[NDArray[np.int8], NDArray[np.int64], int]:
    """Each address's side within its group, its group, and how many groups there are.

    A group begins with who talks with most others; whom it talks with is on the other side, and so
    on. An address whose neighbours disagree goes with the first that is reached, the busiest one's.
    Each pair is looked at twice, whatever they are: a chain of addresses as fast as a star.
    """
    degrees = talks.degrees()
    rank = degrees.astype(np.float64) + talks.packets / (talks.packets.sum() + 1)
    near = np.concatenate([talks.one, talks.other])
    far = np.concatenate([talks.other, talks.one])[np.argsort(near, kind="stable")].tolist()
    begins = np.concatenate([[0], np.cumsum(degrees)]).tolist()
    colour, group = [-1] * talks.addresses, [-1] * talks.addresses
    groups = 0
    for start in np.argsort(-rank, kind="stable").tolist():
        if groups == _GROUPS or rank[start] < 1:
            break
        if colour[start] >= 0:
            continue
        colour[start], group[start] = 0, groups
        reached = [start]
        # It grows while it is read: first come those next to the start.
        for each in reached:
            other = 1 - colour[each]
            for found in far[begins[each] : begins[each + 1]]:
                if colour[found] < 0:
                    colour[found], group[found] = other, groups
                    reached.append(found)
        groups += 1
    return np.array(colour, np.int8), np.array(group, np.int64), groups


def _chosen(sides: Sequence[_Side], *, ports: bool) -> tuple[int, str, bool]:
    """Which of two sides is ours, why, and whether nothing speaks against it."""
    hub = 0 if sides[0].members <= max(1, sides[1].members) else 1
    one, many = sides[hub], sides[1 - hub]
    if not many.members:
        return hub, "one address talks to itself", True
    opens = one.begun >= _NEARLY_ALL and one.begun > _NEARLY_ALL * many.begun
    for hops in range(_HOPS):
        near = _is_near(one, many, hops) - _is_near(many, one, hops)
        if near:
            where = hub if near > 0 else 1 - hub
            denied = ports and not sides[where].asked and bool(sides[1 - where].asked)
            if hops:
                # Fewer routers are not none: that its side is the clients' speaks against it.
                denied = denied or (where == hub and opens)
                return where, "its packets have passed fewer routers than the others'", not denied
            return (
                where,
                "its packets have not passed a router, those of the others have",
                not denied,
            )
    if ports:
        return _by_ports(sides, hub)
    if one.begun >= 10 and one.begun > 4 * one.payload and one.begun > 4 * many.begun:
        return 1 - hub, "the other side asks many and tells nobody anything", False
    if one.members == many.members:
        if one.begun != many.begun:
            passive = hub if one.begun < many.begun else 1 - hub
            return passive, "the other side opens the connections", False
        return hub, "it takes part in most packets", False
    if opens and one.members > 1:
        return 1 - hub, "the other side opens nearly all connections", False
    if opens:
        return hub, "it opens connections to many others, as one host does that asks them", False
    return hub, "every packet has it at one end, with most others at the other", True


def _by_ports(sides: Sequence[_Side], hub: int) -> tuple[int, str, bool]:
    """By who is asked at the ports, and then by who answers from there."""
    far = 1 - hub
    told = "it is asked at these ports"
    if sides[hub].asked:
        even = sides[hub].members == sides[far].members and sides[far].asked
        return hub, told, not even
    if sides[far].asked:
        return far, told, False
    for side in (hub, far):
        if sides[side].answers and not sides[1 - side].answers:
            return side, "it answers from these ports", side == hub
    return hub, "nobody is asked at these ports, and it takes part in most packets", False


def _is_near(one: _Side, other: _Side, hops: int) -> bool:
    """Whether the times to live show that one side's packets were sent so near, the other's not."""
    if min(one.sent, other.sent) < 3:
        return False
    return one.fresh[hops] >= 0.95 * one.sent and other.fresh[hops] <= 0.5 * other.sent


def _networks(kind: type[Network], found: Sequence[int]) -> list[Network]:
    """The addresses, each as a network of its own; the one network that holds them where many."""
    most = 32 if kind is IPv4Network else 128
    if len(found) > _MOST:
        low, high = min(found), max(found)
        width = most - (low ^ high).bit_length()
        if width >= _NARROW[kind]:
            return [kind((low, width), strict=False)]
    return [kind((each, most)) for each in sorted(found[:_MOST])]
