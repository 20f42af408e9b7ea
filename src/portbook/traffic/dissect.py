"""One captured frame read exactly, or the reason why it is passed over.

The slow and complete reading: `columns.packets_of` reads what is frequent for a whole batch at
once, leaves the rest to this, and must agree with it. Whatever the bytes are, nothing is raised.
Formats: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 6946 (atomic fragments), RFC 2675 (jumbograms),
RFC 4302 (AH), RFC 9293 (TCP), RFC 768 (UDP), RFC 9260 (SCTP), RFC 792 and RFC 4443 (ICMP).

Two reasons are told apart by who is at fault: `cut` is a packet whose headers say that there was
more than the capture kept, `malformed` one whose headers contradict each other.
"""

from struct import Struct

from portbook.model.record import Record
from portbook.traffic import links, tcp_options
from portbook.traffic.packets import ACK, ICMP_ERROR, PLAIN, SCTP, SYN, TCP, UDP

ICMP, ICMPV6 = 1, 58
FRAGMENT, AUTHENTICATION = 44, 51

CHAINED = frozenset({0, 43, 60, 135, 139, 140})
"""IPv6 extension headers whose second byte is their length in 8 bytes, less one: hop-by-hop,
routing, destination options, mobility, host identity, shim6 (IANA's list; RFC 6564)."""

CHAIN_LONGEST = 16
"""More headers than that in a row are malformed: RFC 8200, 4.1 has each at most once or twice."""

ERRORS = {4: frozenset({3, 11, 12}), 6: frozenset({1, 3, 4})}
"""ICMP types that are errors about a packet, by IP version: destination unreachable, time exceeded,
parameter problem. Packet too big is none, nor its IPv4 form (3, code 4): the flow goes on."""

TOO_BIG = (3, 4)
"""IPv4's way to say packet too big: fragmentation needed and DF set (RFC 1191)."""

LONGEST = 0xFFFFFFFF
"""The largest length that capture files can state."""

MAPPED = 0xFFFF << 32
"""::ffff:0:0/96, the lower half: where IPv4 addresses are kept."""

_IPV4 = Struct(">BxHHHBBxxII")
_IPV6 = Struct(">IHBBQQQQ")
_TCP = Struct(">HHIIBBH")
_UDP = Struct(">HHH")


class Row(Record):
    """One packet: the fields of `packets.COLUMNS`, with `payload_at` counted from the frame."""

    at: int
    version: int
    kind: int
    protocol: int
    source_high: int
    source_low: int
    destination_high: int
    destination_low: int
    source_port: int
    destination_port: int
    flags: int
    sequence: int
    acknowledgement: int
    window: int
    ip_id: int
    ttl: int
    dont_fragment: bool
    options: int
    mss: int
    payload: int
    payload_at: int
    payload_kept: int
    quoted_high: int
    quoted_low: int


class Header(Record):
    """An IP header with its extensions: what lies behind it, where it is and where IP ends it.

    `place` and `end` are offsets in the frame; `end` may lie past what was captured.
    """

    version: int
    protocol: int
    source: tuple[int, int]
    destination: tuple[int, int]
    ip_id: int
    ttl: int
    dont_fragment: bool
    place: int
    end: int


def dissect(link: int, frame: bytes, length: int, at: int) -> Row | str:
    """Return the packet in `frame`, or why it is passed over.

    Args:
        link: LINKTYPE_ value.
        frame: what was captured of it.
        length: bytes on the wire (at least those captured, whatever an odd file says).
        at: nanoseconds since 1970.

    Returns:
        A row, or `link` (a link type that is not read), `not-ip`, `fragment` (any, also the first),
        `other-protocol`, `other-icmp`, `misquoted` (an ICMP error about somebody else's packet),
        `cut` (the transport's header, or a SYN's options, were not captured whole), `malformed`.
    """
    length = min(max(length, len(frame)), LONGEST)
    place = links.network(link, frame, length)
    if isinstance(place, str):
        return place
    header = _ip(frame, *place, length)
    if isinstance(header, str):
        return header
    if header.protocol == TCP:
        return _tcp(frame, header, at)
    if header.protocol == UDP:
        return _udp(frame, header, at)
    if header.protocol == SCTP:
        return _sctp(frame, header, at)
    if header.protocol == (ICMP if header.version == 4 else ICMPV6):
        return _icmp(frame, header, at)
    return "other-protocol"


def _ip(
    frame: bytes, place: int, version: int, length: int, *, quoted: bool = False
) -> Header | str:
    """Return the IP header at `place`, where the link, or an ICMP error, says there is one.

    `length` is where the wire's frame ends: for a quoted packet, where the quotation ends, since
    its own length counts bytes that were not quoted.
    """
    size = 20 if version == 4 else 40
    if len(frame) < place + size:
        return links.missing(frame, length)
    if frame[place] >> 4 != version:
        return "malformed"
    if version == 6:
        return _ip6(frame, place, length, quoted=quoted)
    first, total, ip_id, fragment, ttl, protocol, source, destination = _IPV4.unpack_from(
        frame, place
    )
    size = (first & 15) * 4
    # A length of 0 is a packet that the sender's network card was still to cut into segments.
    end = length if quoted or not total else place + total
    if size < 20 or end < place + size:
        return "malformed"
    if fragment & 0x3FFF:
        return "fragment"
    return Header(
        4,
        protocol,
        (0, MAPPED | source),
        (0, MAPPED | destination),
        ip_id,
        ttl,
        bool(fragment & 0x4000),
        place + size,
        end,
    )


