"""Sockets from /proc/net/{tcp,tcp6,udp,udp6}: the fallback, and the oracle of the live tests.

The text tells neither v6only, nor the backlog's limit, nor the cgroup, nor the device, and it
leaves out sockets that are bound without listening. The whole table is always rendered: 34 ms
with 9,000 sockets, where netlink takes 0.7 ms (measured).
"""

import struct
from _socket import AF_INET, AF_INET6, inet_ntop
from collections.abc import Iterator

from portbook.host import Host
from portbook.model import Gap, Said, Socket, Transport, Unknown, reason_of
from portbook.sockets.inet_diag import STATES
from portbook.sockets.namespace import own_namespace
from portbook.sockets.table import LISTENER_STATES, SocketTable, SourceFailed

_UNTOLD = Unknown("unsupported", "/proc/net does not tell")
GAP = Gap(
    Said("sockets that are bound without listening, and whether [::] also takes IPv4"),
    Said("/proc/net does not show them"),
    Said("allow sock_diag netlink"),
)
_TABLES = (
    ("tcp", Transport.TCP, "ipv4"),
    ("tcp6", Transport.TCP, "ipv6"),
    ("udp", Transport.UDP, "ipv4"),
    ("udp6", Transport.UDP, "ipv6"),
)


def read(
    host: Host, port: int | None = None, *, every_state: bool = False, process: str = "self"
) -> SocketTable:
    """Listeners of a process's network namespace; with `every_state` every socket in it.

    Raises:
        SourceFailed: not one of the four tables can be read.
    """
    netns = own_namespace(host) if process == "self" else Unknown("not-asked")
    sockets: list[Socket] = []
    gaps: list[Gap] = [GAP]
    read_one = False
    for name, transport, family in _TABLES:
        path = f"/proc/{process}/net/{name}"
        try:
            text = host.text(path, 1 << 28)
        except FileNotFoundError as error:
            if family == "ipv6":
                continue
            raise SourceFailed(_refusal(path, error), Said("mount /proc")) from error
        except OSError as error:
            what = Said(
                "%(transport)s sockets over %(family)s", transport=str(transport), family=family
            )
            gaps.append(Gap(what, _refusal(path, error)))
            continue
        read_one = True
        bad = 0
        for found in parse(text, transport, family, netns):
            if found is None:
                bad += 1
            elif port in (None, found.port) and (every_state or found.state in LISTENER_STATES):
                sockets.append(found)
        if bad:
            what = Said.plural("%(n)s rows of %(path)s", "%(n)s rows of %(path)s", bad, path=path)
            gaps.append(Gap(what, Said("they cannot be read")))
    if not read_one:
        why = Said("none of the tables in /proc/net can be read")
        raise SourceFailed(why, Said("mount /proc"))
    return SocketTable(tuple(sockets), "procnet", tuple(gaps))


def _refusal(path: str, error: OSError) -> Said:
    return Said("%(where)s: %(why)s", where=path, why=reason_of(error))


def parse(
    text: str, transport: Transport, family: str, netns: int | Unknown
) -> Iterator[Socket | None]:
    """Each row of one table that holds a port (proc_net_tcp(5)); None for a row that is broken."""
    for line in text.splitlines()[1:]:
        if not line.strip():
            continue
        try:
            fields = line.split()
            address, port = _endpoint(fields[1], family)
            peer, peer_port = _endpoint(fields[2], family)
            number = int(fields[3], 16)
            received = int(fields[4].partition(":")[2], 16)
            uid, inode = int(fields[7]), int(fields[9])
        except (IndexError, ValueError):
            yield None
            continue
        if port == 0:
            continue
        state = STATES.get(number, f"state-{number}")
        if transport is Transport.TCP and state == "unconnected":
            state = "bound"
        yield Socket(
            transport,
            address,
            port,
            family,
            _UNTOLD if address == "::" else False,
            state,
            netns,
            inode,
            uid,
            _UNTOLD if state == "listen" else None,
            received if state in ("listen", "unconnected") else None,
            None,
            _UNTOLD,
            f"{peer}:{peer_port}" if peer_port else None,
        )


def _endpoint(text: str, family: str) -> tuple[str, int]:
    """`0100007F:1F90` as address and port: words in the host's byte order, the port in hex.

    Raises:
        ValueError: the text is no endpoint of that family.
    """
    words, _, port = text.partition(":")
    raw = bytes.fromhex(words)
    size = 4 if family == "ipv4" else 16
    if len(raw) != size or not 0 <= int(port, 16) <= 65535:
        raise ValueError(text)
    # Each 32-bit word was printed as a number, so it has to be put back in native order.
    packed = struct.pack(f"={size // 4}I", *struct.unpack(f">{size // 4}I", raw))
    return inet_ntop(AF_INET if family == "ipv4" else AF_INET6, packed), int(port, 16)
