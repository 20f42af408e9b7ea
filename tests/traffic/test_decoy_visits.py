"""What a decoy tells of its visitors, with real sockets on loopback."""

import socket
import struct

import pytest

from portbook.traffic.decoy import Limits
from traffic.decoys import decoy

QUICK = Limits(silence=0.3, stay=1.5, draining=0.5)
SLOW = Limits(silence=20, stay=40)


def reset(link: socket.socket) -> None:
    """Close with RST instead of FIN (SO_LINGER of socket(7))."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def test_a_client_that_closes_is_told_with_what_it_wanted() -> None:
    """Protocol, details, bytes and both ends of the connection."""
    with decoy(SLOW) as standing:
        with socket.create_connection(("127.0.0.1", standing.port)) as link:
            ours = link.getsockname()
            link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        visit = standing.visits(1)[0]
    assert (visit.source, visit.source_port) == ours
    assert (visit.address, visit.port, visit.transport) == ("127.0.0.1", standing.port, "tcp")
    assert (visit.protocol, visit.confidence, visit.ended) == ("http", "certain", "closed")
    assert visit.details == {"request": "GET / HTTP/1.1"}
    assert visit.bytes == 27
    assert visit.begins == "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"


def test_bytes_that_nobody_recognises_are_shown_escaped() -> None:
    """No protocol and no confidence, but the bytes."""
    with decoy(SLOW) as standing:
        with socket.create_connection(("127.0.0.1", standing.port)) as link:
            link.sendall(b"\x1b[2J\x00\xff")
        visit = standing.visits(1)[0]
    assert (visit.protocol, visit.confidence) == (None, None)
    assert visit.begins == "\\x1b[2J\\x00\\xff"
    assert standing.decoy.wanted == {"unknown": 1}


@pytest.mark.parametrize(("payload", "number"), [(b"", 0), (b"GET / HTTP/1.0\r\n", 16)])
def test_a_silent_visitor_is_sent_away_with_fin_and_not_a_byte(payload: bytes, number: int) -> None:
    """What it reads is the end of the stream at once: no byte, no reset."""
    with decoy(QUICK) as standing:
        with socket.create_connection(("127.0.0.1", standing.port)) as link:
            link.sendall(payload)
            link.settimeout(10)
            assert link.recv(1) == b""
        visit = standing.visits(1)[0]
    assert (visit.ended, visit.bytes) == ("silent", number)


def test_a_reset_is_told_from_a_close() -> None:
    """A scanner that completes the handshake often ends so."""
    with decoy(SLOW) as standing:
        reset(socket.create_connection(("127.0.0.1", standing.port)))
        visit = standing.visits(1)[0]
    assert (visit.ended, visit.bytes, visit.protocol) == ("reset", 0, None)
    assert standing.decoy.wanted == {"nothing": 1}


def test_who_drips_bytes_is_cut_off_after_its_whole_time() -> None:
    """Each byte renews the silence, but not the limit of the stay."""
    with decoy(Limits(silence=0.4, stay=1.0)) as standing:
        with socket.create_connection(("127.0.0.1", standing.port)) as link:
            link.settimeout(0.1)
            for _ in range(100):
                link.send(b"a")
                try:
                    assert link.recv(1) == b""
                    break
                except TimeoutError:
                    continue
        visit = standing.visits(1)[0]
    assert visit.ended == "limit"
    assert 2 <= visit.bytes < 100


def test_ten_megabytes_end_at_the_limit_and_in_little_memory() -> None:
    """So many bytes as are kept end the visit; a bounded number more is read."""
    kept: list[bytes] = []

    def keep(_at: float, _port: int, _transport: str, data: bytes) -> str:
        kept.append(data)
        return "a"

    with decoy(QUICK, keep=keep) as standing:
        with socket.create_connection(("127.0.0.1", standing.port)) as link:
            link.settimeout(10)
            try:
                for _ in range(160):
                    link.sendall(b"x" * 65536)
            except ConnectionError:
                pass
        visit = standing.visits(1)[0]
    assert visit.ended == "limit"
    assert visit.bytes <= QUICK.kept + QUICK.drained + 65536
    assert [len(each) for each in kept] == [QUICK.kept]


def test_what_fits_the_limit_is_read_and_ends_with_fin() -> None:
    """A client that sends 100 KB at once and then reads sees an end, no reset."""
    with decoy(QUICK) as standing:
        with socket.create_connection(("127.0.0.1", standing.port)) as link:
            link.settimeout(10)
            link.sendall(b"x" * 100_000)
            assert link.recv(1) == b""
        visit = standing.visits(1)[0]
    assert (visit.ended, visit.bytes) == ("limit", 100_000)


def test_more_than_may_be_there_are_closed_at_once_and_counted() -> None:
    """The first stay, the others read the end of the stream, nobody reads a byte."""
    with decoy(SLOW._replace(connections=3)) as standing:
        links = [socket.create_connection(("127.0.0.1", standing.port)) for _ in range(8)]
        for link in links[3:]:
            link.settimeout(10)
            assert link.recv(1) == b""
        assert standing.decoy.turned_away == 5
        for link in links:
            link.close()
        assert {visit.ended for visit in standing.visits(3)} == {"closed"}
    assert standing.decoy.total == 3


def test_a_datagram_is_a_visit_and_gets_no_answer() -> None:
    """Several of one source are one visit; neither an answer nor an ICMP error comes back."""
    with (
        decoy(QUICK, transports=("udp",)) as standing,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link,
    ):
        link.connect(("127.0.0.1", standing.port))
        for part in (b"GET ", b"", b"more"):
            link.send(part)
        visit = standing.visits(1)[0]
        link.settimeout(0.2)
        with pytest.raises(TimeoutError):
            link.recv(1)
    assert (visit.transport, visit.bytes, visit.ended, visit.protocol) == (
        *("udp", 8),
        *("silent", "http"),
    )


def test_empty_datagrams_are_visits_too() -> None:
    """A scan of UDP ports often sends no byte."""
    with (
        decoy(QUICK, transports=("udp",)) as standing,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link,
    ):
        link.sendto(b"", ("127.0.0.1", standing.port))
        visit = standing.visits(1)[0]
    assert (visit.bytes, visit.protocol, visit.begins) == (0, None, "")


def test_one_number_stands_for_both_transports_and_both_families() -> None:
    """Port 0 takes one number that is free everywhere."""
    both = ("tcp", "udp")
    with decoy(QUICK, transports=both, addresses=("127.0.0.1", "::1")) as standing:
        assert {door.port for door in standing.doors} == {standing.port}
        transports = {door.transport for door in standing.doors}
        assert transports == set(both)
        socket.create_connection(("::1", standing.port)).close()
        assert standing.visits(1)[0].source == "::1"


def test_a_visitor_of_ipv4_at_a_socket_of_ipv6_has_its_own_address() -> None:
    """`::` stands for both, and the source is not told as ::ffff:127.0.0.1."""
    with decoy(QUICK, addresses=("::",)) as standing:
        socket.create_connection(("127.0.0.1", standing.port)).close()
        visit = standing.visits(1)[0]
    assert (visit.source, visit.address) == ("127.0.0.1", "127.0.0.1")


def test_after_the_last_visit_it_ends_by_itself() -> None:
    """Nobody is let in any more, and who is there may finish."""
    with decoy(SLOW, most=2) as standing:
        first = socket.create_connection(("127.0.0.1", standing.port))
        socket.create_connection(("127.0.0.1", standing.port)).close()
        standing.visits(1)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", standing.port))
        assert not standing.ended.is_set()
        first.sendall(b"GET /")
        first.close()
        assert standing.ended.wait(10)
    assert standing.decoy.total == 2


def test_who_is_there_when_it_ends_is_told_too() -> None:
    """`stopped`, and the connection ends."""
    with decoy(SLOW) as standing:
        link = socket.create_connection(("127.0.0.1", standing.port))
        link.sendall(b"GET / HTTP/1.0")
        with socket.create_connection(("127.0.0.1", standing.port)):
            pass
        standing.visits(1)
    assert {visit.ended for visit in standing.told} == {"closed", "stopped"}
    link.settimeout(10)
    assert link.recv(1) == b""
    link.close()
