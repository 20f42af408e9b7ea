"""3255/udp: what is good is answered, and nothing else ever is."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims.answering_port import ID, SECRET, Answering, Ledger, answering, claim_of
from portbook.claims.buckets import Buckets, network_of
from portbook.claims.datagram import (
    SIZE,
    claim_secret,
    heartbeat_request,
    is_signed,
    read_reply,
    read_request,
    status_request,
)
from portbook.claims.udp import is_unicast, listen, read_key
from portbook.model import EnvironmentFault
from portbook.model.claim import ClaimRefused

GOOD = status_request("tcp", 8080, b"the last")
KEY = b"a key of 16 bytes or more"


@pytest.fixture
def ledger() -> Ledger:
    """Two claims of one number."""
    return Ledger(claim_of(8080), claim_of(8080, "udp", 9))


@pytest.fixture
def found(ledger: Ledger) -> Iterator[Answering]:
    """A port that answers on 127.0.0.1."""
    with answering(ledger) as port:
        yield port


@pytest.fixture(scope="module")
def lasting() -> Iterator[Answering]:
    """One that answers for many examples."""
    with answering(Ledger(claim_of(8080))) as port:
        yield port


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "::"])
def test_status_is_answered(ledger: Ledger, address: str) -> None:
    """State, token, owner and what is left, from the address that was asked."""
    with answering(ledger, address) as port, port.client() as link:
        for transport, number, token in (("tcp", 8080, 7), ("udp", 8080, 9), ("tcp", 8081, 0)):
            link.send(status_request(transport, number, b"12345678"))
            data = link.recv(2048)
            told = read_reply(data)
            assert told is not None
            assert len(data) == SIZE
            assert (told.transport, told.port, told.token) == (transport, number, token)
            assert told.nonce == b"12345678"
            if token:
                assert (told.state, told.uid, told.expires_in_ms) == ("bound", 1000, 5000)
            else:
                assert (told.state, told.uid, told.expires_in_ms) == ("unclaimed", None, 0)


@given(st.lists(st.binary(max_size=1500), max_size=5))
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_no_random_bytes_are_answered(lasting: Answering, sent: list[bytes]) -> None:
    """Any length, the right one too."""
    bad = [each for each in sent if read_request(each) is None]
    assert lasting.is_silent_to(*bad, last=GOOD)


@given(st.integers(0, 63), st.integers(1, 255), st.integers(0, 80))
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_no_answer_is_longer_than_its_question(
    lasting: Answering, place: int, change: int, size: int
) -> None:
    """A good question with a byte changed, cut or prolonged: silence, or as many bytes."""
    sent = bytearray(status_request("tcp", 8080, b"\0\0\0\0\0\0\0\1"))
    sent[place] ^= change
    sent = (sent + bytes(80))[:size] if size > 64 else sent[: max(size, 1)] if size < 20 else sent
    with lasting.client() as link:
        link.send(sent)
        link.send(GOOD)
        first = link.recv(2048)
        if first[8:16] != GOOD[8:16]:
            assert len(first) == len(sent) == SIZE
            assert read_request(bytes(sent)) is not None


def test_prolonged_question_is_silence(found: Answering) -> None:
    """A good one with one more byte, with as many again, and without its last."""
    good = status_request("tcp", 8080, b"12345678")
    assert found.is_silent_to(good + b"\0", good + good, good[:-1], b"", last=GOOD)


def test_heartbeat_renews_once_for_each_number(found: Answering, ledger: Ledger) -> None:
    """Replayed, duplicated and reordered ones change nothing and are not answered."""
    secret = claim_secret(SECRET, ID, 7)
    with found.client() as link:
        for seq in (5, 6, 100):
            link.send(heartbeat_request(ID, 7, seq, seq.to_bytes(8, "big"), secret))
            data = link.recv(2048)
            told = read_reply(data)
            assert told is not None
            assert (told.state, told.token, told.expires_in_ms) == ("bound", 7, 5000)
            assert is_signed(data, secret)
            assert len(data) == SIZE
    old = [heartbeat_request(ID, 7, seq, b"replayed", secret) for seq in (100, 5, 99, 1)]
    assert found.is_silent_to(*old, *old, last=GOOD)
    assert ledger.renewals == [5, 6, 100]


def test_wrong_mac_is_silence_and_changes_nothing(found: Answering, ledger: Ledger) -> None:
    """Another claim's secret, another token's, the store's own, none, and a changed seq."""
    good = claim_secret(SECRET, ID, 7)
    forged = [
        heartbeat_request(ID, 7, 9, b"forged!!", claim_secret(SECRET, "00" * 8, 7)),
        heartbeat_request(ID, 7, 9, b"forged!!", claim_secret(SECRET, ID, 8)),
        heartbeat_request(ID, 7, 9, b"forged!!", SECRET),
        heartbeat_request(ID, 7, 9, b"forged!!", good)[:40] + bytes(24),
    ]
    changed = bytearray(heartbeat_request(ID, 7, 9, b"forged!!", good))
    changed[39] += 1
    assert found.is_silent_to(*forged, bytes(changed), last=GOOD)
    assert ledger.renewals == []


