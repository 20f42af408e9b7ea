import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.traffic.dissect import CHAIN_LONGEST, Row, dissect
from portbook.traffic.packets import COLUMNS, ICMP_ERROR, LINKS, SCTP, TCP, UDP
from traffic import frames_made as made

MAPPED = 0xFFFF << 32
OURS, THEIRS = MAPPED | 0xC0000207, MAPPED | 0xC6336409
OURS6 = (0x20010DB8 << 32, 7)
THEIRS6 = (0x20010DB8FFFF0000, 9)


def raw(packet: bytes, length: int = 0) -> Row | str:
    """Return what is read of a packet without a link header."""
    return dissect(made.RAW, packet, max(length, len(packet)), 5)


def row(packet: bytes, length: int = 0) -> Row:
    """Return the same where it must be a row."""
    read = raw(packet, length)
    assert isinstance(read, Row), read
    return read


def test_row_has_the_fields_of_the_columns_in_their_order() -> None:
    """One row can be written into the columns as it stands."""
    assert Row._fields == tuple(COLUMNS)


def test_a_syn_is_read_field_by_field() -> None:
    """Every field of an IPv4 SYN is where the formats say."""
    read = row(made.ipv4(made.tcp(options=bytes.fromhex("020405b4"), payload=b"hello")))
    assert read == Row(
        *(5, 4, 0, TCP, 0, THEIRS, 0, OURS, 40000, 3255, 2, 0xDEADBEEF, 0, 64240),
        *(0x1234, 57, True, 1, 1460, 5, 44, 5, 0, 0),
    )


def test_ipv6_has_whole_addresses_and_no_id() -> None:
    """IPv6 keeps both halves; IP ID and DF do not exist there."""
    read = row(made.ipv6(made.tcp(0x12, acknowledgement=9, payload=b"ab")))
    assert (read.version, read.ttl, read.ip_id, read.dont_fragment) == (6, 57, 0, False)
    assert (read.source_high, read.source_low) == THEIRS6
    assert (read.destination_high, read.destination_low) == OURS6
    assert (read.flags, read.acknowledgement, read.payload, read.payload_at) == (0x12, 9, 2, 60)


def test_ip_options_move_the_transport() -> None:
    """The header length of IPv4 counts, up to 60 bytes."""
    read = row(made.ipv4(made.udp(b"xyz"), UDP, options=b"\x01" * 40))
    assert (read.protocol, read.destination_port, read.payload, read.payload_at) == (UDP, 53, 3, 68)


def test_padding_is_not_payload() -> None:
    """Ethernet fills short frames up to 60 bytes; IP's length says where the packet ends."""
    frame = made.ethernet(made.ipv4(made.tcp(0x10))) + bytes(6)
    read = dissect(made.ETHERNET, frame, 60, 0)
    assert isinstance(read, Row)
    assert (read.payload, read.payload_kept) == (0, 0)


def test_length_zero_means_the_whole_frame() -> None:
    """A packet that the network card was still to cut has total length 0, a jumbogram payload 0."""
    read = row(made.ipv4(made.tcp(0x18, payload=b"x" * 50), total=0), 90_000)
    assert (read.payload, read.payload_kept) == (90_000 - 40, 50)
    assert row(made.ipv4(made.tcp(0x18), total=0), 2**40).payload == 2**32 - 1 - 40
    jumbo = made.extension(6) + made.tcp(0x18, payload=b"x" * 50)
    read = row(made.ipv6(jumbo, 0, total=0), 90_000)
    assert (read.payload, read.payload_kept, read.payload_at) == (90_000 - 68, 50, 68)


def test_a_cut_payload_keeps_its_length() -> None:
    """IP's length tells the payload; what was captured of it is told apart."""
    packet = made.ipv4(made.tcp(0x18, payload=b"x" * 1000))
    read = row(packet[:96], len(packet))
    assert (read.payload, read.payload_kept) == (1000, 56)
    read = row(packet[:40], 40)  # an odd file whose lengths are those captured
    assert (read.payload, read.payload_kept) == (1000, 0)


def test_options_of_others_than_syns_may_be_cut() -> None:
    """Only a SYN's options are judged: what they belong to is read without them."""
    timestamps = b"\x01\x01\x08\x0a" + bytes(8)
    for flags in (0x10, 0x12):
        packet = made.ipv4(made.tcp(flags, options=timestamps, payload=b"abc"))
        read = row(packet[:41], len(packet))
        assert (read.options, read.mss, read.payload, read.payload_kept) == (0, 0, 3, 0)
    packet = made.ipv4(made.tcp(0x02, options=timestamps))
    assert raw(packet[:41], len(packet)) == "cut"


