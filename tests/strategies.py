"""What property tests draw from: addresses, sockets, and socket dumps as the kernel writes them."""

import ipaddress
import struct

from hypothesis import strategies as st

from portbook.model import LAST_PORT, Socket, Transport

PORTS = st.integers(1, LAST_PORT)
IPV4 = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number)))
IPV6 = st.integers(0, 2**128 - 1).map(lambda number: str(ipaddress.IPv6Address(number)))
WILDCARDS = ("0.0.0.0", "::")
STATES = ("listen", "bound", "unconnected", "established", "time-wait", "close-wait")


@st.composite
def sockets(draw: st.DrawFn) -> Socket:
    """A socket row of any state."""
    state = draw(st.sampled_from(STATES))
    address = draw(st.one_of(st.sampled_from(WILDCARDS), IPV4, IPV6))
    waits = state == "time-wait"
    return Socket(
        transport=Transport.TCP,
        address=address,
        port=draw(PORTS),
        family="ipv6" if ":" in address else "ipv4",
        dual_stack=address == "::" and draw(st.booleans()),
        state=state,
        netns=4026531840,
        inode=0 if waits else draw(st.integers(1, 2**32 - 1)),
        uid=draw(st.integers(0, 65534)),
        backlog=None,
        queued=None,
        interface=None,
        cgroup=1,
        peer="192.0.2.1:443" if state in ("established", "time-wait", "close-wait") else None,
    )


def message(
    *,
    family: int = 2,
    state: int = 10,
    port: int = 8080,
    peer_port: int = 0,
    source: bytes = b"\x7f\0\0\1",
    received: int = 0,
    sent: int = 0,
    uid: int = 0,
    inode: int = 1,
    interface: int = 0,
    attributes: bytes = b"",
) -> bytes:
    """One inet_diag_msg with its netlink header, as linux/inet_diag.h lays it out."""
    body = struct.pack("=BBBB", family, state, 0, 0)
    body += struct.pack(">HH", port, peer_port) + source.ljust(16, b"\0") + bytes(16)
    body += struct.pack("=III", interface, 0, 0)
    body += struct.pack("=IIIII", 0, received, sent, uid, inode) + attributes
    header = struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0)
    return (header + body).ljust((16 + len(body) + 3) & ~3, b"\0")


def attribute(kind: int, value: bytes) -> bytes:
    """One netlink attribute, padded."""
    data = struct.pack("=HH", 4 + len(value), kind) + value
    return data.ljust((len(data) + 3) & ~3, b"\0")


def done() -> bytes:
    """The message that ends a dump."""
    return struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
