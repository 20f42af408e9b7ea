"""`portbook claim`, `renew` and `release` as a user runs them, with and without the service."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from claims.served import on_terminal, service
from command import Run, portbook
from test_documents import validator

pytestmark = pytest.mark.live


@pytest.fixture(params=["store", "service"])
def via(own_home: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Who has the claims."""
    with service(own_home) if request.param == "service" else open(os.devnull, "rb"):
        yield request.param


def project(folder: Path, name: str) -> str:
    """A folder under version control."""
    (folder / name / ".git").mkdir(parents=True)
    return str(folder / name)


def fits(name: str, run: Run) -> None:
    """The document is that of the published schema."""
    assert run.document["schema"] == f"portbook/{name}/1"
    validator(name).validate(run.document)


def test_a_claim_its_renewal_and_its_end(via: str) -> None:
    """stdout is the number alone; the token is for who asks for it."""
    made = portbook("claim")
    assert made.code == 0
    port = int(made.out)
    assert f"{port}/tcp is claimed for 10m" in made.err
    refused = portbook("claim", "--port", str(port))
    assert (refused.code, refused.out) == (1, "")
    shown = portbook("claims", "--json")
    fits("claims", shown)
    [claim] = shown.document["claims"]
    assert (claim["port"], claim["state"], claim["ttl_ms"]) == (port, "reserved", 600_000)
    renewed = portbook(
        "renew", claim["id"], "--token", str(claim["token"]), "--ttl", "2h", "--json"
    )
    fits("renew", renewed)
    assert renewed.document["claims"][0]["ttl_ms"] == 7_200_000
    wrong = portbook("release", claim["id"], "--token", "1")
    assert wrong.code == 1
    released = portbook("release", str(port), "--json")
    fits("release", released)
    assert released.document["released"][0]["released"] is True
    again = portbook("release", claim["id"], "--token", str(claim["token"]))
    assert (again.code, again.out) == (1, f"{claim['id']} had ended before\n")
    assert portbook("renew", claim["id"], "--token", str(claim["token"])).code == 1
    assert portbook("release", str(port)).code == 1


def test_the_document_says_which_side_answered(via: str) -> None:
    """`via` is service or store, and the document fits its schema."""
    made = portbook("claim", "--tcp", "--udp", "--label", "job=7", "--json")
    fits("claim", made)
    assert made.document["via"] == via
    rows = made.document["claims"]
    assert [row["transport"] for row in rows] == ["tcp", "udp"]
    assert len({row["port"] for row in rows}) == 1
    assert rows[0]["labels"] == {"job": "7"}


