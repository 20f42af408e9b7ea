"""How many datagrams a source may send: a token bucket for each network, in a table with an end."""

from ipaddress import ip_address

MOST_SOURCES = 4_096
LOOPBACK_RATE = 200_000.0
"""Datagrams a second from this machine: it could as well spin, so this only bounds the queue."""
SOURCE_RATE = 1_000.0
"""Datagrams a second from one network: /24 of IPv4, /64 of IPv6."""
FOREIGN_RATE = 10_000.0
"""Datagrams a second from all other machines together: sources can be invented."""
_BURST = 0.25
"""A full bucket lasts for so many seconds of its rate."""
_LOOPBACK, _FOREIGN = "loopback", "foreign"


class Buckets:
    """What each source may still send. The one that was silent longest is forgotten first."""

    def __init__(
        self,
        *,
        loopback: float = LOOPBACK_RATE,
        source: float = SOURCE_RATE,
        foreign: float = FOREIGN_RATE,
        most: int = MOST_SOURCES,
    ) -> None:
        self._rates = {_LOOPBACK: loopback, _FOREIGN: foreign}
        self._source = source
        self._most = most
        self._left: dict[str, tuple[float, float]] = {}
        self._named: dict[str, str] = {}

    def take(self, address: str, now: float) -> bool:
        """Whether one more datagram of an address is within its share; `now` in seconds."""
        name = self._named.get(address) or self._name(address)
        if not self._take(name, now):
            return False
        return name == _LOOPBACK or self._take(_FOREIGN, now)

    def _take(self, name: str, now: float) -> bool:
        rate = self._rates.get(name, self._source)
        full = rate * _BURST
        left, then = self._left.pop(name, (full, now))
        left = min(full, left + (now - then) * rate)
        if name not in self._rates and len(self._left) >= self._most:
            self._forget()
        # Put back at the end: the table is in the order of their last datagrams.
        self._left[name] = (left - 1.0 if left >= 1.0 else left, now)
        return left >= 1.0

    def _forget(self) -> None:
        for name in self._left:
            if name not in self._rates:
                del self._left[name]
                return

    def _name(self, address: str) -> str:
        if len(self._named) >= self._most:
            self._named.clear()
        name = self._named[address] = network_of(address)
        return name

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._left)


def network_of(address: str) -> str:
    """The name of the bucket of an address: `loopback`, or its network's first bytes."""
    found = ip_address(address.partition("%")[0])
    if found.version == 6 and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_loopback:
        return _LOOPBACK
    return found.packed[: 3 if found.version == 4 else 8].hex()
