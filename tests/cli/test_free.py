"""`portbook free` as a user runs it: real sockets, real files, a real store."""

import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from command import Run, portbook, recorded
from portbook.host.folders import any_claims, claims_file
from portbook.registry.lookup import lookup
from portbook.registry.nearby import advice_for


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, and the test's working folder."""
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def free(*arguments: str) -> Any:
    """The document of `portbook free`."""
    run = portbook("free", *arguments, "--json")
    assert run.err == ""
    return run.document


def ports(*arguments: str) -> list[int]:
    """The numbers alone."""
    return [each["port"] for each in free(*arguments)["ports"]]


def refused(*arguments: str) -> dict[int, str]:
    """The code of each number that was passed over."""
    return {each["port"]: each["because"] for each in free(*arguments)["refused"]}


def test_a_pipe_gets_the_number_alone() -> None:
    """`PORT=$(portbook free)` works, and twice gives the same."""
    first, second = portbook("free"), portbook("free")
    assert first == second
    assert first.code == 0
    assert first.err == ""
    number = int(first.out)
    assert first.out == f"{number}\n"
    assert advice_for(lookup(number)).code == "free-to-take"


def test_so_many_numbers_one_a_line() -> None:
    """`free 3` is `free --count 3`."""
    run = portbook("free", "3")
    assert run.out.split() == [str(port) for port in ports("--count", "3")]
    assert len(set(run.out.split())) == 3


def test_neighbours_are_neighbours() -> None:
    """Five in a row, none of them registered."""
    found = ports("5", "--contiguous", "--near", "8000")
    assert found == list(range(found[0], found[0] + 5))
    assert all(advice_for(lookup(port)).code == "free-to-take" for port in found)


def test_the_nearest_comes_with_what_was_passed_over() -> None:
    """8080 is registered: the document says so, and every nearer number has its reason."""
    document = free("--near", "8080")
    [chosen] = document["ports"]
    far = abs(chosen["port"] - 8080)
    looked = {each["port"]: each for each in document["refused"]}
    nearer = set(range(8080 - far + 1, 8080 + far))
    assert nearer <= set(looked)
    assert looked[8080]["because"] == "registered"
    assert "http-alt" in looked[8080]["detail"]
    assert str(far) in chosen["why"][0]


def test_a_port_that_is_held_is_passed_over() -> None:
    """A listener, a bound socket that does not listen, and one for UDP alone."""
    first, second, third = ports("3")
    with (
        socket.create_server(("127.0.0.1", first)),
        socket.socket() as bound,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagrams,
    ):
        bound.bind(("127.0.0.1", second))
        datagrams.bind(("::1", third))
        looked = refused()
        assert [looked[port] for port in (first, second, third)] == ["taken"] * 3
        assert third in ports("--tcp")
        assert third not in ports("--udp")
        if portbook("ls").code != 5:
            assert first not in ports("--no-probe")
    assert ports() == [first]


def test_what_the_project_names_is_passed_over(project: Path) -> None:
    """A number in .env or a compose file is somebody's here already."""
    first, second = ports("2")
    (project / ".env").write_text(f"WEB_PORT={first}\n", encoding="utf-8")
    (project / "compose.yaml").write_text(f"ports:\n - {second}:80\n", encoding="utf-8")
    looked = refused()
    assert (looked[first], looked[second]) == ("named", "named")
    os.mkfifo(project / ".env.local")
    run = portbook("free")
    assert run.code == 3
    assert "incomplete: the ports in .env.local" in run.err


def test_what_is_reserved_or_claimed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reservation of this project, and a claim of another, read from the store as it lies."""
    reserved = int(portbook("reserve", "web").out)
    assert refused()[reserved] == "reserved"
    monkeypatch.chdir(tmp_path)
    claimed = ports()[0]
    run = portbook("claim", "--port", str(claimed), "--pid", str(os.getpid()))
    assert run.code == 0, run.err
    found = {each["port"]: each for each in free()["refused"]}
    assert found[claimed]["because"] == "claimed"
    assert f"pid {os.getpid()}" in found[claimed]["detail"]
    assert claimed in ports("--udp"), "the claim is one for TCP"


_ELSEWHERE = """
import subprocess, sys, os
done = subprocess.run([sys.executable, "-m", "portbook", "claim", "--port", sys.argv[1],
    "--pid", str(os.getpid())], capture_output=True, text=True)
