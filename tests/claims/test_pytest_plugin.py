"""The pytest plugin in real pytest processes: alone, with xdist, and several at once."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portbook.survey.claiming import open_claims

pytestmark = pytest.mark.live

PLUGIN = "portbook.pytest_plugin"
TESTS = """
import os, socket, time
import pytest

@pytest.mark.parametrize("turn", range(6))
def test_it_is_ours_alone(turn, free_port, claimed_port, claim_port):
    third = claim_port(transports=("tcp", "udp"))
    ports = {free_port, claimed_port.port, third.port}
    assert len(ports) == 3
    claimed_port.socket.listen()
    with socket.create_server(("127.0.0.1", free_port)):
        with open(os.environ["LOG"], "a") as log:
            for port in ports:
                log.write(f"{port} +\\n")
        time.sleep(0.05)
        with open(os.environ["LOG"], "a") as log:
            for port in ports:
                log.write(f"{port} -\\n")
"""


def run(folder: Path, *options: str) -> "subprocess.Popen[str]":
    """A pytest of its own with the plugin, in `folder`."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", PLUGIN]
    return subprocess.Popen(
        [*argv, *options, "."],
        cwd=folder,
        env={**os.environ, "LOG": str(folder / "log"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def passes(process: "subprocess.Popen[str]") -> None:
    """It ends well."""
    told, _ = process.communicate(timeout=50)
    assert process.returncode == 0, told


def never_twice(log: Path) -> int:
    """No number was used by two tests at one time; how many uses there were."""
    now: set[str] = set()
    uses = 0
    for row in log.read_text().splitlines():
        port, sign = row.split()
        if sign == "+":
            assert port not in now
            now.add(port)
            uses += 1
        else:
            now.remove(port)
    return uses


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    """A folder with tests that use the fixtures."""
    (tmp_path / "test_ports.py").write_text(TESTS)
    return tmp_path


def test_workers_of_xdist_get_different_numbers(tests: Path) -> None:
    """pytest -n 4: four processes, and everything is given back."""
    pytest.importorskip("xdist")
    passes(run(tests, "-p", "xdist", "-n", "4"))
    assert never_twice(tests / "log") == 18
    assert open_claims().claims() == ()


def test_several_pytest_runs_at_once_get_different_numbers(tests: Path) -> None:
    """Three runs beside each other, as on a build machine."""
    runs = [run(tests) for _ in range(3)]
    for each in runs:
        passes(each)
    assert never_twice(tests / "log") == 54
    assert open_claims().claims() == ()


def test_a_killed_run_leaves_nothing(tests: Path) -> None:
    """SIGKILL in the middle of a test."""
    (tests / "test_ports.py").write_text(
        "import time\ndef test_long(free_port):\n    print(free_port)\n    time.sleep(60)\n"
    )
    process = run(tests)
    deadline = time.monotonic() + 20
    while not open_claims().claims():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert open_claims().claims() == ()


def test_the_plugin_alone_loads_nothing_of_ours() -> None:
    """It costs a run next to nothing: claims are loaded by the first test that wants a port."""
    code = (
        "import sys, pytest; import portbook.pytest_plugin;"
        "print(*[each for each in sys.modules if each.startswith('portbook')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["portbook", "portbook.pytest_plugin"]
