"""A socket as the kernel reports it. Identity is (netns, transport, address, port, inode)."""

from portbook.model.port import Transport
from portbook.model.record import Record
from portbook.model.unknown import Unknown


class Socket(Record):
    """One bound socket; two rows are never merged because their port is equal.

    `address` is the local address in its text form, `0.0.0.0` or `::` for every address.
    `state`: `listen`, `bound` (bound, not listening), `unconnected` (UDP without a peer),
    `published` (no socket: a container engine has the kernel forward the port); where
    every holder of a port is asked for also the kernel's other states in lower case with hyphens
    (`established`, `time-wait`, ...), then with the `peer` as "address:port".
    `dual_stack`: an IPv6 wildcard socket that takes IPv4 as well (no IPV6_V6ONLY).
    `netns` and `inode` are inode numbers; `backlog` the listen() limit and `queued` the
    connections waiting for accept(); for UDP `queued` is bytes waiting. `cgroup` is the cgroup v2
    directory's inode number (INET_DIAG_CGROUP_ID, linux/inet_diag.h). `interface` is the device a
    socket is bound to. Facts that the asked source cannot tell are `Unknown`.
    """

    transport: Transport
    address: str
    port: int
    family: str
    dual_stack: bool | Unknown
    state: str
    netns: int | Unknown
    inode: int | Unknown
    uid: int | Unknown
    backlog: int | None | Unknown
    queued: int | None | Unknown
    interface: str | None
    cgroup: int | Unknown
    peer: str | None = None
