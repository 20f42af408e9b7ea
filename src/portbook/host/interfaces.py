"""The interfaces and addresses of our network namespace, by rtnetlink(7).

The kernel's answer is read in pure functions; `own_networks` is what counts as ours when packets
are judged.
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start (measured)
import errno
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeVar

from portbook.model.record import Record

NETLINK_ROUTE = 0
NLM_F_REQUEST_DUMP = 0x301
NLM_F_DUMP_INTR = 0x10
NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_GETLINK, RTM_NEWADDR, RTM_GETADDR = 16, 18, 20, 22
IFLA_IFNAME, IFLA_MASTER, IFLA_LINKINFO, IFLA_INFO_KIND = 3, 10, 18, 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFF_UP, IFF_LOOPBACK = 0x1, 0x8
_KIND_BITS = 0x3FFF  # NLA_TYPE_MASK: the upper two bits are flags

_MESSAGE = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_WORD = struct.Struct("=I")
_PATIENCE = 2.0
_TRIES = 3

Network = IPv4Network | IPv6Network
_Row = TypeVar("_Row")


class BadAnswer(ValueError):
    """Bytes that are no rtnetlink answer."""


class Interface(Record):
    """A network device: its index and name, whether it is up, whether it is a loopback device.

    `master` is the index of the device that it is a port of (a bridge, a bond), else 0. `kind` is
    the driver's word for virtual devices (`veth`, `bridge`, `vrf`), else empty.
    """

    number: int
    name: str
    up: bool
    loopback: bool
    master: int
    kind: str


class Address(Record):
    """An address of ours on the device `interface`, with the length of its prefix."""

    interface: int
    address: IPv4Address | IPv6Address
    prefix: int


def interfaces() -> tuple[Interface, ...]:
    """Every interface of this network namespace.

    Raises:
        OSError: rtnetlink is refused, or gives no answer that can be read.
    """
    return _read(RTM_GETLINK, links)


def own_networks() -> tuple[Network, ...]:
    """What is ours: each address, and the whole network of an IPv4 address on a loopback device.

    The kernel answers to all of 127.0.0.0/8 (fib_add_ifaddr(), net/ipv4/fib_frontend.c). They are
    those of this moment: ask again to see an address that came later.

    Raises:
        OSError: rtnetlink is refused, or gives no answer that can be read.
    """
    loopback = {each.number for each in interfaces() if each.loopback}
    found: dict[Network, None] = {}
    for interface, address, prefix in _read(RTM_GETADDR, addresses):
        if isinstance(address, IPv6Address):
            found[IPv6Network(address)] = None
        else:
            length = prefix if interface in loopback else 32
            found[IPv4Network((address, length), strict=False)] = None
    return tuple(found)


def seen_twice(known: Iterable[Interface]) -> frozenset[int]:
    """Indexes of devices whose frames to and from us pass a second one, too: ports of bridges etc.

    Not ports of a VRF: their frames do not come again.
    """
    known = tuple(known)
    routing = {each.number for each in known if each.kind == "vrf"}
    return frozenset(each.number for each in known if each.master and each.master not in routing)


def links(datagrams: Iterable[bytes]) -> Iterator[Interface]:
    """The interfaces in raw netlink datagrams (struct ifinfomsg, linux/if_link.h).

    Raises:
        BadAnswer: a message or attribute that is cut.
    """
    for kind, body in _messages(datagrams):
        if kind != RTM_NEWLINK:
            continue
        if len(body) < _LINK.size:
            raise BadAnswer(f"a link of {len(body)} bytes")
        _, _, number, flags, _ = _LINK.unpack_from(body)
        name = kind_of = ""
        master = 0
        for attribute, value in _attributes(body[_LINK.size :]):
            if attribute == IFLA_IFNAME:
                name = _text(value)
            elif attribute == IFLA_MASTER and len(value) >= 4:
                master = _WORD.unpack_from(value)[0]
            elif attribute == IFLA_LINKINFO:
                for inner, word in _attributes(value):
                    if inner == IFLA_INFO_KIND:
                        kind_of = _text(word)
        yield Interface(
            number, name, bool(flags & IFF_UP), bool(flags & IFF_LOOPBACK), master, kind_of
        )


def addresses(datagrams: Iterable[bytes]) -> Iterator[Address]:
    """The addresses in raw netlink datagrams (struct ifaddrmsg, linux/if_addr.h).

    Raises:
        BadAnswer: a message or attribute that is cut, or an address that is none.
    """
    for kind, body in _messages(datagrams):
        if kind != RTM_NEWADDR:
            continue
        if len(body) < _ADDRESS.size:
            raise BadAnswer(f"an address of {len(body)} bytes")
        family, prefix, _, _, interface = _ADDRESS.unpack_from(body)
        size = {socket.AF_INET: 4, socket.AF_INET6: 16}.get(family)
        if size is None:
            continue
        values = dict(_attributes(body[_ADDRESS.size :]))
        # On a link between two points IFA_ADDRESS is the other end's.
        value = values.get(IFA_LOCAL, values.get(IFA_ADDRESS, b""))
        if len(value) != size or prefix > 8 * size:
            raise BadAnswer(f"an address of {len(value)} bytes, prefix {prefix}")
        yield Address(interface, IPv4Address(value) if size == 4 else IPv6Address(value), prefix)


def _text(value: bytes) -> str:
    return value.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _messages(datagrams: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for data in datagrams:
        offset = 0
        while offset + _MESSAGE.size <= len(data):
            length, kind, _, _, _ = _MESSAGE.unpack_from(data, offset)
            if length < _MESSAGE.size or offset + length > len(data):
                raise BadAnswer(f"a message of {length} bytes where {len(data) - offset} are left")
            if kind == NLMSG_DONE:
                return
            yield kind, data[offset + _MESSAGE.size : offset + length]
            offset += (length + 3) & ~3


def _attributes(block: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _ATTRIBUTE.size <= len(block):
        length, kind = _ATTRIBUTE.unpack_from(block, offset)
        if length < _ATTRIBUTE.size or offset + length > len(block):
            raise BadAnswer(f"an attribute of {length} bytes where {len(block) - offset} are left")
        yield kind & _KIND_BITS, block[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def _read(kind: int, reader: Callable[[Iterable[bytes]], Iterator[_Row]]) -> tuple[_Row, ...]:
    try:
        return tuple(reader(_dump(kind)))
    except BadAnswer as bad:
        raise OSError(errno.EBADMSG, f"rtnetlink: {bad}") from bad


def _dump(kind: int) -> list[bytes]:
    """The kernel's answer; one that was interrupted by a change is asked for again."""
    datagrams: list[bytes] = []
    for _ in range(_TRIES):
        datagrams, interrupted = _ask(kind)
        if not interrupted:
            break
    return datagrams


