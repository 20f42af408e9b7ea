"""Which packets the kernel hands over: a classic BPF program for the watched ports.

Pure: ports in, instructions out (linux/filter.h, Documentation/networking/filter.rst). The program
is for an AF_PACKET socket of the kind SOCK_DGRAM, where offset 0 is the first byte of the IP header
in both directions (tpacket_rcv(), net/packet/af_packet.c).
"""

import struct
from collections.abc import Collection, Iterable

from portbook.model.record import Record

MOST_INSTRUCTIONS = 4096
"""BPF_MAXINSNS of linux/bpf_common.h."""
SNAP_LENGTH = 1024
"""Bytes of each packet that are kept: headers, and enough of a client's first bytes."""

# Opcodes of linux/bpf_common.h: class, size or operation, mode or source.
LD_WORD, LD_HALF, LD_BYTE = 0x20, 0x28, 0x30
LD_HALF_AT_X, LD_BYTE_AT_X = 0x48, 0x50
LDX_CONSTANT, LDX_HEADER_LENGTH = 0x01, 0xB1
ADD, ADD_X, AND, SHIFT_LEFT, TO_X = 0x04, 0x0C, 0x54, 0x64, 0x07
JUMP, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x05, 0x15, 0x35, 0x45, 0x06

# What the kernel knows of a packet beside its bytes (SKF_AD_OFF and SKF_AD_* of linux/filter.h).
ANCILLARY = 0xFFFFF000
ETHERTYPE, PACKET_TYPE, DEVICE_TYPE, VLAN_TAG = (ANCILLARY + at for at in (0, 4, 28, 44))

ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
PACKET_OTHERHOST, PACKET_OUTGOING = 3, 4
ARPHRD_LOOPBACK = 772
TRANSPORTS = (6, 17, 132)
HOP_BY_HOP = 0
EXTENSIONS = (43, 44, 51, 60, 135, 139, 140)
"""IPv6 extension headers (IANA): passed whole, for a program without loops cannot walk them."""
ICMPV6 = 58
ICMP_ERRORS = (3, 11, 12)
ICMPV6_ERRORS = (1, 2, 3, 4)

_INSTRUCTION = struct.Struct("=HBBI")
_LEAVES = 200
"""Comparisons that share their ways out: a conditional jump reaches 255 instructions."""


class Filter(Record):
    """A program of `instructions` (code, jump if true, jump if false, constant).

    `every_port` says that it passes all ports: none were named, or too many to compare.
    """

    instructions: tuple[tuple[int, int, int, int], ...]
    every_port: bool

    @property
    def code(self) -> bytes:
        """The instructions as struct sock_filter[]."""
        return b"".join(_INSTRUCTION.pack(*each) for each in self.instructions)


NOTHING = Filter(((RETURN, 0, 0, 0),), every_port=False)
"""The program that passes nothing."""


