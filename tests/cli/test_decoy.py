"""`portbook decoy`: its options, its lines and documents, with real visitors."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import Run, portbook, recorded
from live.stage import environment
from portbook.cli.decoy import Stood
from portbook.cli.decoy_text import summary_lines, visit_line
from portbook.cli.render import Style
from portbook.model.visit import ENDS, Visit
from test_documents import validator


class Decoy:
    """A running decoy; the number that it took is read from stderr."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "portbook", "decoy", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        assert self.process.stderr
        self.said = self.process.stderr.readline().decode()
        assert self.said.startswith("standing on "), self.said
        self.port = int(self.said.split()[2].partition("/")[0])

    def line(self) -> str:
        """The next line of stdout."""
        assert self.process.stdout
        return self.process.stdout.readline().decode()

    def end(self, number: int = signal.SIGTERM) -> Run:
        """Ask it to end; what it printed since."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return Run(self.process.returncode, out.decode(), err.decode())


@contextmanager
def decoy(*arguments: str) -> Iterator[Decoy]:
    """A decoy that ends with the block."""
    made = Decoy(*arguments)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate()


def visit(port: int, data: bytes, address: str = "127.0.0.1") -> None:
    """Connect, send, read the end of the stream and nothing else."""
    with socket.create_connection((address, port)) as link:
        link.sendall(data)
        link.shutdown(socket.SHUT_WR)
        link.settimeout(20)
        assert link.recv(1) == b""


REQUEST = b"GET /admin HTTP/1.1\r\nHost: a.example\r\nUser-Agent: curl/8.5.0\r\n\r\n"


def test_a_visit_is_a_line_and_the_end_a_sum() -> None:
    """What it wanted, with the details of its bytes; Ctrl-C ends with exit code 0."""
    with decoy("0/tcp") as running:
        assert f"standing on {running.port}/tcp (127.0.0.1, ::1); Ctrl-C ends" in running.said
        visit(running.port, REQUEST)
        line = running.line()
        visit(running.port, b"", "::1")
        silent = running.line()
        ended = running.end(signal.SIGINT)
    assert f"-> {running.port}/tcp  http (" in line
    assert "user-agent curl/8.5.0" in line
    assert f"; {len(REQUEST)} bytes, it closed after" in line
    assert "[::1]:" in silent
    assert "connected and said nothing; it closed" in silent
    assert (ended.code, ended.out) == (0, "2 visits from 2 addresses: 1 http, 1 nothing\n")


def test_the_documents_fit_their_schemas() -> None:
    """A line for each visit of the stream and the sum; or one document with both."""
    with decoy("0/tcp", "--jsonl") as running:
        visit(running.port, REQUEST)
        told = json.loads(running.line())
        stream = json.loads(running.end().out)
    validator("visit").validate(told)
    validator("decoy").validate(stream)
    assert (told["protocol"], told["ended"], told["bytes"]) == ("http", "closed", len(REQUEST))
    assert (stream["visits"], stream["visits_total"]) == ([], 1)
    with decoy("0", "--json", "--most-visits", "1") as running:
        visit(running.port, b"\x00\x01")
        out, _ = running.process.communicate(timeout=30)
    whole = json.loads(out)
    validator("decoy").validate(whole)
    assert whole["wanted"] == {"unknown": 1}
    assert [each["begins"] for each in whole["visits"]] == ["\\x00\\x01"]
    transports = {(each["port"], each["transport"]) for each in whole["standing"]}
    assert transports == {(running.port, "tcp"), (running.port, "udp")}


def test_nobody_came() -> None:
    """Exit code 1 after the given time."""
    run = portbook("decoy", "0", "--for", "0.2s")
    assert (run.code, run.out) == (1, "nobody came\n")


def test_a_port_that_somebody_listens_on_is_refused() -> None:
    """Also where it listens on another address than we would."""
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        run = portbook("decoy", str(port))
    assert run.code == 1
    assert f"{port}/tcp is held by " in run.err
    assert f"hint: portbook why {port}/tcp" in run.err


def test_a_claimed_port_is_refused_but_to_its_claimant() -> None:
    """The claim's id in PORTBOOK_CLAIM is what `portbook run` gives to its program."""
    claimed = portbook("claim", "--json").document["claims"][0]
    port = str(claimed["port"])
    run = portbook("decoy", f"{port}/tcp", "--for", "0.1s")
    assert (run.code, run.out) == (1, "")
    assert "is claimed by another program" in run.err
    mine = portbook("decoy", f"{port}/tcp", "--for", "0.1s", env={"PORTBOOK_CLAIM": claimed["id"]})
    assert (mine.code, mine.out) == (1, "nobody came\n")


def test_more_than_loopback_is_said() -> None:
    """Who can visit then is told before anybody comes."""
    run = portbook("decoy", "0/tcp", "--address", "0.0.0.0", "--for", "0.1s")
    assert "every machine that reaches this one" in run.err
    run = portbook("decoy", "0/tcp", "--address", "127.0.0.1", "--for", "0.1s")
    assert "every machine" not in run.err