@pytest.mark.parametrize("code", ["lost", "not_found", "bad_token"])
def test_ended_claim_is_lost(found: Answering, ledger: Ledger, code: str) -> None:
    """Whoever can prove that it was theirs hears so, and nothing of who has it now."""
    ledger.outcome = ClaimRefused(code, "ended")
    secret = claim_secret(SECRET, ID, 7)
    with found.client() as link:
        link.send(heartbeat_request(ID, 7, 9, b"12345678", secret))
        data = link.recv(2048)
        told = read_reply(data)
        assert told is not None
        assert (told.state, told.uid, told.token, told.expires_in_ms) == ("lost", None, 0, 0)
        assert is_signed(data, secret)


def test_key_is_needed_where_there_is_one(ledger: Ledger) -> None:
    """STATUS unsigned, signed otherwise, and signed; the answer is signed as well."""
    with answering(ledger, key=KEY) as port:
        last = status_request("tcp", 8080, b"the last", KEY)
        bad = [status_request("tcp", 8080, b"12345678", each) for each in (None, KEY[1:])]
        assert port.is_silent_to(*bad, last=last)
        with port.client() as link:
            link.send(last)
            assert is_signed(link.recv(2048), KEY)


def test_mac_without_a_key_is_silence(found: Answering) -> None:
    """Whoever signs expects a service with a key."""
    assert found.is_silent_to(status_request("tcp", 8080, b"12345678", KEY), last=GOOD)


def test_ten_thousand_from_one_source(lasting: Answering) -> None:
    """As fast as a client can; the port answers on, and what it answers it answers rightly."""
    with lasting.client(0.2) as link:
        heard = 0
        for number in range(10_000):
            link.send(status_request("tcp", 8080, number.to_bytes(8, "big")))
            if number % 50 == 49:
                try:
                    for _ in range(50):
                        assert len(link.recv(2048)) == SIZE
                        heard += 1
                except TimeoutError:
                    pass
    assert heard > 9_000
    assert lasting.is_silent_to(last=GOOD)


def _heard(link: socket.socket) -> int:
    heard = 0
    try:
        while link.recv(2048):
            heard += 1
    except TimeoutError:
        return heard
    raise AssertionError("an empty datagram")


def test_source_has_a_share(ledger: Ledger) -> None:
    """Beyond it is silence; a moment later it is answered again."""
    with answering(ledger, buckets=Buckets(loopback=40.0)) as port:
        with port.client(0.1) as link:
            for _ in range(100):
                link.send(GOOD)
            heard = _heard(link)
            assert 10 <= heard <= 20
            time.sleep(0.3)
            link.send(GOOD)
            assert len(link.recv(2048)) == SIZE
        assert port.port.limited >= 80


