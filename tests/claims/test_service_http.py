"""The service over TCP: every call, waits, hang-ups, slow and broken clients. Real processes."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from claims.serving_claims import Claims, one_answer, serving_claims, until
from free_ports import free_port

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Claims]:
    """One service for these tests."""
    with serving_claims(tmp_path_factory.mktemp("claims")) as made:
        yield made


def test_claim_renew_and_release(service: Claims) -> None:
    """The life of a claim, with its token; the second release says that it was done."""
    port = free_port()
    claim = service.claim(port=port, name="web", labels={"job": "7"}).claim
    assert (claim["port"], claim["name"], claim["state"]) == (port, "web", "reserved")
    assert len(claim["secret"]) == 64
    assert claim["labels"] == {"job": "7"}
    shown = service.ask("GET", f"/v1/claims/{claim['id']}").document
    assert shown["token"] == claim["token"]
    assert "secret" not in shown
    lease = {"token": claim["token"], "ttl_ms": 90_000}
    renewed = service.ask("PUT", f"/v1/claims/{claim['id']}/lease", lease)
    assert renewed.status == 200
    assert 80_000 < renewed.document["expires_in_ms"] <= 90_000
    path = f"/v1/claims/{claim['id']}?token={claim['token']}"
    assert service.ask("DELETE", path).document == {"released": True}
    assert service.ask("DELETE", path).document == {"released": False}
    lost = service.ask("PUT", f"/v1/claims/{claim['id']}/lease", lease)
    assert (lost.status, lost.code) == (410, "lost")


def test_refusals_have_their_status(service: Claims) -> None:
    """Held with its holder, in use, a wrong token, and what does not exist."""
    claim = service.claim(port=free_port(), name="first").claim
    held = service.claim(port=claim["port"])
    assert (held.status, held.code) == (409, "held")
    assert held.document["error"]["holder"]["name"] == "first"
    wrong = {"token": claim["token"] + 1}
    bad = service.ask("PUT", f"/v1/claims/{claim['id']}/lease", wrong)
    assert (bad.status, bad.code) == (412, "bad_token")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = service.claim(port=taken.getsockname()[1])
    assert (busy.status, busy.code) == (409, "in_use")
    assert service.ask("GET", "/v1/claims/00").status == 404
    assert service.ask("GET", "/v1/nothing").code == "not_found"
    assert service.ask("PATCH", "/v1/claims").headers["allow"] == "GET, POST"
    assert service.claim(colour="red").status == 422
    assert service.ask("POST", "/v1/claims", b"{").code == "invalid"
    assert service.ask("GET", "/v1/claims?colour=red").status == 422
    assert service.ask("DELETE", f"/v1/claims/{claim['id']}").status == 422


def test_claims_can_be_looked_for(service: Claims) -> None:
    """By port, name and user; HEAD says how long the answer would be."""
    port = free_port()
    service.claim(port=port, name="looked for")
    for query in (f"port={port}", "name=looked%20for", f"port={port}&owner={os.getuid()}"):
        found = service.ask("GET", f"/v1/claims?{query}").document["claims"]
        assert [each["port"] for each in found] == [port]
    assert service.ask("GET", f"/v1/claims?port={port}&owner=12345").document == {"claims": []}
    head = service.ask("HEAD", f"/v1/claims?port={port}")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 100


def test_reservations_keep_their_number(service: Claims) -> None:
    """A key in the path may have slashes and signs; the number stays, and can be given back."""
    path = f"/v1/reservations/{quote('/home/é/my app:web', safe='')}"
    made = service.ask("PUT", path, {"range": [21000, 22000]}).document
    assert made["key"] == "/home/é/my app:web"
    assert service.ask("PUT", path, {}).document["port"] == made["port"]
    assert service.ask("GET", path).document == made
    assert made in service.ask("GET", "/v1/reservations").document["reservations"]
    assert service.ask("DELETE", path).document == {"released": True}
    assert service.ask("GET", path).status == 404


def test_who_waits_for_a_port_gets_it_first(service: Claims) -> None:
    """First come, first served, as soon as it is given back."""
    claim = service.claim(port=free_port()).claim
    body = json.dumps({"port": claim["port"], "wait_ms": 8000}).encode()
    links = [service.connect() for _ in range(3)]
    for link in links:
        link.sendall(service.raw("POST", "/v1/claims", body))
        time.sleep(0.05)
    tokens = [claim["token"]]
    for link in links:
        service.ask("DELETE", f"/v1/claims/{claim['id']}?token={claim['token']}")
        began = time.monotonic()
        claim = one_answer(link).claim
        assert time.monotonic() - began < 0.5
        tokens.append(claim["token"])
        link.close()
    assert tokens == sorted(set(tokens))


def test_a_port_that_nobody_claimed_is_waited_for_too(service: Claims) -> None:
    """The kernel tells nobody when a port is free again, so it is tried."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        link = service.connect()
        body = json.dumps({"port": port, "wait_ms": 8000}).encode()
        link.sendall(service.raw("POST", "/v1/claims", body))
        time.sleep(0.2)
    with link:
        assert one_answer(link, 3).claim["port"] == port