@pytest.mark.live
@pytest.mark.root
def test_it_stands_on_a_link_local_address() -> None:
    """In a namespace of its own, on the interface that the address names."""
    stage = "ip link set lo up; ip -6 address add fe80::1/64 dev lo; exec"
    command = f'{stage} "{sys.executable}" -m portbook decoy 0/tcp --address fe80::1%lo --jsonl'
    call = "import socket, sys; socket.create_connection(('fe80::1%lo', int(sys.argv[1]))).close()"
    with subprocess.Popen(
        ("unshare", "-n", "sh", "-c", command),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as running:
        assert running.stdout and running.stderr
        said = running.stderr.readline().decode()
        assert "(fe80::1%lo); Ctrl-C ends" in said
        inside = ("nsenter", f"--net=/proc/{running.pid}/ns/net", sys.executable, "-c", call)
        subprocess.run((*inside, said.split()[2].partition("/")[0]), check=True, timeout=30)
        told = json.loads(running.stdout.readline())
        running.terminate()
        stream = json.loads(running.communicate(timeout=30)[0])
    assert (told["source"], told["address"]) == ("fe80::1", "fe80::1")
    assert [each["address"] for each in stream["standing"]] == ["fe80::1%lo"]


def test_more_addresses_than_are_told_apart_are_said_to_be_so() -> None:
    """One less is a number."""
    stood = Stood((), "", "", 20_000, 9_999, 0, 0, {"nothing": 20_000}, ())
    assert list(summary_lines(stood)) == ["20000 visits from 9999 addresses: 20000 nothing"]
    (line,) = summary_lines(stood._replace(sources=10_000))
    assert line == "20000 visits from 10,000 or more addresses: 20000 nothing"


def test_first_bytes_are_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    """In a file for each visit, of the name that the visit tells."""
    folder = tmp_path / "visits"
    with decoy("0/tcp", "--jsonl", "--keep", str(folder)) as running:
        visit(running.port, REQUEST)
        told = json.loads(running.line())
    assert (folder / told["file"]).read_bytes() == REQUEST
    assert os.listdir(folder) == [told["file"]]


def test_what_a_visitor_sends_cannot_steer_the_terminal() -> None:
    """Control signs and changes of direction are escaped in every part of the line."""
    hostile = "GET /\x1b[2J HTTP/1.1\r\nUser-Agent: a\x9b31m\u202e\r\nHost: \x07\r\n\r\n".encode()
    with decoy("0/tcp") as running:
        visit(running.port, hostile)
        line = running.line()
    assert line.rstrip("\n").isprintable()


def test_few_open_files_mean_few_visitors_and_that_is_said() -> None:
    """The limit of the system is respected before it is met."""
    command = f'ulimit -n 40; exec "{sys.executable}" -m portbook decoy 0/tcp --for 0.1s'
    done = subprocess.run(["sh", "-c", command], capture_output=True, env=environment(), timeout=60)
    assert b"14 visitors at a time" in done.stderr
    assert done.returncode == 1


_TEXT = st.text(max_size=30)


@given(
    st.builds(
        Visit,
        at=st.just("2026-11-23T09:00:00Z"),
        source=st.sampled_from(("127.0.0.1", "2001:db8::1")),
        source_port=st.integers(0, 65535),
        address=st.just("127.0.0.1"),
        port=st.integers(0, 65535),
        transport=st.sampled_from(("tcp", "udp")),
        protocol=st.none() | _TEXT,
        confidence=st.sampled_from((None, "certain", "likely", "guess")),
        details=st.dictionaries(_TEXT, st.text(max_size=5000), max_size=3),
        tool=st.none() | _TEXT,
        ended=st.sampled_from(ENDS),
        bytes=st.integers(0, 1 << 40),
        seconds=st.floats(0, 1e6),
        begins=_TEXT,
        file=st.none(),
    )
)
def test_every_visit_is_one_printable_line_of_bounded_length(seen: Visit) -> None:
    """Whatever was recognised in whatever bytes."""
    line = visit_line(seen, Style(color=False, width=80, cut=False))
    assert line.isprintable()
    assert len(line) < 12_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("0/sctp",), "no sctp"),
        (("0", "--for", "soon"), "--for"),
        (("0", "--for", "0"), "less than 0.1 s"),
        (("0", "--address", "::1%lo"), "only a link-local address"),
        (("0", "--address", "example"), "is no address"),
        (("0", "--most-visits", "0"), "--most-visits"),
        (("0", "--most-connections", "100000"), "at most 1024"),
        (("2000-3000",), "too many"),
        (("80", "--root", recorded("debian12-root")), "recorded"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2 and one line."""
    run = portbook("decoy", *arguments)
    assert (run.code, run.out) == (2, "")
    assert said in run.err


def test_every_client_gets_not_a_single_byte() -> None:
    """Clients that wait for a greeting, and several at once, read only the end."""
    with decoy("0", "--most-connections", "8") as running:
        threads = [
            threading.Thread(target=visit, args=(running.port, data))
            for data in (b"", b"SSH-2.0-x\r\n", b"\x16\x03\x01\x00\x05hello", REQUEST, b"x" * 9000)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = [running.line() for _ in threads]
    assert all("-> " in line for line in lines)


def test_importing_the_decoy_loads_no_numpy() -> None:
    """It starts at once, and works without the optional package."""
    code = "import portbook.cli.decoy, portbook.traffic.openers, sys; print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment(), timeout=60
    )
    assert done.stdout == b"False\n", done.stderr