def test_udp_has_a_length_of_its_own() -> None:
    """Bytes between UDP's end and IP's are no payload; a length that cannot be is malformed."""
    assert row(made.ipv4(made.udp(b"abcdef", size=10), UDP)).payload == 2
    assert row(made.ipv4(made.udp(b"abcdef", size=0), UDP)).payload == 6
    assert raw(made.ipv4(made.udp(b"abcdef", size=7), UDP)) == "malformed"
    assert raw(made.ipv4(made.udp(b"abcdef", size=15), UDP)) == "malformed"


@pytest.mark.parametrize(("chunk", "flags"), [(1, 1), (2, 2), (6, 4), (0, 8), (10, 8), (255, 8)])
def test_sctp_tells_its_first_chunk(chunk: int, flags: int) -> None:
    """INIT, INIT ACK and ABORT have a flag each, the rest share one."""
    read = row(made.ipv4(made.sctp(chunk), SCTP))
    assert (read.flags, read.source_port, read.destination_port) == (flags, 40000, 36412)
    assert (read.sequence, read.window, read.payload, read.payload_at) == (0, 0, 20, 32)


@pytest.mark.parametrize("flags", [0x2000, 0x0001, 0x3FFF, 0x6000])
def test_fragments_are_counted_not_guessed(flags: int) -> None:
    """A first fragment with its whole TCP header is passed over like the others."""
    assert raw(made.ipv4(made.tcp(), flags=flags)) == "fragment"


def test_ipv6_fragments_but_atomic_ones() -> None:
    """A fragment header with offset 0 and nothing to follow is a whole packet (RFC 6946)."""
    assert row(made.ipv6(made.fragment(6) + made.tcp(), 44)).destination_port == 3255
    assert raw(made.ipv6(made.fragment(6, more=1) + made.tcp(), 44)) == "fragment"
    assert raw(made.ipv6(made.fragment(6, offset=1) + made.tcp(), 44)) == "fragment"


def test_extension_headers_are_walked() -> None:
    """Hop-by-hop, routing, destination options, AH, mobility: each is as long as it says."""
    inside = made.tcp(0x10, payload=b"z")
    following = 6
    for kind in (60, 51, 43, 135, 140, 139, 0):
        header = made.authentication(following) if kind == 51 else made.extension(following, 2)
        inside, following = header + inside, kind
    read = row(made.ipv6(inside, following))
    assert (read.protocol, read.payload, read.payload_at) == (TCP, 1, 40 + 24 + 6 * 24 + 20)


def test_a_chain_of_headers_has_an_end() -> None:
    """As many headers as nobody sends are not walked for ever."""
    for headers, expected in ((CHAIN_LONGEST - 1, True), (CHAIN_LONGEST, False)):
        inside = made.extension(60) * (headers - 1) + made.extension(6) + made.tcp()
        read = raw(made.ipv6(inside, 60))
        assert isinstance(read, Row) == expected
        assert expected or read == "malformed"


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"\x46" + made.ipv4(made.tcp(payload=b""))[1:], "malformed"),  # 24 bytes of header
        (b"\x44" + made.ipv4(made.tcp())[1:], "malformed"),
        (made.ipv4(made.tcp(), total=19), "malformed"),
        (made.ipv4(made.tcp(), total=39), "malformed"),
        (made.ipv4(made.tcp(words=4)), "malformed"),
        (made.ipv4(made.tcp(words=15)), "malformed"),
        (made.ipv6(made.extension(6, 200), 0), "malformed"),
        (made.ipv6(b"\x06", 0), "malformed"),
        (made.ipv6(made.tcp(), total=19), "malformed"),
        (made.ipv4(made.sctp()[:12], SCTP), "malformed"),
        (made.ipv4(b"", 47), "other-protocol"),
        (made.ipv6(b"", 59), "other-protocol"),
        (made.ipv6(bytes(8), 1), "other-protocol"),
        (made.ipv4(bytes(8), 58), "other-protocol"),
        (made.ipv4(made.icmp(8, 0, b"ping"), 1), "other-icmp"),
        (made.ipv4(made.icmp(3, 4, made.ipv4(made.tcp())), 1), "other-icmp"),
        (made.ipv6(made.icmp(2, 0, made.ipv6(made.tcp())), 58), "other-icmp"),
        (made.ipv6(made.icmp(135, 0, bytes(20)), 58), "other-icmp"),
        (made.ipv4(b"\x03\x01", 1), "malformed"),
        (b"\x05" * 40, "not-ip"),
        (b"", "malformed"),
    ],
)
def test_whole_packets_that_are_passed_over(packet: bytes, reason: str) -> None:
    """Each has the reason that tells it from a packet that the capture cut."""
    assert raw(packet) == reason