def _ask(kind: int) -> tuple[list[bytes], bool]:
    with closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)) as link:
        link.settimeout(_PATIENCE)
        # An ifinfomsg of zeros is also an ifaddrmsg of zeros: every family.
        link.sendto(_MESSAGE.pack(32, kind, NLM_F_REQUEST_DUMP, 1, 0) + bytes(16), (0, 0))
        datagrams: list[bytes] = []
        interrupted = False
        while True:
            try:
                data = link.recv(1 << 16)
            except TimeoutError:
                raise OSError(errno.ETIMEDOUT, "rtnetlink does not answer") from None
            datagrams.append(data)
            offset = 0
            while offset + _MESSAGE.size <= len(data):
                length, answer, flags, _, _ = _MESSAGE.unpack_from(data, offset)
                interrupted = interrupted or bool(flags & NLM_F_DUMP_INTR)
                if answer == NLMSG_DONE:
                    return datagrams, interrupted
                if answer == NLMSG_ERROR and offset + 20 <= len(data):
                    code = -struct.unpack_from("=i", data, offset + 16)[0]
                    raise OSError(code, f"rtnetlink: {errno.errorcode.get(code, code)}")
                if length < _MESSAGE.size:
                    raise OSError(errno.EBADMSG, "rtnetlink: a message without length")
                offset += (length + 3) & ~3
