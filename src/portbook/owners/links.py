"""Network interfaces that receive on a port of their own, asked from the kernel over netlink.

vxlan, geneve and bareudp tell their port in the list of interfaces (rtnetlink(7), no privilege
needed); wireguard tells it over generic netlink, and only with CAP_NET_ADMIN. What is read here is
bounded in bytes and time.
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start
import struct
from collections.abc import Iterator
from contextlib import closing

from portbook.host import clock
from portbook.model.record import Record

NETLINK_ROUTE = 0
NETLINK_GENERIC = 16
NLM_F_REQUEST = 1
NLM_F_DUMP = 0x300
NLMSG_ERROR = 2
NLMSG_DONE = 3
RTM_NEWLINK = 16
RTM_GETLINK = 18
IFLA_IFNAME = 3
IFLA_LINKINFO = 18
IFLA_INFO_KIND = 1
IFLA_INFO_DATA = 2
GENL_ID_CTRL = 16
CTRL_CMD_GETFAMILY = 3
CTRL_ATTR_FAMILY_ID = 1
CTRL_ATTR_FAMILY_NAME = 2
WG_CMD_GET_DEVICE = 0
WGDEVICE_A_IFNAME = 2
WGDEVICE_A_LISTEN_PORT = 6

PORT_OF_KIND = {"vxlan": 15, "geneve": 5, "bareudp": 1}
"""The attribute of each kind that is its port, in network order (linux/if_link.h)."""

MOST_BYTES = 1 << 22
_PATIENCE = 0.5
_HEADER = struct.Struct("=IHHII")


class Link(Record):
    """An interface that may receive on a port; `port` is None where the list does not tell it."""

    name: str
    kind: str
    port: int | None


def links() -> list[Link]:
    """The interfaces of our network namespace that are of a kind with a port.

    Raises:
        OSError: netlink is refused, or does not answer.
    """
    question = struct.pack("=IHHII16x", 32, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    return read_links(_ask(NETLINK_ROUTE, question))


def wireguard_port(name: str) -> int | None:
    """The port of a wireguard interface, or None where it tells none.

    The answer carries keys as well: nothing but the port is taken out of it.

    Raises:
        OSError: no CAP_NET_ADMIN, no such interface, or no wireguard in this kernel.
    """
    family = family_in(_ask(NETLINK_GENERIC, _family_question("wireguard")))
    if family is None:
        return None
    question = _generic(
        family,
        NLM_F_REQUEST | NLM_F_DUMP,
        WG_CMD_GET_DEVICE,
        _attribute(WGDEVICE_A_IFNAME, name.encode() + b"\0"),
    )
    return listen_port_in(_ask(NETLINK_GENERIC, question))


def _family_question(name: str) -> bytes:
    """The question for the number under which a part of the kernel answers."""
    attribute = _attribute(CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0")
    return _generic(GENL_ID_CTRL, NLM_F_REQUEST, CTRL_CMD_GETFAMILY, attribute)


def _generic(family: int, flags: int, command: int, attributes: bytes) -> bytes:
    length = _HEADER.size + 4 + len(attributes)
    return (
        _HEADER.pack(length, family, flags, 1, 0) + struct.pack("=BBH", command, 1, 0) + attributes
    )


def _attribute(kind: int, value: bytes) -> bytes:
    padding = b"\0" * (-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + value + padding


def read_links(data: bytes) -> list[Link]:
    """The interfaces of a kind with a port in the answer to a dump of all."""
    found = []
    for kind, payload in messages(data):
        if kind != RTM_NEWLINK:
            continue
        attributes = dict(attributes_in(payload[16:]))
        info = dict(attributes_in(attributes.get(IFLA_LINKINFO, b"")))
        sort = _text(info.get(IFLA_INFO_KIND, b""))
        if sort == "wireguard":
            found.append(Link(_text(attributes.get(IFLA_IFNAME, b"")), sort, None))
        elif sort in PORT_OF_KIND:
            own = dict(attributes_in(info.get(IFLA_INFO_DATA, b"")))
            value = own.get(PORT_OF_KIND[sort], b"")
            port = int.from_bytes(value[:2], "big") if len(value) >= 2 else None
            found.append(Link(_text(attributes.get(IFLA_IFNAME, b"")), sort, port))
    return found


def family_in(data: bytes) -> int | None:
    """The number of a generic netlink family in the answer to the question for it."""
    for kind, payload in messages(data):
        value = dict(attributes_in(payload[4:])).get(CTRL_ATTR_FAMILY_ID, b"")
        if kind == GENL_ID_CTRL and len(value) >= 2:
            return int(struct.unpack("=H", value[:2])[0])
    return None


def listen_port_in(data: bytes) -> int | None:
    """The listening port in a wireguard interface's answer (linux/wireguard.h)."""
    for kind, payload in messages(data):
        value = dict(attributes_in(payload[4:])).get(WGDEVICE_A_LISTEN_PORT, b"")
        if kind > NLMSG_DONE and len(value) >= 2:
            return int(struct.unpack("=H", value[:2])[0]) or None
    return None


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, payload) of each whole netlink message; it ends at the first that makes no sense."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        yield kind, data[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def attributes_in(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, value) of each whole attribute, the flag bits of the type taken off."""
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4 or at + length > len(data):
            return
        yield kind & 0x3FFF, data[at + 4 : at + length]
        at += (length + 3) & ~3


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")


def _ask(protocol: int, question: bytes) -> bytes:
    """The whole answer: up to the end of a dump, or to an error or acknowledgement."""
    until = clock.monotonic() + _PATIENCE
    dump = struct.unpack_from("=H", question, 6)[0] & NLM_F_DUMP
    answer = b""
    with closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)) as link:
        link.sendto(question, (0, 0))
        while len(answer) < MOST_BYTES:
            left = until - clock.monotonic()
            if left <= 0:
                raise TimeoutError("netlink does not answer")
            link.settimeout(left)
            data = link.recv(1 << 16)
            answer += data
            for kind, payload in messages(data):
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    code = struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
                    if code < 0:
                        raise OSError(-code, "netlink refuses")
                    return answer
            if not dump or not data:
                break
    return answer