def _ip6(frame: bytes, place: int, length: int, *, quoted: bool) -> Header | str:
    """Return the IPv6 header at `place`, behind its extension headers."""
    _, total, protocol, ttl, *addresses = _IPV6.unpack_from(frame, place)
    place += 40
    # 0 is a jumbogram, or again a packet that was still to be cut into segments.
    end = length if quoted or not total else place + total
    for _ in range(CHAIN_LONGEST):
        if protocol in CHAINED or protocol in {FRAGMENT, AUTHENTICATION}:
            if end < place + 8:
                return "malformed"
            if len(frame) < place + 8:
                return "cut"
            if protocol == FRAGMENT:
                if (frame[place + 2] << 8 | frame[place + 3]) & 0xFFF9:
                    return "fragment"
                size = 8
            elif protocol == AUTHENTICATION:
                size = frame[place + 1] * 4 + 8
            else:
                size = frame[place + 1] * 8 + 8
            protocol = frame[place]
            place += size
            if end < place:
                return "malformed"
            continue
        source, destination = (addresses[0], addresses[1]), (addresses[2], addresses[3])
        return Header(6, protocol, source, destination, 0, ttl, False, place, end)
    return "malformed"


def _short(frame: bytes, header: Header, size: int) -> str | None:
    """Return why `size` bytes of the transport are not there; None where they are."""
    if header.end < header.place + size:
        return "malformed"
    return "cut" if len(frame) < header.place + size else None


def _tcp(frame: bytes, header: Header, at: int) -> Row | str:
    """Return the TCP segment behind `header`."""
    if short := _short(frame, header, 20):
        return short
    source, destination, sequence, acknowledgement, offset, flags, window = _TCP.unpack_from(
        frame, header.place
    )
    size = (offset >> 4) * 4
    if size < 20 or header.end < header.place + size:
        return "malformed"
    options, mss = 0, 0
    if flags & (SYN | ACK) == SYN:
        if len(frame) < header.place + size:
            return "cut"
        options, mss = tcp_options.read(frame[header.place + 20 : header.place + size])
    payload = header.end - header.place - size
    return _row(
        frame,
        header,
        at,
        (source, destination, flags, sequence, acknowledgement, window),
        (options, mss),
        (payload, header.place + size),
    )


def _udp(frame: bytes, header: Header, at: int) -> Row | str:
    """Return the UDP datagram behind `header`."""
    if short := _short(frame, header, 8):
        return short
    source, destination, size = _UDP.unpack_from(frame, header.place)
    room = header.end - header.place
    size = size or room  # 0: a jumbogram (RFC 2675, 4)
    if not 8 <= size <= room:
        return "malformed"
    words = (source, destination, 0, 0, 0, 0)
    return _row(frame, header, at, words, (0, 0), (size - 8, header.place + 8))


def _sctp(frame: bytes, header: Header, at: int) -> Row | str:
    """Return the SCTP packet behind `header`: its common header and the kind of its first chunk."""
    if short := _short(frame, header, 16):
        return short
    place = header.place
    source, destination, _ = _UDP.unpack_from(frame, place)
    flags = {1: 1, 2: 2, 6: 4}.get(frame[place + 12], 8)
    words = (source, destination, flags, 0, 0, 0)
    return _row(frame, header, at, words, (0, 0), (header.end - place - 12, place + 12))


def _row(
    frame: bytes,
    header: Header,
    at: int,
    words: tuple[int, int, int, int, int, int],
    options: tuple[int, int],
    payload: tuple[int, int],
) -> Row:
    """Return the row of a packet itself.

    `words` are ports, flags, sequence, acknowledgement and window, `options` their shape and the
    maximum segment size, `payload` its length and where it is.
    """
    size, place = payload
    return Row(
        at,
        header.version,
        PLAIN,
        header.protocol,
        *header.source,
        *header.destination,
        *words,
        header.ip_id,
        header.ttl,
        header.dont_fragment,
        *options,
        size,
        place,
        max(0, min(size, len(frame) - place)),
        0,
        0,
    )


def _icmp(frame: bytes, header: Header, at: int) -> Row | str:
    """Return the ICMP error behind `header`, as an answer to the packet that it quotes."""
    if short := _short(frame, header, 8):
        return short
    kind, code = frame[header.place], frame[header.place + 1]
    version = header.version
    if kind not in ERRORS[version] or (version == 4 and (kind, code) == TOO_BIG):
        return "other-icmp"
    # What is quoted ends where the error ends: nothing behind it (padding) is of the quotation.
    quoted = _ip(frame[: header.end], header.place + 8, version, header.end, quoted=True)
    if isinstance(quoted, str):
        return quoted
    if quoted.source != header.destination:
        return "misquoted"
    if quoted.protocol not in {TCP, UDP, SCTP}:
        return "other-icmp"
    if short := _short(frame, quoted, 8):
        return short
    source, destination, high, low = Struct(">HHHH").unpack_from(frame, quoted.place)
    return Row(
        at,
        version,
        ICMP_ERROR,
        quoted.protocol,
        *header.source,
        *header.destination,
        destination,
        source,
        code,
        high << 16 | low if quoted.protocol == TCP else 0,
        0,
        0,
        header.ip_id,
        header.ttl,
        header.dont_fragment,
        kind,
        0,
        0,
        0,
        0,
        *quoted.destination,
    )
