"""Which part of the kernel holds a socket that no process has: nfsd, vxlan, wireguard and others.

Only what can be verified is named, each by the kernel's own list of what it listens on. Where an
interface of the kind exists and its port cannot be read, the name begins with `probably`.
"""

import re
from collections.abc import Sequence

from portbook.host import Host
from portbook.model import Socket, Transport, Unknown

NFSD_PORTS = "/proc/fs/nfsd/portlist"
NFSD_THREADS = "/proc/fs/nfsd/threads"
NFSD_STATISTICS = "/proc/net/rpc/nfsd"
LOCKD_PORT = "/proc/sys/fs/nfs/nlm_{}port"
CALLBACK_PORT = "/sys/module/nfs/parameters/callback_tcpport"
ISCSI_TARGETS = "/sys/kernel/config/target/iscsi"
NVME_PORTS = "/sys/kernel/config/nvmet/ports"
RXRPC_ENDPOINTS = "/proc/net/rxrpc/locals"
DLM_PORT = "/sys/kernel/config/dlm/cluster/tcp_port"
INTERFACES = "/sys/class/net"

NFS_PORT = 2049
USUAL_PORTS = {"vxlan": (4789, 8472), "geneve": (6081,), "wireguard": (51820,)}
"""Where a kind of interface listens unless it is told otherwise; 8472 is Linux's older vxlan."""

_MOST = 1 << 16


def kernel_holder(host: Host, socket: Socket) -> str | None:
    """The part of the kernel that holds this socket; None where none can be verified.

    Ask it for sockets that no process holds. Sockets of other network namespaces have no answer:
    every list that is read here is that of our own.
    """
    return kernel_holders(host, [socket])[0]


def kernel_holders(host: Host, sockets: Sequence[Socket]) -> list[str | None]:
    """The same for several sockets, with one reading of each list."""
    if not sockets:
        return []
    try:
        own: int | None = host.inode("/proc/self/ns/net")
    except OSError:
        own = None
    known: dict[tuple[str, int], str] | None = None
    answers: list[str | None] = []
    for found in sockets:
        if own is not None and not isinstance(found.netns, Unknown) and found.netns != own:
            answers.append(None)
            continue
        if known is None:
            known = _everything(host)
        answers.append(known.get((found.transport, found.port)))
    return answers


def _everything(host: Host) -> dict[tuple[str, int], str]:
    """Every port that some part of the kernel says it holds, the surest statements first."""
    known: dict[tuple[str, int], str] = {}
    for part in (_interfaces, _nfs, _storage, _others):
        for transport, port, name in part(host):
            known.setdefault((transport, port), name)
    return known


Holding = list[tuple[str, int, str]]


def _interfaces(host: Host) -> Holding:
    if not host.live:
        return _interfaces_by_folder(host)
    from portbook.owners.links import links, wireguard_port

    try:
        listed = links()
    except OSError:
        return _interfaces_by_folder(host)
    found: Holding = []
    unsure: Holding = []
    for link in listed:
        port = link.port
        if link.kind == "wireguard":
            try:
                port = wireguard_port(link.name)
            except OSError:
                unsure += _usual(link.kind, link.name)
        if port:
            found.append((Transport.UDP, port, f"{link.kind} {link.name}"))
    return found + unsure


def _interfaces_by_folder(host: Host) -> Holding:
    """By the interfaces' kinds alone, which is all that /sys tells."""
    found: Holding = []
    for name in _names(host, INTERFACES):
        uevent = _text(host, f"{INTERFACES}/{name}/uevent")
        kind = re.search(r"^DEVTYPE=(\w+)$", uevent, re.MULTILINE)
        if kind and kind[1] in USUAL_PORTS:
            found += _usual(kind[1], name)
    return found


def _usual(kind: str, name: str) -> Holding:
    return [(Transport.UDP, port, f"probably {kind} {name}") for port in USUAL_PORTS[kind]]


def _nfs(host: Host) -> Holding:
    """nfsd by its own list of ports, which root can read, or its threads; lockd by its setting."""
    found = ports_of_nfsd(_text(host, NFSD_PORTS))
    if not found and (
        _number(_text(host, NFSD_THREADS))
        or re.search(r"^th [1-9]", _text(host, NFSD_STATISTICS), re.MULTILINE)
    ):
        found = [(each, NFS_PORT, "nfsd") for each in (Transport.TCP, Transport.UDP)]
    for transport in (Transport.TCP, Transport.UDP):
        if port := _number(_text(host, LOCKD_PORT.format(transport))):
            found.append((transport, port, "lockd"))
    if port := _number(_text(host, CALLBACK_PORT)):
        found.append((Transport.TCP, port, "nfs callback"))
    return found


def ports_of_nfsd(text: str) -> Holding:
    """Lines such as `tcp 2049` in nfsd's list of what it listens on."""
    found: Holding = []
    for line in text.split("\n"):
        transport, _, port = line.partition(" ")
        if transport in (Transport.TCP, Transport.UDP) and _number(port):
            found.append((transport, _number(port), "nfsd"))
    return found


def _storage(host: Host) -> Holding:
    """iSCSI and NVMe targets, by the portals that they were set up with."""
    found: Holding = []
    for target in _names(host, ISCSI_TARGETS):
        for group in _names(host, f"{ISCSI_TARGETS}/{target}"):
            for portal in _names(host, f"{ISCSI_TARGETS}/{target}/{group}/np"):
                if port := _number(portal.rpartition(":")[2]):
                    found.append((Transport.TCP, port, "iscsi target"))
    for number in _names(host, NVME_PORTS):
        folder = f"{NVME_PORTS}/{number}"
        port = _number(_text(host, f"{folder}/addr_trsvcid"))
        if port and _text(host, f"{folder}/addr_trtype").strip() == "tcp":
            found.append((Transport.TCP, port, "nvme target"))
    return found


def _others(host: Host) -> Holding:
    found = ports_of_rxrpc(_text(host, RXRPC_ENDPOINTS))
    if port := _number(_text(host, DLM_PORT)):
        found.append((Transport.TCP, port, "dlm"))
    return found


def ports_of_rxrpc(text: str) -> Holding:
    """The local endpoints of AF_RXRPC (AFS): lines such as `UDP   0.0.0.0:7001   1   1`."""
    found: Holding = []
    for line in text.split("\n"):
        fields = line.split()
        port = _number(fields[1].rpartition(":")[2]) if len(fields) > 1 else 0
        if port and fields[0] in ("UDP", "UDP6"):
            found.append((Transport.UDP, port, "rxrpc"))
    return found


def _number(text: str) -> int:
    """A port in decimal, or 0."""
    digits = text.strip()
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 6 else 0
    return number if number < 1 << 16 else 0


def _text(host: Host, path: str) -> str:
    try:
        return host.text(path, _MOST)
    except OSError:
        return ""


def _names(host: Host, path: str) -> list[str]:
    try:
        return sorted(host.names(path))
    except OSError:
        return []
