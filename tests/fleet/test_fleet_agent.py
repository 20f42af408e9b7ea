"""The agent with a real store: what comes, what goes, and everything that gets in between."""

import os
import shutil
import signal
import socket
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from command import portbook
from fleet.agent_process import AgentProcess, enrolled, until
from fleet.engines import Postgres


def stored(store: Postgres, port: int) -> list[tuple[object, ...]]:
    """(process, pid, address) of what the store has on a port."""
    found = store.query("SELECT port, process, pid, address FROM portbook.listener")
    return [row[1:] for row in found if row[0] == port]


def history(store: Postgres, port: int) -> list[tuple[datetime, datetime, str]]:
    """(since, until, ended) of the versions of a port that are over."""
    found: Any = store.query(
        'SELECT port, since, "until", ended FROM portbook.history ORDER BY "until"'
    )
    return [row[1:] for row in found if row[0] == port]


def seq(store: Postgres) -> int:
    """The number of the last report that is kept."""
    ((number,),) = store.query("SELECT seq FROM portbook.host WHERE id = 'web-1'")
    assert isinstance(number, int)
    return number


def test_a_listener_comes_and_goes(database: Postgres, tmp_path: Path) -> None:
    """It is in the store one look after it was opened, and in the history when it is closed."""
    url = enrolled(database)
    with AgentProcess(tmp_path, "--store", url, "--every", "1s", "--label", "role=web") as agent:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            until(lambda: stored(database, port))
            ((_, pid, address),) = stored(database, port)
            assert (pid, address) == (os.getpid(), "127.0.0.1")
        until(lambda: history(database, port))
        assert not stored(database, port)
        ((since, over, ended),) = history(database, port)
        assert ended == "closed"
        assert since < over
        assert database.query("SELECT labels, every_ms FROM portbook.host") == [
            ({"role": "web"}, 1000)
        ]
        code, seconds = agent.end()
        assert code == 0
        assert seconds < 5
        assert agent.lines[0].startswith("reporting web-1 to 127.0.0.1:")
        assert "agent:agent" not in agent.lines[0]
        assert agent.lines[1:] == ["reports are kept"]


def test_what_happens_while_the_store_is_dead_is_told_afterwards(
    database: Postgres, tmp_path: Path
) -> None:
    """Killed and started again: the changes come in order, with the moments they were seen at."""
    url = enrolled(database)
    with AgentProcess(tmp_path, "--store", url, "--every", "1s") as agent:
        until(lambda: agent.said("reports are kept"))
        database.kill()
        until(lambda: agent.said("reports wait"))
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            time.sleep(2.5)
        closed = time.time()
        time.sleep(2.5)
        database.start()
        until(lambda: history(database, port))
        ((since, over, ended),) = history(database, port)
        assert ended == "closed"
        assert 0.5 < (over - since).total_seconds() < 4.5
        assert -0.5 < over.timestamp() - closed < 2.3
        until(lambda: agent.said("reports are kept again"))
        assert len([line for line in agent.lines if "reports wait" in line]) == 1


def test_a_killed_agent_goes_on_where_it_was(database: Postgres, tmp_path: Path) -> None:
    """SIGKILL, and another start: the next report is a change, not everything again."""
    url = enrolled(database)
    with AgentProcess(tmp_path, "--store", url, "--every", "1s") as agent:
        until(lambda: agent.said("reports are kept"))
        agent.end(signal.SIGKILL)
    before = seq(database)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        AgentProcess(tmp_path, "--store", url, "--every", "1s") as agent,
    ):
        port = server.getsockname()[1]
        until(lambda: stored(database, port))
        assert not agent.said("everything is reported again")
    assert before < seq(database) < before + 100