def test_a_name_is_the_same_number_in_its_project_and_another_elsewhere(
    via: str, tmp_path: Path
) -> None:
    """Same project and name, same number; released by the name of this project alone."""
    here, there = project(tmp_path, "here"), project(tmp_path, "there")
    first = int(portbook("claim", "--name", "web", "--project", here).out)
    other = int(portbook("claim", "--name", "web", "--project", there).out)
    assert first != other
    several = portbook("release", "web")
    assert several.code == 2
    done = subprocess.run(
        [sys.executable, "-m", "portbook", "release", "web"],
        cwd=here,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stdout == f"{first}/tcp is released\n"
    assert int(portbook("claim", "--name", "web", "--project", here).out) == first


def test_several_neighbours_and_what_a_shell_evaluates(via: str) -> None:
    """`--count 3 --contiguous` is one claim of three; --export names them."""
    made = portbook("claim", "--count", "3", "--contiguous", "--export")
    script = f'{made.out}\necho "$PORT $PORT_1 $PORT_2 $PORTBOOK_CLAIM $PORTBOOK_TOKEN"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    first, second, third, claim, token = done.stdout.split()
    assert int(third) == int(second) + 1 == int(first) + 2
    assert portbook("release", claim, "--token", token).code == 0


def test_a_lease_of_a_process_ends_with_it(via: str) -> None:
    """`--pid`: as long as it lives, and not longer."""
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        made = portbook("claim", "--pid", str(sleeper.pid), "--ttl", "1s", "--json").document
        port = str(made["claims"][0]["port"])
        assert portbook("claims", "--port", port).code == 0
        sleeper.kill()
    assert portbook("claim", "--port", port).code == 0


def test_a_held_port_is_waited_for(via: str) -> None:
    """`--wait` gets it as soon as it is free, and says who has it where it is not."""
    port = portbook("claim", "--ttl", "1s").out.strip()
    assert portbook("claim", "--port", port, "--wait", "0.2").code == 1
    assert portbook("claim", "--port", port, "--wait", "10s").out.strip() == port


def test_a_hold_needs_the_service(via: str) -> None:
    """With it nobody can bind the number; without it the refusal says how to start it."""
    made = portbook("claim", "--hold")
    if via == "store":
        assert made.code == 1
        assert "portbook serve" in made.err
    else:
        assert portbook("why", made.out.strip() + "/tcp").code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("claim", "--ttl", "0.5s"),
        ("claim", "--ttl", "8d"),
        ("claim", "--ttl", "soon"),
        ("claim", "--port", "70000"),
        ("claim", "--port", "8000-8010"),
        ("claim", "--port", "8080/sctp"),
        ("claim", "--port", "1", "--near", "2"),
        ("claim", "--range", "9-8"),
        ("claim", "--count", "0"),
        ("claim", "--count", "5000"),
        ("claim", "--label", "x"),
        ("claim", "--pid", "0"),
        ("claim", "--pid", "4000000"),
        ("claim", "--name", "a\nb"),
        ("claim", "--name", "8080"),
        ("claim", "--name", "8080/tcp"),
        ("claim", "--name", "x" * 201),
        ("renew",),
        ("renew", "0" * 16, "--token", "-1"),
        ("release", "8080", "--token", "7"),
        ("sem",),
        ("sem", "run", "x"),
        ("sem", "acquire", "x", "--limit", "0"),
        ("sem", "acquire", "x", "--limit", "1", "--n", "2"),
        ("sem", "acquire", "x\x1b", "--limit", "1"),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_what_cannot_be_meant_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    """One line, and nothing is claimed."""
    refused = portbook(*arguments)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("portbook: error: ")
    assert portbook("claims").out == "nothing is claimed\n"


def test_the_holder_is_named_and_the_way_out(via: str) -> None:
    """Held by a process: its program, PID, user and claim; ours is to be renewed or released."""
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        made = portbook("claim", "--pid", str(sleeper.pid), "--json").document["claims"][0]
        refused = portbook("claim", "--port", str(made["port"]))
        sleeper.kill()
    assert refused.code == 1
    assert f"is held by sleep (pid {sleeper.pid}), user " in refused.err
    assert f"claim {made['id']}" in refused.err
    assert f"hint: portbook renew {made['id']}, or portbook release {made['id']}" in refused.err
    portbook("claim", "--name", "web")
    assert (
        "hint: portbook renew web, or portbook release web"
        in portbook("claim", "--name", "web").err
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        refused = portbook("claim", "--port", port)
    assert f"pid {os.getpid()}" in refused.err or str(os.getpid()) in refused.err
    assert f"portbook why {port}" in refused.err


def test_a_number_reserved_for_us_is_to_be_had_by_its_name(via: str, tmp_path: Path) -> None:
    """The refusal of a reserved number says under which name this project has it."""
    here, there = project(tmp_path, "here"), project(tmp_path, "there")
    port = portbook("reserve", "web", "--project", here).out.strip()
    refused = portbook("claim", "--port", port, "--project", here)
    assert refused.code == 1
    assert f"hint: portbook claim --name web, or portbook unreserve {port}\n" in refused.err
    assert "--name web" not in portbook("claim", "--port", port, "--project", there).err


def test_the_first_digits_of_an_id_are_enough(via: str) -> None:
    """Eight digits, as a terminal shows them; seven are none, and a port is called one."""
    made = portbook("claim", "--json").document["claims"][0]
    short = made["id"][:8]
    assert portbook("renew", short).code == 0
    assert portbook("renew", short, "--token", "1").code == 1
    # Seven decimal digits are taken for a port, which they are not either.
    assert portbook("release", made["id"][:7]).code in (1, 2)
    assert portbook("release", short).out == f"{made['port']}/tcp is released\n"
    assert "no claim has port 8080\n" in portbook("release", "8080").err


def test_what_cannot_be_told_is_not_claimed(via: str) -> None:
    """A full disk behind stdout: exit code 5, and nothing is left claimed."""
    for arguments in (("claim",), ("claim", "--json"), ("sem", "acquire", "gpu", "--limit", "1")):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "portbook", *arguments],
                stdout=full,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        assert done.returncode == 5
    assert portbook("claims").out == "nothing is claimed\n"


@pytest.mark.parametrize(
    "words", ["claim", "reserve web", "env --name web", "unreserve web", "claim --port 28123"]
)
def test_a_working_directory_that_is_gone_is_said(words: str, tmp_path: Path) -> None:
    """One line that names it, in place of a file that cannot be found."""
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'rmdir "$PWD"; exec {sys.executable} -m portbook {words}'
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=gone,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("portbook: error: the working directory is gone\n")


def test_a_person_is_told_what_we_wait_for() -> None:
    """After a second, on a terminal: who has the port."""
    port = portbook("claim", "--ttl", "1m").out.strip()
    assert f"waiting: {port}/tcp is held by user " in on_terminal(
        "claim", "--port", port, "--wait", "1.2"
    )