def test_time_that_is_up_is_told(service: Claims) -> None:
    """The refusal is that of the last attempt."""
    claim = service.claim(port=free_port()).claim
    began = time.monotonic()
    late = service.claim(port=claim["port"], wait_ms=300)
    assert (late.status, late.code) == (409, "held")
    assert 0.25 < time.monotonic() - began < 2


@pytest.mark.parametrize("goodbye", ["close", "shutdown"])
def test_who_hangs_up_has_no_place(service: Claims, goodbye: str) -> None:
    """Neither the port nor the units go to a client that has gone."""
    claim = service.claim(port=free_port()).claim
    gone = service.connect()
    body = json.dumps({"port": claim["port"], "wait_ms": 60_000}).encode()
    gone.sendall(service.raw("POST", "/v1/claims", body))
    name = f"gone-{goodbye}"
    held = service.ask("POST", f"/v1/sems/{name}/acquire", {"limit": 1}).document
    also = service.connect()
    body = json.dumps({"limit": 1, "wait_ms": 60_000}).encode()
    also.sendall(service.raw("POST", f"/v1/sems/{name}/acquire", body))
    until(lambda: service.ask("GET", "/v1/status").document["waiting"] == 2)
    for link in (gone, also):
        if goodbye == "shutdown":
            link.shutdown(socket.SHUT_WR)
        else:
            link.close()
    until(lambda: service.ask("GET", "/v1/status").document["waiting"] == 0)
    service.ask("DELETE", f"/v1/claims/{claim['id']}?token={claim['token']}")
    permit = held["permit"]
    service.ask("DELETE", f"/v1/sems/{name}/permits/{permit['id']}?token={permit['token']}")
    assert service.claim(port=claim["port"]).status == 201
    assert service.ask("POST", f"/v1/sems/{name}/acquire", {"limit": 1}).status == 200
    gone.close()
    also.close()


