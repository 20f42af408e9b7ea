"""What one client may take of the server: time, bytes, connections. Raw sockets, real processes."""

import contextlib
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pages.tiny import Tiny, heard, request, status, tiny_server, until_closed

pytestmark = pytest.mark.live

QUICK = {"head": 1.0, "body": 1.5, "idle": 1.5, "stall": 1.5, "linger": 1.0}
"""Deadlines for tests; they are looked at once a second."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    """A server with short deadlines."""
    with tiny_server(tmp_path_factory.mktemp("quick"), limits=QUICK) as made:
        yield made


def test_a_connection_takes_one_request_after_another(server: Tiny) -> None:
    """Keep-alive: three answers, in order, on one connection."""
    with server.connect() as link:
        for number in range(3):
            link.sendall(request(f"/{number}", "POST", b"12345"))
            assert heard(link, 0.3).endswith(f"POST /{number} 5".encode())


@pytest.mark.parametrize(
    ("sent", "more"),
    [(b"G", b""), (b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow:", b"x"), (b"\r\n\r\n", b"\r\n")],
)
def test_a_head_that_does_not_end_gets_408(server: Tiny, sent: bytes, more: bytes) -> None:
    """Its time begins with the first byte, and further bytes do not prolong it."""
    with server.connect() as link:
        began = time.monotonic()
        link.sendall(sent)
        got = b""
        while not got and time.monotonic() - began < 6:
            with contextlib.suppress(OSError):
                link.sendall(more)
            got = heard(link, 0.1)
        assert status(got) == 408
        assert b"connection: close" in got
        assert 0.9 < time.monotonic() - began < 4


def test_a_silent_client_is_hung_up_on_without_a_word(server: Tiny) -> None:
    """There was no request, so there is no answer."""
    with server.connect() as link:
        got, took = until_closed(link, 5)
    assert got == b""
    assert 0.9 < took < 4


def test_a_body_that_does_not_arrive_gets_408(server: Tiny) -> None:
    """The application never sees such a request."""
    with server.connect() as link:
        link.sendall(request("/", "POST", b"12345", Content_Length="50"))
        got, took = until_closed(link, 6)
    assert status(got) == 408
    assert 1.4 < took < 5


def test_an_idle_connection_is_closed(server: Tiny) -> None:
    """After its last answer, and the time for the next request."""
    with server.connect() as link:
        link.sendall(request())
        assert status(heard(link, 0.3)) == 200
        got, took = until_closed(link, 6)
    assert got == b""
    assert took < 4


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000,
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 150 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X" * 20_000,
    ],
)
def test_a_head_that_is_too_long_gets_431(server: Tiny, head: bytes) -> None:
    """In one piece and in many, in the target, in one field or in the number of fields."""
    assert status(server.say(head)) == 431
    with server.connect() as link, contextlib.suppress(OSError):
        for start in range(0, len(head), 1000):
            link.sendall(head[start : start + 1000])
            time.sleep(0.001)
        assert status(heard(link, 1)) == 431


def test_a_head_of_the_greatest_length_is_taken(server: Tiny) -> None:
    """16 KiB and no byte less: browsers send up to 8."""
    start, end = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ", b"\r\n\r\n"
    whole = start + b"a" * ((16 << 10) - len(start) - len(end)) + end
    assert status(server.say(whole)) == 200


def test_a_body_of_a_megabyte_gets_413_and_the_client_hears_it(server: Tiny) -> None:
    """It can send all of it first: the end of the answer is an end, not a reset that loses it."""
    for _ in range(5):
        with server.connect() as link:
            link.sendall(request("/", "POST", b"x" * (1 << 20)))
            got = b""
            while data := link.recv(1 << 16):
                got += data
            assert status(got) == 413


def test_a_body_of_the_greatest_length_is_taken(server: Tiny) -> None:
    """64 KiB are read, one byte more is refused before it is sent."""
    taken = server.say(request("/", "POST", b"x" * 65536, Connection="close"))
    assert taken.endswith(b"POST / 65536")
    assert status(server.say(request("/", "POST", b"", Content_Length="65537"))) == 413


def test_expect_is_answered_before_the_body_is_sent(server: Tiny) -> None:
    """With 100 where the body will be taken, with 413 where it will not."""
    with server.connect() as link:
        link.sendall(request("/", "POST", Expect="100-continue", Content_Length="5"))
        assert heard(link, 0.3) == b"HTTP/1.1 100 Continue\r\n\r\n"
        link.sendall(b"12345")
        assert heard(link, 0.3).endswith(b"POST / 5")
    long = request("/", "POST", Expect="100-continue", Content_Length="99999999")
    assert status(server.say(long)) == 413


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        ("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n12345", (400, 501)),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n12345", (400, 501)),
        ("Content-Length: 5\r\nContent-Length: 5\r\n\r\n12345", 400),
        ("Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345", 400),
        ("Content-Length: 5, 5\r\n\r\n12345", 400),
        ("Content-Length: +5\r\n\r\n12345", 400),
        ("Content-Length: -5\r\n\r\n12345", 400),
        ("Content-Length: 0x5\r\n\r\n12345", 400),
        ("Content-Length: 99999999999999999999999\r\n\r\n12345", (400, 413)),
        ("Content-Length : 5\r\n\r\n12345", 400),
        ("X: a\r\n folded\r\n\r\n", 400),
        ("X: a\x00b\r\n\r\n", 400),
    ],
)
def test_what_two_readers_could_read_in_two_ways_is_refused(
    server: Tiny, fields: str, expected: int | tuple[int, ...]
) -> None:
    """A request that a proxy in front would cut differently is no request."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\n"
    got = server.say(head + fields.encode())
    assert status(got) in (expected if isinstance(expected, tuple) else (expected,))
    assert got.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "line",
    [
        b"CONNECT a:443 HTTP/1.1",
        b"GET http://evil.example/ HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET HTTP/1.1",
        b"GET / HTTP/9.9",
        b"PRI * HTTP/2.0",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_no_request_of_ours_gets_400(server: Tiny, line: bytes) -> None:
    """Proxies' requests, other versions, other protocols."""
    assert status(server.say(line + b"\r\nHost: a\r\n\r\n")) == 400


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_an_upgrade_is_answered_as_a_plain_request(server: Tiny, protocol: str) -> None:
    """And what follows in the other protocol is not read as HTTP."""
    asked = request(Connection="Upgrade", Upgrade=protocol, Sec_WebSocket_Key="x")
    got = server.say(asked + b"\x00\x01GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status(got) == 200
    assert got.count(b"HTTP/1.1") == 1


def test_requests_in_a_row_are_answered_in_order(server: Tiny) -> None:
    """Pipelining, of what may be asked twice."""
    got = server.say(b"".join(request(f"/{number}") for number in range(5)))
    places = [got.index(f"GET /{number} 0".encode()) for number in range(5)]
    assert places == sorted(places)


def test_what_changes_something_is_never_pipelined(server: Tiny) -> None:
    """The first answer comes, then the end; the client asks again on another connection."""
    for first, second in (("GET", "POST"), ("POST", "GET"), ("POST", "POST")):
        got = server.say(request("/1", first, b"1") + request("/2", second, b"2"))
        assert got.endswith(f"{first} /1 1".encode())


def test_only_so_many_requests_wait_in_one_connection(server: Tiny) -> None:
    """What is beyond is not answered, and its bytes are not kept."""
    got = server.say(request("/slow") + request() * 5000, 3.0)
    assert 1 < got.count(b"HTTP/1.1 200") < 15


def test_a_client_that_has_said_all_still_gets_its_answer(server: Tiny) -> None:
    """Half-closed, as `nc -N` does it."""
    with server.connect() as link:
        link.sendall(request("/slow"))
        link.shutdown(socket.SHUT_WR)
        assert heard(link, 3).endswith(b"GET /slow 0")


def test_a_client_that_reads_nothing_is_let_go(server: Tiny) -> None:
    """Eight megabytes do not stay in memory for it; who reads slowly is waited for."""
    with server.connect(SO_RCVBUF=4096) as link:
        link.sendall(request("/big"))
        time.sleep(4.5)
        link.settimeout(2)
        got = 0
        with contextlib.suppress(OSError):
            while data := link.recv(1 << 20):
                got += len(data)
        assert got < 8 << 20


def test_a_fault_of_the_application_is_500_without_a_traceback(server: Tiny) -> None:
    """The client learns nothing of it."""
    got = server.ask("/fault")
    assert status(got) == 500
    assert b"meant" not in got


def test_two_thousand_idle_connections_lock_nobody_out(tmp_path: Path) -> None:
    """Where 300 files may be open: the longest idle make room, whoever asks is answered."""
    with tiny_server(tmp_path, files=300) as server, contextlib.ExitStack() as stack:
        assert server.most < 200
        for number in range(2000):
            link = stack.enter_context(socket.socket())
            link.connect(("127.0.0.1", server.port))
            if number % 3 == 0:
                link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
            if number % 100 == 0:
                began = time.monotonic()
                assert status(server.ask()) == 200
                assert time.monotonic() - began < 2
        assert status(server.ask()) == 200
        assert server.ended()["evicted"] > 1500
    assert server.log.read_text() == ""


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2500, reason="the hard limit of files is low"
)
def test_where_files_may_be_had_two_thousand_connections_stay(tmp_path: Path) -> None:
    """The soft limit of 1,024 files is raised; nobody is evicted."""
    with tiny_server(tmp_path) as server, contextlib.ExitStack() as stack:
        links = [stack.enter_context(server.connect()) for _ in range(2000)]
        assert status(server.ask()) == 200
        links[0].sendall(request())
        assert status(heard(links[0], 1)) == 200
        assert server.ended()["evicted"] == 0


def test_when_all_are_busy_newcomers_are_told(tmp_path: Path) -> None:
    """503, and those at work are finished."""
    with tiny_server(tmp_path, limits={"connections": 3}) as server, contextlib.ExitStack() as all_:
        busy = [all_.enter_context(server.connect()) for _ in range(3)]
        for link in busy:
            link.sendall(request("/slow", Connection="close"))
        time.sleep(0.3)
        assert status(server.ask()) == 503
        assert all(status(heard(link, 2.5)) == 200 for link in busy)
        assert status(server.ask()) == 200


PIECES = st.sampled_from(
    (
        *(b"GET ", b"POST ", b"/", b"/slow", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r"),
        *(b"Host: a\r\n", b"Content-Length: 3\r\n", b"Content-Length: 70000\r\n", b"\r\n\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n"),
        *(b"Connection: Upgrade\r\n", b"Connection: close\r\n", b"abc", b"\x00", b"\xff\xfe", b":"),
        *(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"%00%zz", b"?\xc3\xa4", b"http://[", b"*"),
    )
)
RAW = st.lists(st.lists(PIECES | st.binary(max_size=20), max_size=12).map(b"".join), max_size=4)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_bytes_at_all_bring_the_server_down(server: Tiny, data: st.DataObject) -> None:
    """Whatever comes in whatever pieces: it lives, answers the next, and prints no traceback."""
    with server.connect() as link:
        for piece in data.draw(RAW):
            with contextlib.suppress(OSError):
                link.sendall(piece)
                heard(link, 0.001)
        if data.draw(st.booleans()):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_WR)
                heard(link, 0.01)
    assert server.process.poll() is None
    assert server.log.read_text() == ""


def test_after_all_that_it_still_answers(server: Tiny) -> None:
    """The last of this file."""
    assert status(server.ask()) == 200
