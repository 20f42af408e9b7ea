"""A real systemd as PID 1 of namespaces of its own, with a system bus and a user's manager."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from live.stage import NOBODY, cgroup2, environment
from portbook.host import Host
from portbook.model import EnvironmentFault, NotPermitted, Unknown
from portbook.owners.systemd import stop_unit, units_of

pytestmark = pytest.mark.live

SERVERS = os.path.join(os.path.dirname(__file__), "servers")
SYSTEMD = "/lib/systemd/systemd"
HERD = 200

Inside = Callable[..., Any]


def _remove(folder: str) -> None:
    for name, _, _ in sorted(os.walk(folder), reverse=True):
        with suppress(OSError):
            os.rmdir(name)


@pytest.fixture(scope="module")
def inside() -> Iterator[Inside]:
    """What asks portbook in there, such as `inside("units", names=[...])`; it is booted once."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    for program in (SYSTEMD, "unshare", "nsenter", "dbus-daemon"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    top = cgroup2()
    if top is None:
        pytest.skip("no writable cgroup v2 hierarchy is mounted")
    group = os.path.join(top, f"portbook-systemd-{os.getpid()}")
    os.mkdir(group)
    boot = os.path.join(SERVERS, "systemd_boot.sh")
    wrapped = f'echo $$ > {group}/cgroup.procs; exec "$@"'
    unshare = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork"]
    started = subprocess.Popen(
        ["sh", "-c", wrapped, "sh", *unshare, "--kill-child", "sh", boot, str(HERD)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )

    def ask(
        command: str, *, env: dict[str, str] | None = None, uid: int = 0, **arguments: Any
    ) -> Any:
        with open(f"/proc/{started.pid}/task/{started.pid}/children") as children:
            first = children.read().split()[0]
        script = os.path.join(SERVERS, "systemd_inside.py")
        done = subprocess.run(
            [
                *("nsenter", "-t", first, "--mount", "--pid", "--net", "--cgroup"),
                *(sys.executable, script, str(uid), command, json.dumps(arguments)),
            ],
            capture_output=True,
            env={**environment(), **(env or {})},
            timeout=30,
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    try:
        yield _booted(ask, started)
    finally:
        # PID 1's end is that of all of its namespace.
        with suppress(ProcessLookupError):
            started.send_signal(signal.SIGKILL)
        started.communicate()
        for _ in range(100):
            with open(f"{group}/cgroup.events") as events:
                if "populated 0" in events.read():
                    break
            time.sleep(0.05)
        _remove(group)


def _booted(ask: Inside, started: "subprocess.Popen[bytes]") -> Inside:
    """Wait until everything is up; a machine on which systemd does not boot skips the tests."""
    state: Any = "nothing"
    for _ in range(150):
        if started.poll() is not None:
            assert started.stderr
            pytest.skip(f"systemd does not boot here: {started.stderr.read().decode()[-300:]}")
        with suppress(AssertionError, IndexError, OSError):
            state = ask("ready")
            if "name" in state["facts"] and all(state["up"]):
                return ask
        time.sleep(0.2)
    pytest.skip(f"systemd came up in parts only: {state}")


def test_a_running_unit_has_description_file_and_state(inside: Inside) -> None:
    """All of it over the system bus."""
    answer = inside("units", names=["web.service", "no-such.service"])
    assert answer["units"]["web.service"] == {
        "name": "web.service",
        "scope": "system",
        "description": "A web server for the test",
        "fragment": "/run/systemd/system/web.service",
        "state": "active/running",
        "restarts": 0,
    }
    assert answer["units"]["no-such.service"]["unknown"] == "vanished"


def test_two_hundred_units_are_answered_for_in_one_conversation(inside: Inside) -> None:
    """All within the deadline of one source; a herd is the usual case, not the exception."""
    names = [f"herd-{number}.service" for number in range(HERD)]
    answer = inside("units", names=names)
    print(f"{HERD} units: {answer['took'] * 1000:.0f} ms, jeepney's import included")
    assert {answer["units"][name]["state"] for name in names} == {"active/running"}
    assert answer["units"]["herd-7.service"]["description"] == "Sheep 7"


def test_a_stranger_is_told_the_same_as_root(inside: Inside) -> None:
    """Reading properties takes no privilege."""
    answer = inside("units", names=["web.service"], uid=NOBODY)
    assert answer["units"]["web.service"]["fragment"] == "/run/systemd/system/web.service"


def test_restarts_are_counted(inside: Inside) -> None:
    """A service that systemd had to start again says so."""
    before = inside("units", names=["web.service"])["units"]["web.service"]["restarts"]
    inside("kill", port=8099)
    for _ in range(100):
        after = inside("units", names=["web.service"])["units"]["web.service"]
        if after["restarts"] == before + 1 and after["state"] == "active/running":
            return
        time.sleep(0.1)
    pytest.fail(f"restarts stayed at {after}")


def test_the_unit_of_a_user_is_asked_from_that_users_systemd(inside: Inside) -> None:
    """By the cgroup's path; there is no user bus, so systemd's own socket answers."""
    listener = inside("listener", port=8098)
    (path,) = listener["paths"]
    assert path.endswith("/user@65534.service/app.slice/own.service")
    expected = {
        "name": "own.service",
        "scope": "user",
        "description": "A server of the user",
        "fragment": "/run/systemd/user/own.service",
        "state": "active/running",
        "restarts": 0,
    }
    assert listener["facts"] == [[expected]]
    own = inside("units", names=["own.service"], scope="user", uid=NOBODY)
    assert own["units"]["own.service"] == expected


def test_another_users_systemd_is_not_asked_without_root(inside: Inside) -> None:
    """Denied, and how to get it."""
    answer = inside("units", names=["x.service"], scope="user:0", uid=NOBODY)
    assert answer["units"]["x.service"] == {"unknown": "denied", "hint": "run as root"}


def test_a_socket_names_its_unit_and_the_service_before_it_is_started(inside: Inside) -> None:
    """PID 1 holds it; the cgroup in which it was made is that of the socket unit."""
    listener = inside("listener", port=7007)
    assert listener["paths"][0].endswith("/system.slice/echo.socket")
    assert listener["owners"] == [["init.scope"]]
    assert listener["activations"] == [
        {"socket": "echo.socket", "service": "repeat.service", "running": False}
    ]
    assert inside("listener", port=8099)["activations"] == [None]


def test_a_socket_names_its_unit_and_the_service_after_it_was_started(inside: Inside) -> None:
    """The first connection starts the service, which then holds the same socket."""
    assert inside("connect", port=7007) is True
    listener = inside("listener", port=7007)
    assert listener["paths"][0].endswith("/system.slice/echo.socket")
    assert listener["owners"] == [["init.scope", "repeat.service"]]
    assert [each["description"] for each in listener["facts"][0]][1] == "What is behind the socket"
    assert listener["activations"][0]["running"] is True
    unprivileged = inside("listener", port=7007, uid=NOBODY)
    assert unprivileged["activations"] == listener["activations"]


@pytest.mark.parametrize("address", ["unix:path=/run/nobody-is-here", "tcp:host=x", "", "rubbish"])
def test_without_a_bus_the_files_of_units_name_the_service(inside: Inside, address: str) -> None:
    """And the cgroups tell whether it runs."""
    env = {"DBUS_SYSTEM_BUS_ADDRESS": address}
    answer = inside("activation", socket_unit="echo.socket", env=env)
    assert answer["service"] == "repeat.service"
    assert answer["running"] in (True, False)


def test_a_service_for_each_connection_is_named_by_its_template(inside: Inside) -> None:
    """With and without a bus; it runs while a connection is open."""
    assert inside("connect", port=7008) == "anybody there?\n"
    for env in ({}, {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/run/nobody-is-here"}):
        answer = inside("activation", socket_unit="each.socket", env=env)
        assert answer["service"] == "each@.service"
        assert answer["running"] in (True, False)


def test_a_unit_is_stopped_and_waited_for(inside: Inside) -> None:
    """systemd's own word for the result, and the unit is down when it comes."""
    assert inside("stop", unit="herd-3.service") == "done"
    assert inside("stop", unit="herd-4.service", force=True) == "done"
    answer = inside("units", names=["herd-3.service", "herd-4.service"])["units"]
    assert answer["herd-3.service"]["state"] == "inactive/dead"
    assert answer["herd-4.service"]["state"] in ("inactive/dead", "failed/failed")
    assert inside("stop", unit="own.service", scope="user:65534") == "done"


def test_a_unit_that_is_not_there_cannot_be_stopped(inside: Inside) -> None:
    """One line says so."""
    answer = inside("stop", unit="no-such.service")
    assert answer[:2] == ["EnvironmentFault", "systemd does not know no-such.service"]


def test_a_stranger_may_not_stop_a_unit(inside: Inside) -> None:
    """Refused by systemd itself, and the unit goes on."""
    answer = inside("stop", unit="herd-5.service", uid=NOBODY)
    assert answer == ["NotPermitted", "systemd does not let us stop herd-5.service", "run as root"]
    state = inside("units", names=["herd-5.service"])["units"]["herd-5.service"]["state"]
    assert state == "active/running"


FAULTS = {
    "silent": "unreadable",
    "hang": "unreadable",
    "close": "unreadable",
    "garbage": "unreadable",
    "enormous": "unreadable",
    "drip": "unreadable",
    "flood": "unreadable",
    "structures": "unreadable",
    "another-type": "unreadable",
    "half": "unreadable",
    "odd-error": "unreadable",
    "no-dbus": "unreadable",
    "reject": "denied",
    "deny": "denied",
}


@contextmanager
def bad_bus(folder: str, how: str) -> Iterator[str]:
    """The address of a bus that misbehaves."""
    path = os.path.join(folder, "bus")
    script = os.path.join(SERVERS, "systemd_bus.py")
    with subprocess.Popen([sys.executable, script, path, how], stdout=subprocess.PIPE) as server:
        assert server.stdout and server.stdout.readline()
        try:
            yield f"unix:path={path}"
        finally:
            server.kill()


@pytest.mark.parametrize("how", FAULTS)
def test_a_bus_that_misbehaves_is_unknown_within_the_deadline(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real server process on a Unix socket; neither time nor an error gets out."""
    with bad_bus(str(tmp_path), how) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        start = time.monotonic()
        answer = units_of(Host(), ["ssh.service"], deadline=0.4)["ssh.service"]
        assert time.monotonic() - start < 2
        assert isinstance(answer, Unknown)
        assert answer.unknown == FAULTS[how]
        assert answer.hint and "\n" not in answer.hint
        refused = NotPermitted if FAULTS[how] == "denied" else EnvironmentFault
        with pytest.raises(refused):
            stop_unit(Host(), "ssh.service", deadline=0.4)


def test_a_bus_without_systemd_says_that_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real dbus-daemon, on which no systemd has a name."""
    program = shutil.which("dbus-daemon")
    if program is None:
        pytest.skip("dbus-daemon is not installed")
    address = f"unix:path={tmp_path}/bus"
    with subprocess.Popen(
        [program, "--session", "--nofork", f"--address={address}", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdout and server.stdout.readline()
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        answer = units_of(Host(), ["ssh.service"])["ssh.service"]
        server.kill()
    assert answer == Unknown("unsupported", f"no systemd answers at {tmp_path}/bus")