def test_permits_are_counted_and_queued(service: Claims) -> None:
    """Two units, three who want one; the third waits, keeps its place, and gets the next."""
    path = "/v1/sems/gpu/acquire"
    first, second = (service.ask("POST", path, {"limit": 2}).document for _ in range(2))
    assert (second["in_use"], second["limit"]) == (2, 2)
    assert service.ask("POST", path, {"limit": 3}).code == "limit_mismatch"
    asked = {"limit": 2, "request_id": "third", "wait_ms": 200}
    late = service.ask("POST", path, asked)
    assert (late.status, late.code) == (408, "timeout")
    assert late.document["waiter"]["position"] == 1
    permit = first["permit"]
    ended = f"/v1/sems/gpu/permits/{permit['id']}"
    renewed = service.ask("PUT", ended, {"token": permit["token"], "ttl_ms": 50_000})
    assert renewed.document["ttl_ms"] == 50_000
    assert service.ask("DELETE", f"{ended}?token={permit['token']}").document["released"]
    third = service.ask("POST", path, asked)
    assert third.status == 200
    assert third.document["permit"]["token"] > second["token"]
    waiter = service.connect()
    body = json.dumps({**asked, "request_id": "fourth", "wait_ms": 30_000}).encode()
    waiter.sendall(service.raw("POST", path, body))
    until(lambda: service.ask("GET", "/v1/status").document["waiting"] == 1)
    shown = service.ask("GET", "/v1/sems").document["semaphores"]
    assert [each["waiting"] for each in shown if each["name"] == "gpu"] == [1]
    assert service.ask("DELETE", "/v1/sems/-/waiters/fourth").document == {"cancelled": True}
    assert one_answer(waiter).status == 410
    waiter.close()


def test_a_place_in_the_queue_lasts_while_its_client_waits(service: Claims) -> None:
    """Longer than its TTL: the connection is the sign of life."""
    path = "/v1/sems/slow/acquire"
    held = service.ask("POST", path, {"limit": 1, "ttl_ms": 60_000}).document["permit"]
    body = json.dumps({"limit": 1, "ttl_ms": 1000, "wait_ms": 9000}).encode()
    with service.connect() as link:
        link.sendall(service.raw("POST", path, body))
        time.sleep(3.5)
        service.ask("DELETE", f"/v1/sems/-/permits/{held['id']}?token={held['token']}")
        assert one_answer(link, 2).status == 200


def test_the_fence_knows_the_newest_token(service: Claims) -> None:
    """An old token is told to be old."""
    port = free_port()
    old = service.claim(port=port).claim
    service.ask("DELETE", f"/v1/claims/{old['id']}?token={old['token']}")
    new = service.claim(port=port).claim
    for claim, current in ((old, False), (new, True)):
        asked = {"resource": f"{port}/tcp", "token": claim["token"]}
        found = service.ask("POST", "/v1/fence/check", asked).document
        assert found == {"current": current, "max_token": new["token"]}


def test_events_come_in_order_and_are_waited_for(service: Claims) -> None:
    """A long poll ends with the next event; without one it ends empty."""
    last = service.ask("GET", "/v1/events?since=0").document["last"]
    while more := service.ask("GET", f"/v1/events?since={last}").document["events"]:
        last = more[-1]["id"]
    empty = service.ask("GET", f"/v1/events?since={last}&wait_ms=200").document
    assert empty == {"events": [], "last": last}
    with service.connect() as link:
        link.sendall(service.raw("GET", f"/v1/events?since={last}&wait_ms=9000"))
        time.sleep(0.1)
        port = service.claim(name="news").claim["port"]
        found = one_answer(link).document
    assert [each["kind"] for each in found["events"]] == ["claimed"]
    assert found["events"][0]["body"]["port"] == port
    assert found["last"] == last + 1 == found["events"][0]["id"]


def test_a_dead_owner_loses_its_claim_at_once(service: Claims) -> None:
    """Less than a second after its process ended, the port is another's (L1)."""
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleeper) as owner:
        claim = service.claim(port=free_port(), watch_pid=owner.pid, ttl_ms=60_000).claim
        assert claim["owner"]["pid"] == owner.pid
        held = service.ask("POST", "/v1/sems/owned/acquire", {"limit": 1, "watch_pid": owner.pid})
        assert held.status == 200
        assert service.ask("GET", "/v1/status").document["watched"] >= 1
        owner.kill()
        owner.wait()
        began = time.monotonic()
        until(lambda: service.claim(port=claim["port"]).status == 201, 2)
        assert service.ask("POST", "/v1/sems/owned/acquire", {"limit": 1}).status == 200
        assert time.monotonic() - began < 1
    assert service.ask("GET", f"/v1/claims/{claim['id']}").document["state"] != "reserved"