def test_buckets_are_a_table_with_an_end() -> None:
    """Invented sources push out the oldest, and together have a share of their own."""
    buckets = Buckets(source=40.0, foreign=400.0, most=16)
    taken = sum(buckets.take(f"10.{high}.{low}.1", 0.0) for high in range(9) for low in range(99))
    assert taken == 100
    assert len(buckets) <= 18
    assert buckets.take("127.0.0.1", 0.0)
    assert not buckets.take("10.77.1.1", 0.0)
    assert buckets.take("10.77.1.1", 1.0)


def test_networks() -> None:
    """/24 and /64, and an address of IPv4 in IPv6 is the same source."""
    assert network_of("10.1.2.3") == network_of("10.1.2.250") != network_of("10.1.3.3")
    assert network_of("::ffff:10.1.2.3") == network_of("10.1.2.3")
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1")
    assert network_of("2001:db8:0:1::1") != network_of("2001:db8::1")
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
    assert network_of("127.9.9.9") == network_of("::1") == "loopback"


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        *(("127.0.0.1", True), ("0.0.0.0", False), ("224.0.0.1", False)),
        *(("255.255.255.255", False), ("::1", True), ("::", False), ("ff02::1", False)),
        ("fe80::1%eth0", True),
    ],
)
def test_only_one_host_is_answered(address: str, *, is_one: bool) -> None:
    """No group, nobody, not everybody."""
    assert is_unicast(address) is is_one


def test_privileged_source_is_not_answered(found: Answering) -> None:
    """Ports below 1024 are servers, which might answer us in turn."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        try:
            link.bind(("127.0.0.1", 1019))
        except OSError:
            pytest.skip("only root has such a port")
        link.settimeout(0.2)
        link.sendto(GOOD, found.address)
        with pytest.raises(TimeoutError):
            link.recv(2048)
    assert found.port.ignored == 1


def _spoofed(source: tuple[str, int], to: tuple[str, int], data: bytes) -> None:
    """A datagram whose source is invented; the kernel fills in what is zero (raw(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as link:
        udp = struct.pack(">4H", source[1], to[1], 8 + len(data), 0) + data
        ip = struct.pack(
            ">BBHHHBBH4s4s",
            *(0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0),
            *(socket.inet_aton(source[0]), socket.inet_aton(to[0])),
        )
        link.sendto(ip + udp, (to[0], 0))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may invent a source")
def test_invented_source_makes_no_loop(found: Answering) -> None:
    """Our own address and port, another service's on 3255, and port 0: counted, not answered."""
    own = found.address
    for source in (own, ("127.0.0.1", 3255), ("127.0.0.2", 3255), ("127.0.0.1", 53)):
        _spoofed(source, own, GOOD)
    assert found.is_silent_to(last=GOOD)
    assert found.counts(1) == (1, 4)


def test_listen_leaves_a_taken_port_alone() -> None:
    """No address is shared: whoever has it, keeps it."""
    with listen("127.0.0.1", 0) as first:
        number = first.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", number)


def test_key_file(tmp_path: Path) -> None:
    """Ours alone, and long enough; no file is no key."""
    path = tmp_path / "udp.key"
    assert read_key(str(path)) is None
    path.touch(0o600)
    path.write_bytes(KEY + b"\n")
    assert read_key(str(path)) == KEY
    path.chmod(0o644)
    with pytest.raises(EnvironmentFault, match="others can read"):
        read_key(str(path))
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(EnvironmentFault, match="less than 16"):
        read_key(str(path))
    with pytest.raises(EnvironmentFault):
        read_key(str(tmp_path))


def test_broadcast_is_not_answered(ledger: Ledger) -> None:
    """What was sent to everybody; and one for us is, from the address that was asked."""
    with answering(ledger, "0.0.0.0") as port:
        number = port.address[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            link.settimeout(5)
            link.bind(("127.0.0.1", 0))
            link.sendto(status_request("tcp", 8080, b"for all!"), ("127.255.255.255", number))
            link.sendto(GOOD, ("127.0.0.5", number))
            data, source = link.recvfrom(100)
        assert data[8:16] == GOOD[8:16]
        assert source == ("127.0.0.5", number)
        assert port.counts(1) == (1, 1)
