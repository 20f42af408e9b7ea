"""Google's portpicker against the service: its own client, unchanged, and what it never sends."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pages.serving import Serving, serving

pytestmark = pytest.mark.live

PICK = "import portpicker; print(portpicker.pick_unused_port(), flush=True); input()"
NAME = f"@portbook-{os.getpid()}-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One service for these tests, under a name of its own."""
    with serving(tmp_path_factory.mktemp("portserver"), "--portserver", NAME) as found:
        yield found


def claims(served: Serving) -> list[dict[str, Any]]:
    """The live claims of the portserver."""
    found = served.ask("/v1/claims?name=portpicker", known=True).document["claims"]
    return list(found)


def picker(name: str = NAME, code: str = PICK) -> "subprocess.Popen[str]":
    """portpicker's own client in a process of its own, which lives until its stdin ends."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PORTSERVER_ADDRESS": name},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> None:
    """Let a picker end."""
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


def number(process: "subprocess.Popen[str]") -> int:
    """The port that it was given."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def asked(line: bytes, name: str = NAME) -> bytes:
    """What the portserver says to a line, until it hangs up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(20)
        link.connect("\0" + name[1:])
        link.sendall(line)
        heard = b""
        while part := link.recv(100):
            heard += part
        return heard


def eventually_free(served: Serving, port: int) -> bool:
    """Whether nobody has the port any more, within a second and some."""
    for _ in range(30):
        if not any(each["port"] == port for each in claims(served)):
            return True
        time.sleep(0.05)
    return False


def test_portpickers_own_client(served: Serving) -> None:
    """The port is the client's over TCP and UDP for as long as it lives, and free soon after."""
    process = picker()
    port = number(process)
    held = [each for each in claims(served) if each["port"] == port]
    assert sorted(each["transport"] for each in held) == ["tcp", "udp"]
    assert {each["owner"]["pid"] for each in held} == {process.pid}
    assert {each["owner"]["uid"] for each in held} == {os.getuid()}
    ended(process)
    assert eventually_free(served, port)


def test_sixteen_at_once(served: Serving) -> None:
    """Everyone has a number of their own, and each can be bound."""
    processes = [picker() for _ in range(16)]
    ports = [number(each) for each in processes]
    assert len(set(ports)) == 16
    for port in ports:
        with socket.socket() as link:
            link.bind(("127.0.0.1", port))
    for each in processes:
        ended(each)


def test_killed_holder(served: Serving) -> None:
    """SIGKILL frees it as well."""
    process = picker()
    port = number(process)
    process.kill()
    process.communicate()
    assert eventually_free(served, port)


def test_a_scripts_pid_may_be_named(served: Serving) -> None:
    """`portpicker.py $BASHPID`: the process of the same user that is named, not its short child."""
    with subprocess.Popen(["sleep", "60"]) as script:
        port = int(asked(b"%d\n" % script.pid))
        assert {each["owner"]["pid"] for each in claims(served) if each["port"] == port} == {
            script.pid
        }
        script.kill()
    assert eventually_free(served, port)


@pytest.mark.parametrize("line", [b"\n", b"0\n", b"4194303\n", b"99999999999\n", b"%d\n" % 1])
def test_who_asks_is_what_the_kernel_says(served: Serving, line: bytes) -> None:
    """No PID, none that there is, or another user's: then it is the asker's."""
    if os.geteuid() == 0 and line == b"1\n":
        pytest.skip("root may name every process of root")
    port = int(asked(line))
    assert {each["owner"]["pid"] for each in claims(served) if each["port"] == port} == {
        os.getpid()
    }


def test_line_without_its_end(served: Serving) -> None:
    """Who has said all is answered."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.connect("\0" + NAME[1:])
        link.sendall(b"%d" % os.getpid())
        link.shutdown(socket.SHUT_WR)
        assert int(link.recv(100)) > 0
    assert claims(served)


@given(st.binary(max_size=100).filter(lambda data: b"\n" not in data))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_anything_else_gets_no_port(served: Serving, data: bytes) -> None:
    """Random bytes: nothing, and the next is served."""
    if data.strip(b" \r") and not data.strip(b" \r\n").isdigit():
        assert asked(data + b"\n") == b""


def test_slow_ones_do_not_keep_others_waiting(served: Serving) -> None:
    """Fifty who say nothing, and one that is answered at once; they are let go of."""
    silent = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(50)]
    try:
        for each in silent:
            each.connect("\0" + NAME[1:])
        began = time.monotonic()
        assert int(asked(b"\n")) > 0
        assert time.monotonic() - began < 3
        silent[0].settimeout(20)
        assert silent[0].recv(1) == b""
    finally:
        for each in silent:
            each.close()
    assert served.ask("/healthz").status == 200


def test_taken_name_is_said_and_the_service_goes_on(tmp_path: Path, served: Serving) -> None:
    """One line on stderr; everything else works."""
    with serving(tmp_path, "--portserver", NAME) as second:
        assert second.ask("/v1/status").status == 200
        said = (tmp_path / "serve.log").read_text()
        assert f"no portserver on {NAME}: Address already in use" in said
        assert len(said.splitlines()) == 1
    assert int(asked(b"\n")) > 0
    assert served.process.poll() is None


def test_port_is_nobody_elses(served: Serving) -> None:
    """What the portserver gave is refused to who claims over HTTP, with the holder."""
    process = picker()
    port = number(process)
    body = json.dumps({"port": port}).encode()
    reply = served.ask("/v1/claims", "POST", body, known=True, Content_Type="application/json")
    assert reply.status == 409
    assert reply.document["error"]["code"] == "held"
    ended(process)


def test_threads_of_one_process(served: Serving) -> None:
    """Each line is a port of its own, though the PID is the same."""
    with ThreadPoolExecutor(8) as pool:
        ports = list(pool.map(lambda _: int(asked(b"\n")), range(16)))
    assert len(set(ports)) == 16