def test_an_owner_that_lives_outlives_its_ttl(service: Claims) -> None:
    """What is watched needs no renewal, and no process that is not there can be watched."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        claim = service.claim(port=free_port(), watch_pid=owner.pid, ttl_ms=1000).claim
        time.sleep(1.6)
        assert service.claim(port=claim["port"]).code == "held"
        owner.communicate(b"\n")
    assert service.claim(watch_pid=owner.pid).status == 422


def test_a_lease_without_owner_runs_out_and_is_kept_a_moment(service: Claims) -> None:
    """Not before its TTL (S5), and two seconds more for whoever believes to have it."""
    began = time.monotonic()
    claim = service.claim(port=free_port(), ttl_ms=1000).claim
    until(lambda: service.claim(port=claim["port"]).status == 201, 6)
    assert 2.9 < time.monotonic() - began < 4.5


def test_requests_in_a_row_are_answered_in_order(service: Claims) -> None:
    """Pipelined claims and reads, in one write and cut anywhere."""
    port = free_port()
    said = b"".join(
        service.raw("POST", "/v1/claims", json.dumps({"port": port, "name": "x"}).encode())
        + service.raw("GET", f"/v1/claims?port={port}")
        for _ in range(3)
    )
    for step in (len(said), 7):
        with service.connect() as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(said), step):
                link.sendall(said[at : at + step])
                if step == 7:
                    time.sleep(0.0005)
            got = b""
            while got.count(b"HTTP/1.1 ") < 6 or not got.endswith(b"]}"):
                got += link.recv(65536)
        statuses = [int(each[:3]) for each in got.split(b"HTTP/1.1 ")[1:]]
        first = 201 if step == len(said) else 409
        assert statuses == [first, 200, 409, 200, 409, 200]


def test_a_request_in_single_bytes_is_understood(service: Claims) -> None:
    """And one behind it in one piece, which goes the short way."""
    body = json.dumps({"name": "bytes"}).encode()
    message = service.raw("POST", "/v1/claims", body)
    with service.connect() as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(message)):
            link.sendall(message[at : at + 1])
        assert one_answer(link).status == 201
        for _ in range(3):
            link.sendall(message)
            assert one_answer(link).status == 201


def test_a_slow_client_holds_nobody_up(service: Claims) -> None:
    """A head or a body that does not end gets 408, while others are served."""
    body = b'{"name":"slow"}'
    whole = service.raw("POST", "/v1/claims", body)
    links = [service.connect() for _ in range(20)]
    for number, link in enumerate(links):
        link.sendall(whole[:-5] if number % 2 else whole[:40])
    began = time.monotonic()
    assert service.claim(name="quick").status == 201
    assert time.monotonic() - began < 1
    assert one_answer(links[0], 9).status == 408
    for link in links:
        link.close()


def test_a_client_that_reads_nothing_costs_no_memory(service: Claims) -> None:
    """Its requests stay where they are until it takes the answers."""
    message = service.raw("GET", "/v1/claims")
    sent = 0
    with service.connect() as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(1.0)
        with contextlib.suppress(TimeoutError):
            while sent < 64 << 20:
                sent += link.send(message * 50)
        assert sent < 64 << 20
        assert service.claim(name="meanwhile").status == 201
    status = Path(f"/proc/{service.pid}/status").read_text()
    resident = next(each for each in status.splitlines() if each.startswith("VmRSS"))
    assert int(resident.split()[1]) < 150_000


def test_32_clients_never_have_the_same_port(service: Claims) -> None:
    """All at once on a range of 32: each its own number."""
    got: list[int] = []

    def one() -> None:
        got.append(service.claim(range=[23000, 23031], ttl_ms=60_000).claim["port"])

    threads = [threading.Thread(target=one) for _ in range(32)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(got) == list(range(23000, 23032))
    assert service.claim(range=[23000, 23031]).code == "pool_empty"
