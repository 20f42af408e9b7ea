"""The connections of one local port with their peers and states: what anybody may see of them.

No packets and no privilege: sock_diag tells every user every socket of the namespace, the
half-open ones of a listener among them. See netlink_source for who listens.
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start (measured)
import errno
import struct
from collections.abc import Iterable, Iterator

from portbook.host import Host
from portbook.model import Said, Transport, Unknown
from portbook.model.record import Record
from portbook.sockets import procnet_source
from portbook.sockets.inet_diag import NLMSG_DONE, SOCK_DIAG_BY_FAMILY, STATES, BadDiag

EVERY_STATE = 0xFFFF
"""Half-open connections are asked for with the bit of NEW_SYN_RECV (12) and told as state 3."""

_NLMSG = struct.Struct("=IH10x")
# inet_diag_msg (linux/inet_diag.h): family, state, (timer), retransmits, ports in network order,
# addresses, (interface, cookie), expires in ms, receive queue, send queue, uid, inode.
_MESSAGE = struct.Struct("=BBxB2s2s16s16s12xIIIII")
_PROTOCOLS = ((Transport.TCP, socket.IPPROTO_TCP), (Transport.UDP, socket.IPPROTO_UDP))
_MAPPED = bytes(10) + b"\xff\xff"
_UNTOLD = Unknown("unsupported", "/proc/net does not tell")


class Connection(Record):
    """One socket of a local port that has a peer.

    `address` and `peer` are in text form, IPv4 that came through an IPv6 socket as IPv4. `state` is
    one of `established`, `syn-sent`, `syn-received` (half-open: a SYN was answered, nothing more
    came), `fin-wait-1`, `fin-wait-2`, `time-wait`, `close-wait` (the peer has ended, our program
    has not), `last-ack`, `closing`. `received` is bytes that our program has not read yet and
    `sent` bytes that the peer has not acknowledged. `retransmits` counts repeats of what is under
    way: for a half-open connection the SYN-ACKs. `uid` and `inode` are 0 where no process holds
    the socket (time-wait, half-open).
    """

    transport: Transport
    address: str
    port: int
    peer: str
    peer_port: int
    state: str
    received: int | Unknown
    sent: int | Unknown
    retransmits: int | Unknown
    uid: int | Unknown
    inode: int | Unknown


def connections(host: Host, port: int) -> tuple[Connection, ...]:
    """Every connection of the local `port` now, TCP and UDP; none of a recorded host.

    Where netlink is refused /proc/net is read, which does not tell queues and retransmits.

    Raises:
        SourceFailed: neither can be read.
    """
    if not host.live:
        return ()
    try:
        return tuple(_by_netlink(host, port))
    except (OSError, BadDiag):
        return tuple(_by_procnet(host, port))


def parse(datagrams: Iterable[bytes], transport: Transport) -> Iterator[Connection]:
    """The sockets with a peer in raw sock_diag datagrams.

    Raises:
        BadDiag: a message that is cut, or too short for what it says it is.
    """
    for data in datagrams:
        offset = 0
        while offset + _NLMSG.size <= len(data):
            length, kind = _NLMSG.unpack_from(data, offset)
            left = len(data) - offset
            if length < _NLMSG.size or length > left:
                raise BadDiag(
                    Said("a message of %(n)s bytes where %(left)s are left", n=length, left=left)
                )
            if kind == NLMSG_DONE:
                return
            if kind == SOCK_DIAG_BY_FAMILY:
                if length < _NLMSG.size + _MESSAGE.size:
                    raise BadDiag(Said("a socket of %(n)s bytes; inet_diag_msg has 88", n=length))
                found = _connection(data, offset + _NLMSG.size, transport)
                if found is not None:
                    yield found
            offset += (length + 3) & ~3


def _connection(data: bytes, at: int, transport: Transport) -> Connection | None:
    # fmt: off
    (family, state, retransmits, local, remote, source, target,
     _, received, sent, uid, inode) = _MESSAGE.unpack_from(data, at)
    # fmt: on
    if remote == b"\0\0":
        return None
    if family not in (socket.AF_INET, socket.AF_INET6):
        raise BadDiag(Said("address family %(family)s", family=family))
    return Connection(
        transport,
        _text(family, source),
        int.from_bytes(local, "big"),
        _text(family, target),
        int.from_bytes(remote, "big"),
        STATES.get(state) or f"state-{state}",
        received,
        sent,
        retransmits,
        uid,
        inode,
    )


def _text(family: int, address: bytes) -> str:
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, address[:4])
    if address[:12] == _MAPPED:
        return socket.inet_ntop(socket.AF_INET, address[12:])
    return socket.inet_ntop(socket.AF_INET6, address)


def _by_netlink(host: Host, port: int) -> Iterator[Connection]:
    for transport, protocol in _PROTOCOLS:
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                datagrams = host.sock_diag(family, protocol, EVERY_STATE, port)
            except OSError as refused:
                # IPv6 may be compiled out; IPv4 decides.
                if family == socket.AF_INET6 and refused.errno in (
                    errno.ENOENT,
                    errno.EAFNOSUPPORT,
                ):
                    continue
                raise
            for found in parse(datagrams, transport):
                if found.port == port:
                    yield found


def _by_procnet(host: Host, port: int) -> Iterator[Connection]:
    for row in procnet_source.read(host, port, every_state=True).sockets:
        if row.peer is None:
            continue
        peer, _, peer_port = row.peer.rpartition(":")
        yield Connection(
            row.transport,
            row.address.removeprefix("::ffff:") if "." in row.address else row.address,
            row.port,
            peer.removeprefix("::ffff:") if "." in peer else peer,
            int(peer_port),
            row.state,
            _UNTOLD,
            _UNTOLD,
            _UNTOLD,
            row.uid,
            row.inode,
        )