def test_what_waits_outlives_the_agent(database: Postgres, tmp_path: Path) -> None:
    """Changes that nobody took are on disk, and the next agent brings them."""
    url = enrolled(database)
    with AgentProcess(tmp_path, "--store", url, "--every", "1s") as agent:
        until(lambda: agent.said("reports are kept"))
        database.kill()
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            time.sleep(2.5)
        time.sleep(1.5)
        agent.end(signal.SIGKILL)
    environ = {"PORTBOOK_DATA_HOME": str(tmp_path)}
    state = portbook("fleet", "agent", "--status", "--json", env=environ)
    assert state.document["waiting"] >= 2
    assert state.document["waiting_s"] >= 1
    assert not state.document["running"]
    database.start()
    done = portbook("fleet", "agent", "--host-id", "web-1", "--once", "--store", url, env=environ)
    assert done.code == 0, done.err
    ((since, over, _),) = history(database, port)
    assert 0.5 < (over - since).total_seconds() < 4.5


def test_a_store_that_was_set_back_gets_everything(database: Postgres, tmp_path: Path) -> None:
    """Another table there than the agent thinks: said once, all is sent, and it is right again."""
    url = enrolled(database)
    with AgentProcess(tmp_path, "--store", url, "--every", "1s") as agent:
        until(lambda: agent.said("reports are kept"))
        database.query("DELETE FROM portbook.listener")
        database.query("UPDATE portbook.host SET hash = 0, total = 0, seq = seq - 1")
        with socket.create_server(("127.0.0.1", 0)) as server:
            until(lambda: stored(database, server.getsockname()[1]))
            assert agent.said("everything is reported again: the store has another table")
            until(lambda: agent.lines[-1] == "reports are kept")


def test_sigterm_ends_it_while_a_store_does_not_answer(tmp_path: Path) -> None:
    """A server that takes the connection and says nothing holds nobody up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody:secret@127.0.0.1:{silent.getsockname()[1]}/portbook"
        with AgentProcess(tmp_path, "--store", url, "--every", "1s") as agent:
            until(lambda: agent.said("reporting web-1"))
            silent.accept()[0].close()
            time.sleep(0.3)
            code, seconds = agent.end()
            assert code == 0
            assert seconds < 3
            assert "secret" not in "\n".join(agent.lines)


def test_ctrl_c_is_130(database: Postgres, tmp_path: Path) -> None:
    """As every other command, and what was seen is kept."""
    url = enrolled(database)
    with AgentProcess(tmp_path, "--store", url) as agent:
        until(lambda: agent.said("reports are kept"))
        assert agent.end(signal.SIGINT)[0] == 130
    assert seq(database)


def test_between_two_reports_there_is_no_connection(database: Postgres, tmp_path: Path) -> None:
    """10,000 agents are not 10,000 connections: an agent lets go of the store when it has told."""
    url = enrolled(database)
    asked = "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'portbook agent%'"
    with AgentProcess(tmp_path, "--store", url, "--every", "30s") as agent:
        until(lambda: agent.said("reports are kept"))
        until(lambda: not database.query(asked))
        assert agent.process.poll() is None


def test_a_host_that_is_not_enrolled_is_told_so_once(database: Postgres, tmp_path: Path) -> None:
    """The agent stays, says why, and its reports are kept as soon as it is enrolled."""
    enrolled(database, "other")
    url = enrolled(database)
    database.query("UPDATE portbook.host SET id = 'web-9' WHERE id = 'web-1'")
    with AgentProcess(tmp_path, "--store", url, "--every", "1s") as agent:
        until(lambda: agent.said("the report was refused"))
        time.sleep(1)
        database.query("UPDATE portbook.host SET id = 'web-1' WHERE id = 'web-9'")
        until(lambda: agent.said("reports are kept again"))
        refused = [line for line in agent.lines if "refused" in line]
        assert refused == [
            "the report was refused: web-1 is not enrolled here for this login",
        ]


def test_once_says_why_nothing_was_kept(database: Postgres) -> None:
    """Empty database, wrong password, no server: one line, a code of its own, no traceback."""
    asked = ("fleet", "agent", "--host-id", "web-1", "--once", "--store")
    empty = portbook(*asked, database.url)
    assert empty.code == 5
    assert "portbook fleet init" in empty.err
    wrong = portbook(*asked, database.url_for("bed", "wrong"))
    assert wrong.code in (4, 5)
    assert "wrong" not in wrong.err.replace("password", "")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = portbook(*asked, f"postgresql://x@127.0.0.1:{closed.getsockname()[1]}/portbook")
    assert gone.code == 5
    for each in (empty, wrong, gone):
        assert each.err.startswith("portbook: error: ")
        assert len(each.err.splitlines()) <= 2


def test_once_and_status(database: Postgres) -> None:
    """Cron's way: each run reports what changed since the last one."""
    url = enrolled(database)
    asked = ("fleet", "agent", "--host-id", "web-1", "--once", "--store", url)
    first = portbook(*asked)
    assert first.code == 0, first.err
    assert first.out == f"report {seq(database)} of web-1 is kept\n"
    assert first.err == ""
    with socket.create_server(("127.0.0.1", 0)) as server:
        second = portbook(*asked, "--json")
        assert stored(database, server.getsockname()[1])
    assert second.document["reported"] == seq(database)
    assert second.document["waiting"] == 0
    assert not second.document["running"]
    state = portbook("fleet", "agent", "--status")
    assert state.code == 0
    assert state.out.splitlines()[0].startswith("web-1: no agent runs, ")
    assert f"report {seq(database)} is kept" in state.out