print(done.returncode, done.stderr.replace(chr(10), " "), flush=True)
sys.stdin.read()
"""


def test_a_claim_in_another_namespace_is_not_in_the_way() -> None:
    """A container's claim is about the container's own port."""
    port = ports()[0]
    root = () if os.geteuid() == 0 else ("-r",)
    with subprocess.Popen(
        ["unshare", *root, "-n", sys.executable, "-c", _ELSEWHERE, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        assert child.stdout is not None
        said = child.stdout.readline()
        try:
            if not said:
                pytest.skip("no namespaces here")
            assert said.startswith("0 "), said
            assert Path(claims_file()).exists()
            assert ports() == [port]
            assert free_claim(str(port)) is None
        finally:
            child.communicate("")


def test_a_store_that_is_damaged_is_a_gap(own_home: Path) -> None:
    """The answer comes, and says what it could not see."""
    own_home.joinpath("claims.sqlite").write_bytes(b"this is no database" * 100)
    run = portbook("free")
    assert run.code == 3
    assert "claims and reservations" in run.err
    assert run.out.strip().isdigit()


def test_a_range_is_taken_as_it_is_named() -> None:
    """Registered numbers count there, and the answer says what they are."""
    document = free("--range", "8080-8083")
    assert document["ports"][0]["port"] in range(8080, 8084)
    assert any("registered" in why for why in document["ports"][0]["why"])


def test_fewer_than_asked_for_is_a_no() -> None:
    """Exit code 1, with what there is and the reasons against the rest."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        run = portbook("free", "--range", f"{port}-{port}", "--json")
        told = portbook("free", "--range", f"{port}-{port}", "--explain")
    assert run.code == 1
    assert run.document["ports"] == []
    assert run.document["refused"][0]["because"] == "taken"
    assert told.code == 1
    assert "none to be had" in told.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("0",),
        ("1025",),
        ("8080",),
        ("two",),
        ("3", "--count", "3"),
        ("--near", "0"),
        ("--near", "65536"),
        ("--range", "9-8"),
        ("--range", "8000-8001", "--count", "3"),
        ("--range", "x"),
        ("--tcp", "--udp"),
        ("²",),
    ],
)
def test_what_cannot_be_understood_is_one_line(arguments: tuple[str, ...]) -> None:
    """Exit code 2, one line and perhaps a hint, nothing on stdout."""
    run = portbook("free", *arguments)
    assert run.code == 2
    assert run.out == ""
    assert run.err.startswith("portbook: error: ")
    assert len(run.err.splitlines()) <= 2


def test_a_recorded_host_is_asked_by_its_table() -> None:
    """No bind() is tried there, and its own listeners are passed over."""
    run = portbook("free", "--root", recorded("debian12-root"), "--range", "7000-7005", "--json")
    assert run.code in (0, 3)
    assert run.document["ports"][0]["port"] == 7000
    run = portbook("free", "--root", recorded("debian12-root"), "--range", "7001-7005", "--json")
    assert [(each["port"], each["because"]) for each in run.document["refused"]] == [
        (7001, "taken")
    ]
    assert any("was not tried" in why for each in run.document["ports"] for why in each["why"])


def on_terminal(*arguments: str, columns: int, env: dict[str, str] | None = None) -> Run:
    """Run on a terminal of so many columns, and give what it showed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "portbook", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **(env or {})},
    ) as child:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 65_536)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        code = child.wait()
    os.close(ours)
    return Run(code, shown.decode().replace("\r\n", "\n"), "")


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_terminal_gets_the_reasons_within_its_width(columns: int) -> None:
    """The number first, then why; no line is wider, and NO_COLOR takes the colours away."""
    run = on_terminal("free", "--near", "8080", columns=columns, env={"NO_COLOR": "1"})
    lines = run.out.splitlines()
    assert run.code == 0
    assert lines[0].isdigit()
    assert "\x1b" not in run.out
    assert max(map(len, lines)) <= columns
    assert "http-alt" in run.out
    assert "\x1b[32m" in on_terminal("free", columns=columns).out


def test_the_answer_about_a_port_has_its_claim() -> None:
    """`portbook PORT` shows the claim, `why` the reason: it is free to bind, and spoken for."""
    port = str(ports()[0])
    assert free_claim(port) is None
    run = portbook("claim", "--port", port, "--pid", str(os.getpid()))
    assert run.code == 0, run.err
    claim = free_claim(port)
    assert claim["port"] == int(port)
    assert claim["state"] == "reserved"
    told = portbook("why", port, "--json").document
    [reason] = [each for each in told["tcp"]["reasons"] if each["kind"] == "claimed"]
    assert f"pid {os.getpid()}" in reason["detail"]
    assert "nothing listens yet" in reason["detail"]
    assert told["tcp"]["free"] is True
    assert not [each for each in told["udp"]["reasons"] if each["kind"] == "claimed"]
    with socket.create_server(("127.0.0.1", int(port))):
        assert free_claim(port)["state"] == "bound"
        told = portbook("why", port, "--json").document
        assert "and it listens" in told["tcp"]["reasons"][-1]["detail"]


def free_claim(port: str) -> Any:
    """The claim in the answer about a port."""
    return portbook(port, "--json").document["claim"]


def test_without_a_store_no_claims_are_imported() -> None:
    """The cold path stays what it was: two stat() calls, and neither sqlite3 nor our claims."""
    assert not any_claims()
    assert not Path(claims_file()).exists()
    for arguments in (("3255", "--json"), ("free",)):
        run = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "portbook", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        names = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
        assert "portbook.survey" in names
        bad = {name for name in names if "sqlite" in name or name == "http"}
        assert not bad
        if arguments[0] == "3255":
            assert not {name for name in names if "claims" in name or "promised" in name}
            assert "typing" not in names


def test_the_document_is_the_published_one() -> None:
    """Keys and their order."""
    document = free("--near", "8080")
    assert list(document) == ["schema", "ports", "refused", "incomplete"]
    assert document["schema"] == "portbook/free/1"
    assert json.dumps(document).isascii()
