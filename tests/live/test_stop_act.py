"""`portbook stop` on real processes: the right one ends, and only that one."""

import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from live.stage import Actor, actor, environment, holding, port_of, rows, run_portbook
from portbook.cli.stop_act import Stopper, act
from portbook.cli.stop_plan import Plan, Step, make_plan
from portbook.host import Host
from portbook.host.signals import Process

pytestmark = pytest.mark.live

SERVE = """
import signal, socket, subprocess, sys, time
{0}
served = socket.socket()
served.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
served.bind(("127.0.0.1", int(sys.argv[1])))
served.listen()
print(served.getsockname()[1], flush=True)
{1}
time.sleep(60)
"""
STUBBORN = SERVE.format("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "")
PARENT = SERVE.format(
    "",
    "served.set_inheritable(True);"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
    " close_fds=False, start_new_session=True)",
)
SUPERVISOR = """
import socket, subprocess, sys
port = 0
while True:
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(port)], stdout=subprocess.PIPE)
    port = int(child.stdout.readline())
    print(port, flush=True)
    child.wait()
"""


@contextmanager
def program(text: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """A Python program that prints its port first: (pid, port). All of its session is ended."""
    with subprocess.Popen(
        [sys.executable, "-c", text, *(arguments or ("0",))],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        assert started.stdout
        port = int(started.stdout.readline())
        try:
            yield started.pid, port
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)


def lives(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        with Process(pid) as pinned:
            return not pinned.ended()
    except ProcessLookupError:
        return False


def test_the_listener_ends_and_its_client_lives_on() -> None:
    """A browser that has the page open holds the same number, and is not meant."""
    with actor() as server, actor() as client:
        port = server("bind")["port"]
        client("connect", "127.0.0.1", port)
        ran = run_portbook("stop", str(port), "--yes", "--json")
        assert (ran.code, ran.err) == (0, "")
        assert ran.document["outcome"] == "stopped"
        assert [(one["pid"], one["how"]) for one in ran.document["ended"]] == [(server.pid, "TERM")]
        assert not lives(server.pid)
        assert lives(client.pid)
        assert run_portbook("stop", str(port), "--yes").code == 1


def test_a_client_alone_is_nothing_to_stop() -> None:
    """Its own end of a connection is no listener."""
    with holding() as served, actor() as client:
        mine = client("connect", "127.0.0.1", port_of(served))["port"]
        ran = run_portbook("stop", str(mine), "--yes")
        assert (ran.code, ran.out) == (1, f"nothing listens on {mine}\n")
        assert lives(client.pid)


def test_the_dry_run_shows_the_plan_that_is_carried_out() -> None:
    """One plan value: a prefork server is signalled at its top, its workers follow."""
    with actor() as master:
        port = master("bind")["port"]
        workers = [*master("fork"), *master("fork")]
        dry = run_portbook("stop", str(port), "--dry-run", "--json")
        assert (dry.code, dry.document["outcome"]) == (0, "planned")
        assert all(lives(pid) for pid in (master.pid, *workers))
        assert len(rows(port)[0].owners) == 3
        wet = run_portbook("stop", str(port), "--yes", "--json")
        assert wet.code == 0
        assert wet.document["steps"] == dry.document["steps"]
        (step,) = wet.document["steps"]
        assert [each["pid"] for each in step["processes"]] == [master.pid]
        assert rows(port) == []


def test_what_does_not_end_on_term_is_killed_only_by_force() -> None:
    """Without --force it is told that it still runs."""
    with program(STUBBORN) as (pid, port):
        ran = run_portbook("stop", str(port), "--yes", "--wait", "0.3s")
        assert ran.code == 1
        assert "has not ended on TERM" in ran.out
        assert "--force" in ran.out
        assert lives(pid)
        forced = run_portbook("stop", str(port), "--yes", "--wait", "0.3s", "--force")
        assert forced.code == 0
        assert f"({pid}): killed" in forced.out
        assert not lives(pid)


def test_a_child_that_keeps_the_socket_is_told_and_ends_with_tree() -> None:
    """The port is looked at afterwards: the end of the master alone is no success."""
    with program(PARENT) as (pid, port):
        ran = run_portbook("stop", str(port), "--yes", "--json")
        assert (ran.code, ran.document["outcome"]) == (1, "still-held")
        assert not lives(pid)
        (left,) = (owner.pid for owner in rows(port)[0].owners)
        assert isinstance(left, int)
        assert run_portbook("stop", str(port), "--yes").code == 0
        assert not lives(left)
    with program(PARENT) as (pid, port):
        ran = run_portbook("stop", str(port), "--yes", "--tree", "--json")
        assert ran.code == 0
        assert len(ran.document["steps"][0]["processes"]) == 2
        assert ran.document["steps"][0]["processes"][0]["pid"] == pid


def test_its_own_ancestors_are_refused_even_by_force() -> None:
    """This test runs portbook, so portbook does not end it."""
    with holding() as served:
        port = str(port_of(served))
        for extra in ((), ("--force",)):
            ran = run_portbook("stop", port, "--yes", *extra)
            assert ran.code == 4
            assert "portbook itself runs below it" in ran.err
            assert "hint" not in ran.err
        assert run_portbook("stop", port, "--dry-run").code == 4


def test_a_protected_name_takes_force() -> None:
    """A server called sshd is left alone unless one insists."""
    with actor() as server:
        server("rename", "sshd")
        port = str(server("bind")["port"])
        ran = run_portbook("stop", port, "--yes")
        assert ran.code == 4
        assert "protected" in ran.err and "--force" in ran.err
        assert lives(server.pid)
        assert run_portbook("stop", port, "--yes", "--force").code == 0
        assert not lives(server.pid)


def test_several_owners_are_listed_and_not_guessed() -> None:
    """Two servers share a port: --all ends both, a narrower PORT one."""
    with actor() as one, actor() as two, actor() as three:
        port = one("bind", reuseport=True)["port"]
        two("bind", port=port, reuseport=True)
        three("bind", transport="udp", port=port)
        ran = run_portbook("stop", str(port), "--yes")
        assert ran.code == 2
        assert "3 different owners" in ran.err
        assert str(one.pid) in ran.err and str(two.pid) in ran.err
        assert run_portbook("stop", f"{port}/udp", "--yes").code == 0
        assert [lives(each.pid) for each in (one, two, three)] == [True, True, False]
        assert run_portbook("stop", str(port), "--yes", "--all").code == 0
        assert [lives(each.pid) for each in (one, two)] == [False, False]


def test_an_address_narrows_it() -> None:
    """The same number on two addresses, one of them meant."""
    with actor() as one, actor() as two:
        port = one("bind")["port"]
        two("bind", address="127.0.0.2", port=port)
        ran = run_portbook("stop", str(port), "--address", "127.0.0.2", "--yes")
        assert ran.code == 0
        assert [lives(one.pid), lives(two.pid)] == [True, False]


@pytest.mark.root
def test_another_users_server_is_not_permitted(stranger: Actor) -> None:
    """Who holds it cannot even be seen: exit code 4, and a way out."""
    with actor() as server:
        port = server("bind")["port"]
        ran = stranger.portbook("stop", str(port), "--yes")
        assert ran.code == 4
        assert "run as root" in ran.err
        assert lives(server.pid)


def planned(port: int) -> Plan:
    """The plan for what listens on a port now."""
    return make_plan(Host(), rows(port))


def carry_out(plan: Plan) -> list[str]:
    """What became of every process."""
    done = act(Host(), plan, patience=5, force=True, ask=lambda _: False)
    return [each.how for each in done.ended]


def test_a_process_that_ended_after_the_plan_is_not_looked_for_again() -> None:
    """Its PID may be somebody else's by now."""
    with actor() as server:
        plan = planned(server("bind")["port"])
    assert carry_out(plan) == ["gone"]


def test_a_pid_that_has_another_start_is_not_signalled() -> None:
    """The same number, another process: planted by a plan with another start time."""
    with actor() as server:
        plan = planned(server("bind")["port"])
        (step,) = plan.steps
        other = step.processes[0]._replace(start_ticks=step.processes[0].start_ticks - 1)
        assert carry_out(plan._replace(steps=(step._replace(processes=(other,)),))) == ["gone"]
        assert lives(server.pid)
        assert carry_out(plan) == ["TERM"]


def test_a_process_that_closed_the_port_after_the_plan_is_left_alone() -> None:
    """It is not the owner any more."""
    with actor() as server:
        served = server("bind")
        plan = planned(served["port"])
        server("close", served["fd"])
        assert carry_out(plan) == ["let-go"]
        assert lives(server.pid)


def test_a_supervisor_that_starts_it_anew_is_told() -> None:
    """The port is held again, by another socket: exit code 1."""
    serve = SERVE.format("", "")
    with program(SUPERVISOR, serve) as (supervisor, port):
        ran = run_portbook("stop", str(port), "--yes", "--json")
        assert (ran.code, ran.document["outcome"]) == (1, "still-held")
        assert ran.document["again"] and not ran.document["still"]
        assert lives(supervisor)


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_on_a_terminal_it_asks_first(answer: str, code: int) -> None:
    """Anything but a yes is a no."""
    with actor() as server:
        port = str(server("bind")["port"])
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "portbook", "stop", port],
            stdin=theirs,
            stderr=theirs,
            stdout=subprocess.PIPE,
            env=environment(),
        ) as asking:
            os.close(theirs)
            said = ""
            while "[y/N]" not in said:
                said += os.read(ours, 4096).decode()
            assert f"TERM {server.pid}" in said
            assert lives(server.pid)
            os.write(ours, answer.encode())
            assert asking.wait(30) == code
        os.close(ours)
        assert lives(server.pid) == bool(code)


def test_without_a_terminal_and_without_yes_nothing_is_done() -> None:
    """A script has to say that it means it."""
    with actor() as server:
        ran = run_portbook("stop", str(server("bind")["port"]))
        assert ran.code == 2
        assert "--yes" in ran.err
        assert lives(server.pid)


def test_units_and_containers_are_ended_by_what_is_plugged_in() -> None:
    """The step reaches its stopper as it was planned, and the port is looked at afterwards."""
    with actor() as server, socket.socket():
        port = server("bind")["port"]
        (step,) = planned(port).steps
        unit = Step("unit", ("web.socket", "web.service"), "user:7", (), step.sockets, None)
        met: list[Step] = []

        def stop(host: Host, step: Step, patience: float, by_force: bool) -> str:  # noqa: FBT001
            met.append(step)
            with Process(server.pid) as pinned:
                pinned.send(signal.SIGTERM)
                assert pinned.ended(patience)
            return "done"

        stoppers: dict[str, Stopper] = {"unit": stop}
        plan = Plan((unit,), ())
        done = act(Host(), plan, patience=5, force=False, ask=lambda _: False, stoppers=stoppers)
        assert met == [unit]
        assert [(each.what, each.how) for each in done.ended] == [
            ("unit web.socket and web.service", "done")
        ]
        assert (done.still, done.again) == ((), ())
