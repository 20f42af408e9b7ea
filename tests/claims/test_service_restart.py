"""Killed, restarted, out of disk, out of descriptors: what was promised stays."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from claims.serving_claims import Claims, one_answer, serving_claims, until
from free_ports import free_port

pytestmark = pytest.mark.live


def test_claims_survive_sigkill(tmp_path: Path) -> None:
    """Everything that was acknowledged is there again, with its token, and holds its port (S7)."""
    with serving_claims(tmp_path) as service:
        claims = [service.claim(port=free_port(), ttl_ms=60_000).claim for _ in range(5)]
        permit = service.ask("POST", "/v1/sems/gpu/acquire", {"limit": 1}).document["permit"]
        for number in (signal.SIGKILL, signal.SIGTERM):
            service.end(number)
            service.start()
            for claim in claims:
                shown = service.ask("GET", f"/v1/claims/{claim['id']}").document
                assert (shown["token"], shown["state"]) == (claim["token"], "reserved")
                assert service.claim(port=claim["port"]).code == "held"
            found = service.ask("GET", "/v1/sems").document["semaphores"]
            assert found[0]["held"][0]["token"] == permit["token"]
        assert service.claim().claim["token"] > permit["token"]


def test_a_lost_reply_is_asked_for_again(tmp_path: Path) -> None:
    """The same request_id on a new connection, and after a restart, gives the same claim (S6)."""
    with serving_claims(tmp_path) as service:
        body = json.dumps({"name": "once", "request_id": "r-1", "ttl_ms": 60_000}).encode()
        with service.connect() as link:
            link.sendall(service.raw("POST", "/v1/claims", body))
        first = service.ask("POST", "/v1/claims", body).claim
        service.kill()
        service.start()
        again = service.ask("POST", "/v1/claims", body).claim
        assert (again["id"], again["token"], again["secret"]) == (
            first["id"],
            first["token"],
            first["secret"],
        )
        assert len(service.ask("GET", "/v1/claims?name=once").document["claims"]) == 1


def test_what_was_acknowledged_is_never_lost_by_a_kill_at_any_moment(tmp_path: Path) -> None:
    """Eight clients claim while it is killed: every answer that arrived was kept."""
    with serving_claims(tmp_path) as service:
        for turn in range(4):
            kept: list[dict[str, int]] = []
            began = threading.Event()

            def work(
                base: int,
                kept: list[dict[str, int]] = kept,
                began: threading.Event = began,
                enough: int = 30 + 60 * turn,
            ) -> None:
                try:
                    with service.connect() as link:
                        for port in range(base, base + 400):
                            body = b'{"port":%d,"ttl_ms":600000}' % port
                            link.sendall(service.raw("POST", "/v1/claims", body))
                            kept.append(one_answer(link).claim)
                            if len(kept) > enough:
                                began.set()
                except (OSError, AssertionError):
                    return

            threads = [
                threading.Thread(target=work, args=(20_000 + turn * 4000 + n * 400,))
                for n in range(8)
            ]
            for each in threads:
                each.start()
            assert began.wait(20)
            service.kill()
            for each in threads:
                each.join()
            service.start()
            live = {
                each["id"]: each["token"]
                for each in service.ask("GET", "/v1/claims").document["claims"]
            }
            assert len(kept) > 30
            assert all(live.get(each["id"]) == each["token"] for each in kept)


def test_an_owner_that_dies_while_nobody_looks(tmp_path: Path) -> None:
    """A service that starts again watches the living, and ends what the dead had."""
    waits = [sys.executable, "-c", "input()"]
    with (
        serving_claims(tmp_path) as service,
        subprocess.Popen(waits, stdin=subprocess.PIPE) as dies,
        subprocess.Popen(waits, stdin=subprocess.PIPE) as lives,
    ):
        first = service.claim(port=free_port(), watch_pid=dies.pid, hold=True).claim
        other = service.claim(port=free_port(), watch_pid=lives.pid, ttl_ms=1000).claim
        service.kill()
        dies.communicate(b"\n")
        service.start()
        assert service.claim(port=first["port"]).status == 201
        assert service.claim(port=other["port"]).code == "held"
        lives.communicate(b"\n")
        until(lambda: service.claim(port=other["port"]).status == 201, 1)


def test_a_held_port_is_held_again(tmp_path: Path) -> None:
    """After a restart, as long as nobody has taken it."""
    with serving_claims(tmp_path) as service:
        claim = service.claim(port=free_port(), hold=True, ttl_ms=60_000).claim
        service.kill()
        service.start()
        with socket.socket() as thief, pytest.raises(OSError, match="in use"):
            thief.bind(("127.0.0.1", claim["port"]))


def test_only_one_service_has_a_store(tmp_path: Path) -> None:
    """The second serves its pages without claims, and says who has them."""
    with serving_claims(tmp_path) as first:
        second = Claims(tmp_path / "second")
        second.home.mkdir()
        second.start("--store", str(tmp_path / "claims.sqlite"))
        try:
            assert second.told["store"] is None
            assert f"PID {first.pid}" in second.log
            assert second.ask("GET", "/healthz").status == 200
            assert second.ask("GET", "/v1/status").status == 404
        finally:
            assert second.end() == 0
        assert first.claim().status == 201


def test_a_command_that_has_the_store_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    """As `portbook claim` does without a service."""
    (tmp_path / "claims.sqlite.lock").touch(0o600)
    hold = (
        "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, 2); "
        "print(1, flush=True); time.sleep(1)"
    )
    argv = [sys.executable, "-c", hold, str(tmp_path / "claims.sqlite.lock")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        with serving_claims(tmp_path) as service:
            assert service.told["store"] == str(tmp_path / "claims.sqlite")


def test_without_claims_on_purpose(tmp_path: Path) -> None:
    """--no-claims: no socket, no store, and no /v1."""
    with serving_claims(tmp_path, "--no-claims") as service:
        assert (service.told["socket"], service.told["store"]) == (None, None)
        assert service.ask("GET", "/v1/claims").status == 404
    assert not (tmp_path / "claims.sqlite").exists()


def test_sigterm_answers_who_waits(tmp_path: Path) -> None:
    """The drain takes no ten seconds: a wait ends as if its time were over."""
    with serving_claims(tmp_path) as service:
        claim = service.claim(port=free_port(), ttl_ms=60_000).claim
        service.ask("POST", "/v1/sems/s/acquire", {"limit": 1, "ttl_ms": 60_000})
        last = service.ask("GET", "/v1/events?since=0").document["last"]
        waits = [
            ("POST", "/v1/claims", {"port": claim["port"], "wait_ms": 60_000}),
            ("POST", "/v1/sems/s/acquire", {"limit": 1, "wait_ms": 60_000, "request_id": "w"}),
        ]
        links = [service.connect() for _ in range(3)]
        for link, (method, path, body) in zip(links, waits, strict=False):
            link.sendall(service.raw(method, path, json.dumps(body).encode()))
        until(lambda: service.ask("GET", "/v1/status").document["waiting"] == 2)
        last += 1  # the event that somebody waits
        links[2].sendall(service.raw("GET", f"/v1/events?since={last}&wait_ms=60000"))
        until(lambda: service.ask("GET", "/v1/status").document["waiting"] == 3)
        began = time.monotonic()
        os.kill(service.pid, signal.SIGTERM)
        assert [one_answer(link).status for link in links] == [409, 408, 200]
        assert service.end() == 0
        assert time.monotonic() - began < 4
        for link in links:
            link.close()
        service.start()
        assert service.ask("GET", f"/v1/claims/{claim['id']}").document["state"] == "reserved"


def test_no_descriptors_left(tmp_path: Path) -> None:
    """Watching needs one each; without, an owner's death is noticed in a moment all the same."""
    few = ("prlimit", "--nofile=200:200")
    if shutil.which("prlimit") is None:
        pytest.skip("needs prlimit")
    service = Claims(tmp_path)
    service.start(argv=few)
    try:
        waits = [sys.executable, "-c", "import time; time.sleep(60)"]
        owners = [subprocess.Popen(waits) for _ in range(150)]
        try:
            claims = [
                service.claim(watch_pid=each.pid, range=[24000, 24400]).claim for each in owners
            ]
            links = [service.connect() for _ in range(100)]
            owners[-1].kill()
            owners[-1].wait()
            for link in links:
                link.close()
            taken = claims[-1]["port"]
            assert until(lambda: service.claim(port=taken).status == 201, 3) < 1
            assert service.claim(port=claims[0]["port"]).code == "held"
        finally:
            for each in owners:
                each.kill()
                each.wait()
    finally:
        service.end()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_full_disk_promises_nothing(tmp_path: Path) -> None:
    """507, and nothing is held; what was promised still is, and it goes on when there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=2m none {disk} && exec "$@"'
    # The token and the log are outside of the disk that fails.
    service = Claims(tmp_path, "--store", str(disk / "claims.sqlite"))
    service.start(argv=("unshare", "--mount", "sh", "-c", mount, "sh"))
    into = ["nsenter", "-t", str(service.pid), "--mount", "sh", "-c"]
    try:
        before = service.claim(port=free_port(), ttl_ms=600_000).claim
        fill = f"dd if=/dev/zero of={disk}/filler bs=4k 2>/dev/null; true"
        subprocess.run([*into, fill], check=True)
        for port in range(20_000, 20_600):
            said = service.claim(port=port, name="x" * 200, ttl_ms=600_000)
            if said.status != 201:
                break
        assert (said.status, said.code) == (507, "not_written")
        assert service.ask("GET", f"/v1/claims?port={port}").document == {"claims": []}
        held = service.claim(port=port, hold=True, ttl_ms=600_000)
        assert held.status == 507
        with socket.socket() as link:
            link.bind(("127.0.0.1", port))
        assert service.claim(port=before["port"]).code == "held"
        wait = {"limit": 1, "wait_ms": 9000}
        assert service.ask("POST", "/v1/sems/s/acquire", wait).status == 507
        subprocess.run([*into, f"rm {disk}/filler"], check=True)
        assert service.claim(port=port).status == 201
        service.ask("DELETE", f"/v1/claims/{before['id']}?token={before['token']}")
        assert service.claim(port=before["port"]).status == 201
    finally:
        service.end()
    assert "Traceback" not in service.log


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_store_that_cannot_be_written_is_no_end(tmp_path: Path) -> None:
    """The pages are served without claims, and one line says why."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o ro none {disk} && exec "$@"'
    service = Claims(tmp_path, "--store", str(disk / "claims.sqlite"))
    service.start(argv=("unshare", "--mount", "sh", "-c", mount, "sh"))
    try:
        assert service.told["store"] is None
        assert service.ask("GET", "/healthz").status == 200
        said = service.log.splitlines()
        assert len(said) == 1
        assert said[0].startswith("portbook: no claims are handed out: ")
    finally:
        assert service.end() == 0
