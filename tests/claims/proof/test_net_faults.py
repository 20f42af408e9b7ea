"""Connections that hang, break or come by the thousand: claims are answered all the same."""

import contextlib
import http.client
import json
import os
import resource
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from claims.proof.mixed_runs import LAUNCH, Service, free_ports, running

pytestmark = pytest.mark.live
IDLE = 10_000
LIMIT = 4_096
"""Connections that the service has at one time (portbook.pages.connection)."""
_TCP_REPAIR = 19

CROWD = """
import socket, struct, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
links = []
for number in range(count):
    # A source address for every 2,000: one has 28,000 numbers, and others use them, too.
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.bind((f"127.0.0.{2 + number // 2000}", 0))
    link.settimeout(20)
    link.connect(("127.0.0.1", port))
    links.append(link)
print("there", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def crowd(port: int, count: int) -> Iterator[None]:
    """So many connections that say nothing, in a process of their own; they end with a reset."""
    process = subprocess.Popen(
        [sys.executable, "-c", CROWD, str(port), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"there\n"
        yield
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def claims_go_on(service: Service, ports: list[int], seconds: float) -> None:
    """Claim and release over the Unix socket, and see how long the slowest took."""
    slowest = 0.0
    for port in ports:
        began = time.monotonic()
        status, told = service.ask("POST", "/v1/claims", {"port": port})
        assert status == 201, told
        made = told["claims"][0]
        status, told = service.ask("DELETE", f"/v1/claims/{made['id']}?token={made['token']}")
        assert (status, told) == (200, {"released": True})
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < seconds


def over_tcp(service: Service, port: int) -> int:
    """The status of a claim over TCP, with the token."""
    link = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    token = Path(service.token_file).read_text(encoding="ascii").strip()
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        link.request("POST", "/v1/claims", json.dumps({"port": port, "ttl_ms": 1_000}), head)
        return link.getresponse().status
    finally:
        link.close()


def descriptors(service: Service) -> int:
    """How many the service has open."""
    assert service.process is not None
    return len(os.listdir(f"/proc/{service.process.pid}/fd"))


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[1] < IDLE + 200, reason="too few descriptors"
)
def test_ten_thousand_idle_connections_stop_nobody(tmp_path: Path) -> None:
    """4,096 are kept, the longest quiet ones make room; claims are answered on both ways in."""
    ports = free_ports(22)
    with running(tmp_path) as service:
        before = descriptors(service)
        with crowd(service.port, IDLE):
            claims_go_on(service, ports[:20], 2.0)
            assert over_tcp(service, ports[20]) == 201
            assert descriptors(service) <= before + LIMIT + 200
        deadline = time.monotonic() + 10
        while descriptors(service) > before + 50 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert descriptors(service) <= before + 50
        claims_go_on(service, ports[:20], 2.0)


def test_a_service_without_descriptors_still_answers_claims(tmp_path: Path) -> None:
    """With 200 descriptors and 400 idle connections nothing is lost, and no claim waits long."""
    ports = free_ports(12)
    limited = ("sh", "-c", 'ulimit -n 200; exec "$@"', "sh", *LAUNCH)
    with running(tmp_path, launch=limited) as service:
        status, told = service.ask("POST", "/v1/claims", {"port": ports[10], "ttl_ms": 600_000})
        assert status == 201
        with crowd(service.port, 400):
            time.sleep(0.5)  # as long as more of them come, the quiet ones make room
            claims_go_on(service, ports[:10], 2.0)
            assert descriptors(service) <= 200
        claims_go_on(service, ports[:10], 2.0)
        _, kept = service.ask("GET", f"/v1/claims?port={ports[10]}")
        assert kept["claims"][0]["token"] == told["claims"][0]["token"]
        assert over_tcp(service, ports[11]) == 201


def vanish(link: socket.socket) -> None:
    """Close a connection without a word to the other side, as a machine that lost its power."""
    link.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
    link.close()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="TCP_REPAIR needs CAP_NET_ADMIN")
def test_half_open_connections_are_let_go(tmp_path: Path) -> None:
    """Clients vanish in the middle of a request: their sockets are free again after seconds."""
    ports = free_ports(6)
    with running(tmp_path) as service:
        before = descriptors(service)
        for number in range(100):
            link = socket.create_connection(("127.0.0.1", service.port))
            if number % 2:
                link.sendall(b"POST /v1/claims HTTP/1.1\r\nHost: 127")
            vanish(link)
        deadline = time.monotonic() + 3
        while descriptors(service) < before + 90:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        claims_go_on(service, ports[:5], 2.0)
        deadline = time.monotonic() + 12
        while descriptors(service) > before + 5:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="TCP_REPAIR needs CAP_NET_ADMIN")
def test_a_client_that_vanishes_while_it_waits_takes_nothing_for_long(tmp_path: Path) -> None:
    """It waited for a port and is gone: what it is given ends with its TTL, and others get it."""
    (port,) = free_ports(1)
    with running(tmp_path) as service:
        _, told = service.ask("POST", "/v1/claims", {"port": port})
        first = told["claims"][0]
        token = Path(service.token_file).read_text(encoding="ascii").strip()
        body = json.dumps({"port": port, "ttl_ms": 1_000, "wait_ms": 60_000}).encode()
        head = (
            f"POST /v1/claims HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        link = socket.create_connection(("127.0.0.1", service.port))
        link.sendall(head + body)
        time.sleep(0.3)
        vanish(link)
        service.ask("DELETE", f"/v1/claims/{first['id']}?token={first['token']}")
        fields = {"port": port, "wait_ms": 6_000}
        began = time.monotonic()
        status, told = service.ask("POST", "/v1/claims", fields)
        assert status == 201, told
        assert time.monotonic() - began < 5
        assert told["claims"][0]["token"] > first["token"]


def test_a_reset_in_the_middle_of_an_answer_changes_nothing_twice(tmp_path: Path) -> None:
    """The reply is lost again and again; the same request_id gets one claim and one token (S6)."""
    (port,) = free_ports(1)
    body = json.dumps({"port": port, "request_id": "once", "ttl_ms": 60_000}).encode()
    head = (
        "POST /v1/claims HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with running(tmp_path) as service:
        token = Path(service.token_file).read_text(encoding="ascii").strip()
        known = head.replace(
            b"Host: localhost",
            f"Host: 127.0.0.1:{service.port}\r\nAuthorization: Bearer {token}".encode(),
        )
        for number in range(20):
            link = socket.create_connection(("127.0.0.1", service.port))
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.sendall(known + body)
            time.sleep(0.001 * number)
            link.close()
        seen = set()
        for _ in range(3):
            status, told = service.ask("POST", "/v1/claims", json.loads(body))
            assert status == 201
            seen.add((told["claims"][0]["id"], told["claims"][0]["token"]))
        service.kill()
        service.start()
        _, told = service.ask("POST", "/v1/claims", json.loads(body))
        seen.add((told["claims"][0]["id"], told["claims"][0]["token"]))
        assert len(seen) == 1
        events = service.ask("GET", "/v1/events?since=0")[1]["events"]
        assert [each["kind"] for each in events].count("claimed") == 1