class Assembler:
    """Instructions with named targets; jumps that reach too far become a jump to a jump."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, int, str | None, str | None]] = []
        self._labels: dict[str, int] = {}
        self._fresh = 0

    def __len__(self) -> int:
        return len(self._lines)

    def label(self, name: str) -> None:
        """The next instruction is called `name`."""
        self._labels[name] = len(self._lines)

    def fresh(self) -> str:
        """A name that nothing has yet."""
        self._fresh += 1
        return f"#{self._fresh}"

    def do(self, code: int, constant: int = 0) -> None:
        """An instruction that goes on to the next."""
        self._lines.append((code, constant, None, None))

    def jump(
        self, test: int, constant: int, then: str | None = None, otherwise: str | None = None
    ) -> None:
        """Compare A with a constant; where a target is None the next instruction follows."""
        self._lines.append((test, constant, then, otherwise))

    def go(self, to: str) -> None:
        """Jump, however far."""
        self._lines.append((JUMP, 0, to, None))

    def assemble(self) -> list[tuple[int, int, int, int]]:
        """The instructions with their jumps as distances.

        Raises:
            ValueError: a jump backwards, which classic BPF does not have.
        """
        lines, labels = self._lines, self._labels
        # Each target that is too far away costs one more instruction, which may push others out
        # of reach: widen until nothing changes.
        wide: list[list[bool]] = [[False, False] for _ in lines]
        while True:
            at, places = 0, []
            for stretched in wide:
                places.append(at)
                at += 1 + sum(stretched)
            places.append(at)
            changed = False
            for line, (code, _, *targets) in enumerate(lines):
                for side, target in enumerate(targets):
                    if target is None:
                        continue
                    distance = places[labels[target]] - places[line] - 1
                    if distance < 0:
                        raise ValueError(f"a jump backwards to {target}")
                    if code != JUMP and distance > 255 and not wide[line][side]:
                        wide[line][side] = changed = True
            if not changed:
                break
        program: list[tuple[int, int, int, int]] = []
        for line, (code, constant, then, otherwise) in enumerate(lines):
            if code == JUMP and then is not None:
                program.append((JUMP, 0, 0, places[labels[then]] - places[line] - 1))
                continue
            far: list[str] = []
            distances = []
            for name, is_wide in zip((then, otherwise), wide[line], strict=True):
                if name is None:
                    distances.append(sum(wide[line]))
                elif is_wide:
                    distances.append(len(far))
                    far.append(name)
                else:
                    distances.append(places[labels[name]] - places[line] - 1)
            program.append((code, distances[0], distances[1], constant))
            for name in far:
                program.append((JUMP, 0, 0, places[labels[name]] - len(program) - 1))
        return program


def ranges_of(ports: Iterable[int]) -> list[tuple[int, int]]:
    """Ports as inclusive ranges, ascending, none touching the next."""
    ranges: list[tuple[int, int]] = []
    for port in sorted(set(ports)):
        if ranges and ranges[-1][1] + 1 == port:
            ranges[-1] = (ranges[-1][0], port)
        else:
            ranges.append((port, port))
    return ranges


def filter_for(
    ports: Collection[int], *, snap_length: int = SNAP_LENGTH, own_tags: bool = False
) -> Filter:
    """The program that passes what concerns `ports` (empty: every port), cut to `snap_length`.

    It passes TCP, UDP and SCTP over IPv4 and IPv6 with a watched source or destination port; later
    fragments, which have no ports; IPv6 with extension headers; ICMP errors that quote a watched
    port. It drops frames to other hosts, what leaves a loopback device (it comes in again at once)
    and, unless `own_tags`, frames with a VLAN number (they come again from the VLAN's own device).
    A packet too short to have ports is dropped with the loads that do not fit.
    """
    ranges = ranges_of(ports)
    if ranges:
        made = _program(ranges, snap_length, own_tags=own_tags)
        if len(made) <= MOST_INSTRUCTIONS:
            return Filter(tuple(made), every_port=False)
    return Filter(tuple(_program([], snap_length, own_tags=own_tags)), every_port=True)


def _program(
    ranges: list[tuple[int, int]], snap_length: int, *, own_tags: bool
) -> list[tuple[int, int, int, int]]:
    to = Assembler()
    to.do(LD_WORD, PACKET_TYPE)
    to.jump(EQUAL, PACKET_OTHERHOST, "drop")
    to.jump(EQUAL, PACKET_OUTGOING, None, "once")
    to.do(LD_WORD, DEVICE_TYPE)
    to.jump(EQUAL, ARPHRD_LOOPBACK, "drop")
    to.label("once")
    if not own_tags:
        # Number 0 is a priority tag: the frame is the device's own (IEEE 802.1Q, 9.6).
        to.do(LD_WORD, VLAN_TAG)
        to.jump(ANY_BIT, 0xFFF, "drop")
    to.do(LD_WORD, ETHERTYPE)
    to.jump(EQUAL, ETH_P_IP, "ipv4")
    to.jump(EQUAL, ETH_P_IPV6, "ipv6", "drop")
    _ipv4(to)
    _ipv6(to)
    # From here on X is where the ports are.
    to.label("ports")
    if not ranges:
        to.go("pass")
    else:
        to.do(LD_HALF_AT_X, 0)
        _search(to, _boundaries(ranges), "pass", "destination")
        to.label("destination")
        to.do(LD_HALF_AT_X, 2)
        _search(to, _boundaries(ranges), "pass", "drop")
    to.label("drop")
    to.do(RETURN, 0)
    to.label("pass")
    to.do(RETURN, snap_length)
    return to.assemble()


def _ipv4(to: Assembler) -> None:
    """RFC 791; ends at `ports`, `pass` or `drop`."""
    to.label("ipv4")
    to.do(LDX_HEADER_LENGTH, 0)
    to.do(LD_BYTE, 9)
    for number in TRANSPORTS:
        to.jump(EQUAL, number, "ipv4 transport")
    to.jump(EQUAL, 1, None, "drop")
    to.do(LD_HALF, 6)
    to.jump(ANY_BIT, 0x1FFF, "drop")
    to.do(LD_BYTE_AT_X, 0)
    for number in ICMP_ERRORS[:-1]:
        to.jump(EQUAL, number, "quoted ipv4")
    to.jump(EQUAL, ICMP_ERRORS[-1], "quoted ipv4", "drop")
    to.label("ipv4 transport")
    to.do(LD_HALF, 6)
    to.jump(ANY_BIT, 0x1FFF, "pass", "ports")
    # The quoted header begins 8 bytes after the ICMP header (RFC 792).
    to.label("quoted ipv4")
    to.do(LD_HALF_AT_X, 8 + 6)
    to.jump(ANY_BIT, 0x1FFF, "pass")
    to.do(LD_BYTE_AT_X, 8 + 9)
    for number in TRANSPORTS[:-1]:
        to.jump(EQUAL, number, "quoted ports")
    to.jump(EQUAL, TRANSPORTS[-1], None, "drop")
    to.label("quoted ports")
    to.do(LD_BYTE_AT_X, 8)
    to.do(AND, 0x0F)
    to.do(SHIFT_LEFT, 2)
    to.do(ADD_X)
    to.do(ADD, 8)
    to.do(TO_X)
    to.go("ports")


def _ipv6(to: Assembler) -> None:
    """RFC 8200 and RFC 4443; ends at `ports`, `pass` or `drop`."""
    to.label("ipv6")
    to.do(LDX_CONSTANT, 40)
    to.do(LD_BYTE, 6)
    for number in TRANSPORTS:
        to.jump(EQUAL, number, "ports")
    to.jump(EQUAL, HOP_BY_HOP, "options")
    for number in EXTENSIONS:
        to.jump(EQUAL, number, "pass")
    to.jump(EQUAL, ICMPV6, None, "drop")
    to.do(LD_BYTE, 40)
    for number in ICMPV6_ERRORS[:-1]:
        to.jump(EQUAL, number, "quoted ipv6")
    to.jump(EQUAL, ICMPV6_ERRORS[-1], None, "drop")
    to.label("quoted ipv6")
    to.do(LDX_CONSTANT, 48 + 40)
    to.do(LD_BYTE, 48 + 6)
    for number in TRANSPORTS:
        to.jump(EQUAL, number, "ports")
    for number in (HOP_BY_HOP, *EXTENSIONS):
        to.jump(EQUAL, number, "pass")
    to.go("drop")
    # Multicast listener reports (RFC 3810, 5) would be most of what passes on a quiet network.
    to.label("options")
    to.do(LD_BYTE, 40)
    to.jump(EQUAL, ICMPV6, "drop", "pass")


def _boundaries(ranges: list[tuple[int, int]]) -> list[int]:
    """The numbers at which membership changes, ascending, beginning outside."""
    return [edge for first, last in ranges for edge in (first, last + 1) if edge <= 0xFFFF]


def _search(to: Assembler, edges: list[int], hit: str, miss: str) -> None:
    """Binary search of A: `hit` where an odd number of the edges is at most A, else `miss`."""

    def node(low: int, high: int, inside: str, outside: str) -> None:
        """Compare with the edges of [low, high); all before `low` are at most A."""
        if high - low > _LEAVES:
            middle = (low + high) // 2
            right = to.fresh()
            to.jump(AT_LEAST, edges[middle], right)
            part(low, middle)
            to.label(right)
            part(middle + 1, high)
            return
        middle = (low + high) // 2
        left_leaf, right_leaf = middle == low, middle + 1 == high
        right = (inside if (middle + 1) % 2 else outside) if right_leaf else to.fresh()
        left = (inside if middle % 2 else outside) if left_leaf else None
        to.jump(AT_LEAST, edges[middle], right, left)
        if not left_leaf:
            node(low, middle, inside, outside)
        if not right_leaf:
            to.label(right)
            node(middle + 1, high, inside, outside)

    def part(low: int, high: int) -> None:
        if high - low > _LEAVES:
            node(low, high, hit, miss)
            return
        inside, outside = to.fresh(), to.fresh()
        node(low, high, inside, outside)
        to.label(inside)
        to.go(hit)
        to.label(outside)
        to.go(miss)

    part(0, len(edges))
