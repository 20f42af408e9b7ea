"""What the kernel lost or refused, by its own counters: for everybody to read, no privilege.

/proc/net/netstat, snmp and snmp6 count for the whole network namespace; the last column of
/proc/net/udp and udp6 counts for one socket.
"""

from collections.abc import Iterator, Mapping

from portbook.host import Host
from portbook.model import Gap, Said, reason_of
from portbook.model.record import Record

MEANINGS = {
    "ListenOverflows": Said("handshakes that ended while the listener's queue was full"),
    "ListenDrops": Said("SYNs and handshakes that a listener dropped, the overflows among them"),
    "TCPReqQFullDrop": Said("SYNs dropped because too many handshakes were half-open"),
    "TCPReqQFullDoCookies": Said("SYNs answered with cookies because of the same"),
    "SyncookiesSent": Said("cookies that were sent"),
    "SyncookiesRecv": Said("handshakes that ended with a good cookie"),
    "SyncookiesFailed": Said("ACKs without a handshake and without a good cookie"),
    "TCPTimeouts": Said("timers that ran out"),
    "TCPAbortOnTimeout": Said("connections given up because nothing was acknowledged"),
    "TCPAbortOnData": Said("connections that were reset with bytes unread"),
    "EmbryonicRsts": Said("half-open connections that the other side reset"),
    "AttemptFails": Said("handshakes that failed"),
    "EstabResets": Said("connections that were reset"),
    "OutRsts": Said("resets that were sent, to closed ports among others"),
    "NoPorts": Said("datagrams to a UDP port with no socket"),
    "InErrors": Said("datagrams lost: no room, or a wrong checksum"),
    "RcvbufErrors": Said("datagrams lost because a socket had no room"),
    "InCsumErrors": Said("packets with a wrong checksum"),
}
"""The counters that are kept, in this order, and what they count (net/ipv4/proc.c, snmp.h)."""

_NETSTAT = "/proc/net/netstat"
_SNMP = "/proc/net/snmp"
_SNMP6 = "/proc/net/snmp6"
_GROUPS = {_NETSTAT: ("TcpExt",), _SNMP: ("Tcp", "Udp")}
_MOST = 1 << 64


class Counter(Record):
    """One counter: the kernel's group (`TcpExt`, `Tcp`, `Udp`, `Udp6`) and name, its value."""

    group: str
    name: str
    value: int


class Counters(Record):
    """The counters of one moment, and which could not be read."""

    counters: tuple[Counter, ...]
    gaps: tuple[Gap, ...] = ()


class UdpDrops(Record):
    """Datagrams that one UDP socket had no room for since it was made."""

    inode: int
    port: int
    drops: int


def read_counters(host: Host) -> Counters:
    """The counters of the namespace now; a table that cannot be read is a gap."""
    found: list[Counter] = []
    gaps: list[Gap] = []
    for path in (_NETSTAT, _SNMP, _SNMP6):
        try:
            text = host.text(path, 1 << 20)
        except OSError as error:
            # Without IPv6 there is no snmp6, and nothing is missing.
            if path != _SNMP6 or not isinstance(error, FileNotFoundError):
                what = Said("the counters of %(path)s", path=path)
                gaps.append(Gap(what, reason_of(error), Said("mount /proc")))
            continue
        if path == _SNMP6:
            found += (each for each in parse_snmp6(text) if each.name in MEANINGS)
        else:
            groups = _GROUPS[path]
            found += (
                each for each in parse(text) if each.group in groups and each.name in MEANINGS
            )
    order = {name: place for place, name in enumerate(MEANINGS)}
    found.sort(key=lambda each: order[each.name])
    return Counters(tuple(found), tuple(gaps))


def udp_drops(host: Host, port: int) -> tuple[UdpDrops, ...]:
    """What each UDP socket of `port` has lost; empty where the tables cannot be read."""
    found: list[UdpDrops] = []
    for name in ("udp", "udp6"):
        try:
            text = host.text(f"/proc/net/{name}", 1 << 24)
        except OSError:
            continue
        found += (each for each in parse_udp(text) if each.port == port)
    return tuple(found)


def grown(before: Counters, after: Counters) -> tuple[Counter, ...]:
    """What was counted between two moments: only the counters that grew, by how much."""
    old: Mapping[tuple[str, str], int] = {
        (group, name): value for group, name, value in before.counters
    }
    return tuple(
        Counter(group, name, value - old.get((group, name), 0))
        for group, name, value in after.counters
        if value > old.get((group, name), 0)
    )


def parse(text: str) -> Iterator[Counter]:
    """Pairs of lines `Group: names` and `Group: values` (netstat and snmp); others are left out."""
    names: list[str] | None = None
    group = ""
    for line in text.split("\n"):
        head, colon, rest = line.partition(":")
        fields = rest.split()
        if names is not None and head == group and len(fields) == len(names):
            for name, value in zip(names, fields, strict=True):
                number = _number(value)
                if number is not None:
                    yield Counter(group, name, number)
            names = None
        else:
            group, names = head, (fields if colon else None)


def parse_snmp6(text: str) -> Iterator[Counter]:
    """Lines `Udp6NoPorts 7` of snmp6, the group before the name; only those of UDP."""
    for line in text.split("\n"):
        fields = line.split()
        if len(fields) == 2 and fields[0].startswith("Udp6"):
            number = _number(fields[1])
            if number is not None:
                yield Counter("Udp6", fields[0].removeprefix("Udp6"), number)


def parse_udp(text: str) -> Iterator[UdpDrops]:
    """The sockets of /proc/net/udp or udp6 (proc(5)); rows that cannot be read are left out."""
    for line in text.split("\n")[1:]:
        fields = line.split()
        if len(fields) < 13:
            continue
        port = fields[1].rpartition(":")[2]
        inode, drops = _number(fields[9]), _number(fields[12])
        if inode is None or drops is None or len(port) != 4:
            continue
        try:
            yield UdpDrops(inode, int(port, 16), drops)
        except ValueError:
            continue


def _number(text: str) -> int | None:
    """A counter of up to 64 bits, else None: int() of a longer text takes quadratic time."""
    if not text.isascii() or not text.isdecimal() or len(text) > 20:
        return None
    value = int(text)
    return value if value < _MOST else None