@pytest.mark.parametrize(
    "packet",
    [
        made.ipv4(made.tcp()),
        made.ipv4(made.udp(), UDP),
        made.ipv4(made.sctp()[:16], SCTP),
        made.ipv6(made.tcp()),
        made.ipv6(made.extension(51) + made.authentication(6) + made.tcp(), 0),
        made.ipv4(made.icmp(3, 3, made.ipv4(made.tcp(), source=made.OURS)[:28]), 1),
        made.ipv6(made.icmp(1, 4, made.ipv6(made.tcp(), source=made.OURS6)[:48]), 58),
    ],
)
def test_a_header_cut_anywhere_is_cut(packet: bytes) -> None:
    """However little the capture kept of the headers, the reason is that it was cut."""
    for kept in range(len(packet)):
        assert raw(packet[:kept], len(packet)) == "cut"


def quoting(quoted: bytes, kind: int = 3, code: int = 3) -> bytes:
    """Return an IPv4 error from another host about `quoted`."""
    return made.ipv4(made.icmp(kind, code, quoted), 1, source="203.0.113.1")


def test_an_error_reads_as_an_answer() -> None:
    """Ports, protocol and sequence are the quoted packet's, turned round; who sent it is kept."""
    sent = made.ipv4(
        made.tcp(source=3255, destination=443), source=made.OURS, destination="203.0.113.4"
    )
    read = row(quoting(sent[:28], 11, 0))
    assert (read.kind, read.protocol, read.flags, read.options) == (ICMP_ERROR, TCP, 0, 11)
    assert (read.source_port, read.destination_port, read.sequence) == (443, 3255, 0xDEADBEEF)
    assert (read.source_low, read.destination_low) == (MAPPED | 0xCB007101, OURS)
    assert (read.quoted_high, read.quoted_low) == (0, MAPPED | 0xCB007104)
    assert (read.payload, read.payload_at, read.payload_kept, read.window) == (0, 0, 0, 0)


def test_an_ipv6_error_quotes_behind_extension_headers() -> None:
    """The quoted packet's own headers are walked."""
    inside = made.extension(17) + made.udp(source=53, destination=999)
    sent = made.ipv6(inside, 60, source=made.OURS6, destination="2001:db8:1::5")
    read = row(made.ipv6(made.icmp(1, 4, sent), 58))
    assert (read.kind, read.protocol, read.flags, read.options) == (ICMP_ERROR, UDP, 4, 1)
    assert (read.source_port, read.destination_port, read.sequence) == (999, 53, 0)
    assert (read.quoted_high, read.quoted_low) == (0x20010DB800010000, 5)


def test_errors_about_others_and_other_quotations() -> None:
    """What was not sent from our address, or is no transport's packet, is no answer to us."""
    ours = made.ipv4(made.tcp(), source=made.OURS)
    ping = made.ipv4(made.icmp(8, 0, b""), 1, source=made.OURS)
    assert raw(quoting(made.ipv4(made.tcp(), source="203.0.113.99"))) == "misquoted"
    assert raw(quoting(ping)) == "other-icmp"
    assert raw(quoting(quoting(ours)[:28])) == "misquoted"
    assert raw(quoting(made.ipv4(made.tcp(), source=made.OURS, flags=0x2000))) == "fragment"
    assert raw(quoting(ours[:27])) == "malformed"
    assert raw(quoting(ours[:19])) == "malformed"


def test_padding_is_not_quoted() -> None:
    """An error that ends early does not go on with the bytes behind it."""
    sent = made.ipv4(made.tcp(), source=made.OURS)
    assert raw(quoting(sent[:24]) + sent[24:]) == "malformed"


@settings(max_examples=500, deadline=None)
@given(
    link=st.one_of(st.sampled_from(list(LINKS)), st.integers(0, 300)),
    frame=st.binary(max_size=120),
    length=st.integers(0, 2**32 - 1),
    lead=st.sampled_from([b"", b"\x45\0", b"\x60\0\0\0", made.ethernet(b""), made.cooked2(b"")]),
)
def test_any_bytes_are_a_row_or_a_reason(link: int, frame: bytes, length: int, lead: bytes) -> None:
    """No bytes raise, and what is read fits its columns."""
    read = dissect(link, lead + frame, length, 0)
    if isinstance(read, str):
        assert read in {
            *("fragment", "cut", "not-ip", "other-protocol"),
            *("malformed", "misquoted", "other-icmp", "link"),
        }
        return
    assert 0 <= read.payload_kept <= read.payload < 2**32
    assert read.payload_at + read.payload_kept <= len(lead + frame)