def test_status_sees_a_running_agent(database: Postgres, tmp_path: Path) -> None:
    """And a second agent with its state is refused."""
    url = enrolled(database)
    environ = {"PORTBOOK_DATA_HOME": str(tmp_path)}
    with AgentProcess(tmp_path, "--store", url) as agent:
        until(lambda: agent.said("reports are kept"))
        state = portbook("fleet", "agent", "--status", "--json", env=environ)
        assert state.document["running"]
        second = portbook("fleet", "agent", "--host-id", "web-1", "--store", url, env=environ)
        assert second.code == 5
        assert "another agent runs with" in second.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing says which host this is"),
        (("--host-id", "web-1"), "neither a store nor a bus is named"),
        (("--host-id", "Web 1"), "is no host id"),
        (("--host-id", "web-1", "--every", "never"), "--every"),
        (("--host-id", "web-1", "--every", "0.1s"), "every is not from 1"),
        (("--host-id", "web-1", "--jitter", "2d"), "--jitter is an hour at most"),
        (("--host-id", "web-1", "--label", "role"), "is no NAME=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...], said: str) -> None:
    """One line and exit code 2."""
    found = portbook("fleet", "agent", *arguments)
    assert found.code == 2
    assert said in found.err


def test_status_without_a_state_is_no() -> None:
    """Nothing was found: 1."""
    found = portbook("fleet", "agent", "--status")
    assert found.code == 1
    assert "no agent has written" in found.out


def test_a_damaged_state_is_said_by_status(own_home: Path) -> None:
    """It is the agent's to set it aside."""
    (own_home / "fleet-agent.state").write_bytes(b"nonsense\n")
    found = portbook("fleet", "agent", "--status")
    assert found.code == 5
    assert "is damaged in line 1" in found.err


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_unit_is_as_systemd_wants_it(tmp_path: Path) -> None:
    """No unknown option; and what an attacker could do with it is little."""
    unit = tmp_path / "portbook-fleet-agent.service"
    shutil.copy(Path(__file__).parents[2] / "contrib" / unit.name, unit)
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=30
    )
    assert verified.returncode == 0
    assert str(tmp_path) not in verified.stderr
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(unit)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    exposure = float(rated.stdout.rpartition(f"level for {unit.name}: ")[2].split()[0])
    assert exposure < 4.5


def test_systemd_is_told_when_the_first_look_is_made(database: Postgres, tmp_path: Path) -> None:
    """Type=notify: READY=1 comes from the agent itself."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.settimeout(20)
        os.environ["NOTIFY_SOCKET"] = path
        try:
            with AgentProcess(tmp_path / "agent", "--store", enrolled(database)):
                assert systemd.recv(100) == b"READY=1"
        finally:
            del os.environ["NOTIFY_SOCKET"]
