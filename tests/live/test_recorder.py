"""`portbook record` on real processes, and what it survives."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from live.stage import Actor, Ran, actor, environment, run_portbook

pytestmark = pytest.mark.live


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Where the record will be."""
    return str(tmp_path / "history.sqlite")


@contextmanager
def recorder(
    file: str, *options: str, before: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """A recorder at work: its first sample is written."""
    with subprocess.Popen(
        [*before, sys.executable, "-m", "portbook", "record", "--database", file, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


def line(started: subprocess.Popen[str], port: int, kind: str) -> dict[str, Any]:
    """Read its stream up to this change."""
    assert started.stdout
    for text in started.stdout:
        change: dict[str, Any] = json.loads(text)
        assert change["schema"] == "portbook/change/1"
        if (change["port"], change["kind"]) == (port, kind):
            return change
    pytest.fail(f"it ended: {started.communicate()[1]}")


def history(file: str, *options: str) -> Ran:
    """`portbook history` of that file."""
    return run_portbook("history", "--database", file, *options)


def sound(file: str) -> bool:
    """Whether SQLite's own full check finds no fault."""
    link = sqlite3.connect(file)
    try:
        return bool(link.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    finally:
        link.close()


def test_who_held_a_port_and_when_is_recorded(file: str) -> None:
    """A server comes and goes; another one takes its number: two periods, newest last."""
    with recorder(file, "--every", "0.1", "--jsonl") as writing:
        with actor() as first:
            port = first("bind")["port"]
            change = line(writing, port, "appeared")
            assert change["holder"]["pid"] == first.pid
        assert line(writing, port, "gone")["exact"]
        with actor() as second:
            second("bind", port=port)
            assert line(writing, port, "appeared")["exact"]
            document = history(file, str(port), "--json").document
            assert document["recorded"]["running"]
            assert document["incomplete"] == []
            pids = [period["holder"]["pid"] for period in document["periods"]]
            assert pids == [first.pid, second.pid]
            assert document["periods"][0]["until"] is not None
            assert document["periods"][1]["until"] is None
            writing.terminate()
            assert writing.wait(30) == 0
    ran = history(file, str(port))
    assert "still" in ran.out.splitlines()[2]
    assert "no recorder is running" in ran.out
    assert ran.code == 3


def test_a_socket_that_is_handed_on_changes_its_holder(file: str) -> None:
    """The same socket, another process: the first one's end is noticed at once."""
    with actor() as keeper, recorder(file, "--every", "0.1", "--jsonl") as writing:
        port = keeper("bind")["port"]
        line(writing, port, "appeared")
        # The child of a child that ended: nobody above it holds the socket.
        code = (
            "import os, socket, sys, time\n"
            "s = socket.create_server(('127.0.0.1', 0)); s.set_inheritable(True)\n"
            "print(s.getsockname()[1], flush=True)\n"
            "sys.stdin.readline()\n"
            "if os.fork(): os._exit(0)\n"
            "time.sleep(30)"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as giver:
            assert giver.stdin and giver.stdout
            handed = int(giver.stdout.readline())
            assert line(writing, handed, "appeared")["holder"]["pid"] == giver.pid
            giver.stdin.write("\n")
            giver.stdin.flush()
            changed = line(writing, handed, "changed")
            assert changed["holder"]["pid"] != giver.pid
            os.kill(changed["holder"]["pid"], signal.SIGKILL)
            line(writing, handed, "gone")
        pids = [
            period["holder"]["pid"]
            for period in history(file, str(handed), "--json").document["periods"]
        ]
        assert pids == [giver.pid, changed["holder"]["pid"]]


def test_kill_9_at_any_moment_leaves_a_sound_record(file: str) -> None:
    """Killed a dozen times while servers come and go: SQLite's check, and the next run, pass."""
    random.seed(3255)
    # An address that nobody else uses marks the sockets of this test.
    address = f"127.{128 + os.getpid() % 100}.{os.getpid() % 251}.1"
    with actor() as busy:
        for turn in range(12):
            opened = [busy("bind", address=address) for _ in range(20)]
            with recorder(file, "--every", "0.1") as writing:
                time.sleep(random.uniform(0.02, 0.9) if turn else 1.5)
                for made in opened:
                    busy("close", made["fd"])
                time.sleep(random.uniform(0, 0.2))
                writing.kill()
                writing.wait()
            if os.path.exists(file):
                assert history(file).code in (0, 3)
    assert sound(file)
    done = run_portbook("record", "--once", "--database", file)
    assert (done.code, done.err) == (0, "")
    document = history(file, "--json", "--limit", "0").document
    ours = [period for period in document["periods"] if period["address"] == address]
    assert ours
    assert all(period["until"] for period in ours)


@pytest.mark.root
def test_a_full_disk_is_told_once_and_recording_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """A tiny file system is filled under the recorder, then emptied: nothing is broken."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    file = str(folder / "history.sqlite")
    mount = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=256k none "$0" && exec "$@"')
    options = ("--every", "0.1", "--jsonl")
    with recorder(file, *options, before=(*mount, str(folder))) as writing, actor() as busy:
        port = busy("bind")["port"]
        line(writing, port, "appeared")
        inside = f"/proc/{writing.pid}/root{folder}"
        with open(f"{inside}/ballast", "wb", buffering=0) as ballast:
            for size in (4096, 512, 1):
                try:
                    while True:
                        ballast.write(bytes(size))
                except OSError:
                    continue
        lost = [busy("bind") for _ in range(150)]
        assert writing.stderr
        assert "trying again" in writing.stderr.readline()
        time.sleep(0.5)
        assert writing.poll() is None
        Path(inside, "ballast").unlink()
        line(writing, lost[-1]["port"], "appeared")
        assert "works again" in writing.stderr.readline()
        writing.terminate()
        assert writing.wait(30) == 0


@pytest.mark.root
def test_the_record_on_a_disk_that_was_full_is_sound(tmp_path: Path) -> None:
    """Recorders that meet a full disk end with one line, and the file passes SQLite's check."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    with actor() as island:
        island("load")
        island("enter", "mount")
        island("mount", "tmpfs", str(folder), "size=256k")
        inside = Path(f"/proc/{island.pid}/root{folder}")
        record = ("record", "--once", "--database", str(folder / "history.sqlite"))
        asked = ("history", "--json", *record[2:])
        opened = [island("bind") for _ in range(5)]
        assert island.portbook(*record).code == 0
        with open(inside / "ballast", "wb", buffering=0) as ballast:
            for size in (4096, 1):
                try:
                    while True:
                        ballast.write(bytes(size))
                except OSError:
                    continue
        more = [island("bind") for _ in range(300)]
        for _ in range(3):
            ran = island.portbook(*record)
            assert ran.code == 5
            assert ran.err.startswith("portbook: error: ")
            assert ran.err.count("\n") == 1
        # SQLite follows links itself, and /proc/PID/root leads nowhere then: so it is copied.
        shutil.copytree(inside, tmp_path / "copy", ignore=shutil.ignore_patterns("ballast"))
        assert sound(str(tmp_path / "copy" / "history.sqlite"))
        (inside / "ballast").unlink()
        document = island.portbook(*asked, str(opened[0]["port"])).document
        assert [period["until"] for period in document["periods"]] == [None]
        assert island.portbook(*record).code == 0
        assert island.portbook(*asked, str(more[-1]["port"])).document["periods"]
        shutil.copytree(inside, tmp_path / "after")
        assert sound(str(tmp_path / "after" / "history.sqlite"))


def test_a_recorder_that_was_stopped_says_when_it_saw_nothing(file: str) -> None:
    """SIGSTOP for longer than three samples is a pause of the record."""
    with recorder(file, "--every", "0.1", "--jsonl") as writing, actor() as busy:
        line(writing, busy("bind")["port"], "appeared")
        os.kill(writing.pid, signal.SIGSTOP)
        port = busy("bind")["port"]
        time.sleep(3)
        os.kill(writing.pid, signal.SIGCONT)
        assert not line(writing, port, "appeared")["exact"]
        assert [pause["why"] for pause in history(file, "--json").document["pauses"]] == ["stalled"]


def test_one_recorder_at_a_time(file: str) -> None:
    """The second one ends with one line; the lock goes with the first, however that ends."""
    with recorder(file, "--every", "0.1", "--jsonl") as writing, actor() as busy:
        line(writing, busy("bind")["port"], "appeared")
        second = run_portbook("record", "--once", "--database", file)
        assert second.code == 5
        assert "another recorder" in second.err
        writing.kill()
        writing.wait()
    assert run_portbook("record", "--once", "--database", file).code == 0


@pytest.mark.root
def test_a_home_that_cannot_be_written_is_one_line(stranger: Actor, tmp_path: Path) -> None:
    """Another user's folder: not permitted, with a way out."""
    for at in (tmp_path / "history.sqlite", tmp_path / "new" / "history.sqlite"):
        ran = stranger.portbook("record", "--once", "--database", str(at))
        assert ran.code == 4
        assert ran.err.splitlines()[0].startswith("portbook: error: ")
        assert ran.err.splitlines()[1].startswith("hint: ")
        assert len(ran.err.splitlines()) == 2


def test_ctrl_c_ends_it_as_cleanly_and_says_so(file: str) -> None:
    """130, and the record goes to the last sample."""
    with recorder(file, "--every", "0.1", "--jsonl") as writing, actor() as busy:
        line(writing, busy("bind")["port"], "appeared")
        writing.send_signal(signal.SIGINT)
        assert writing.wait(30) == 130
    assert sound(file)
    assert not os.path.exists(f"{file}-wal")
