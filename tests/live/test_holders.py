import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from live.stage import (
    NOBODY,
    actor,
    cgroup,
    holding,
    inode_of,
    listed,
    port_of,
    rows,
    run_portbook,
    sleep_program,
)
from portbook.host import Host
from portbook.model import Unknown
from portbook.owners import owners_of
from portbook.sockets import read_table

pytestmark = pytest.mark.live

CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")


def test_every_process_of_a_prefork_server_is_listed() -> None:
    """Parent, children and a grandchild that inherited the socket are owners, with their fds."""
    with actor() as parent:
        served = parent("bind")
        children = parent("fork") + parent("fork") + parent("fork", then=[["fork", {}]])
        assert len(children) == 4
        everyone = {parent.pid, *children}
        (row,) = rows(served["port"])
        assert {owner.pid for owner in row.owners} == everyone
        assert {owner.fds for owner in row.owners} == {(served["fd"],)}
        assert {owner.proof for owner in row.owners} == {"fd"}
        assert {o.ppid for o in row.owners if o.pid in children[:3]} == {parent.pid}
        (shown,) = listed(served["port"])
        assert {owner["pid"] for owner in shown["owners"]} == everyone


@pytest.mark.root
def test_a_child_in_another_cgroup_is_still_an_owner(groups: str) -> None:
    """A worker that was moved to a cgroup of its own is found below its parent."""
    with cgroup(f"pbtest-{os.getpid()}.service") as path, actor() as parent:
        served = parent("bind")
        (child,) = parent("fork", then=[])
        away: dict[str, Any] = {"path": f"{path}/cgroup.procs", "text": "0"}
        moved = parent("fork", then=[["write", away]])
        # The kernel keeps children by thread, and many programs fork from any of theirs.
        moved += parent("fork_in_thread", then=[["write", away]])
        (found,) = read_table(Host(), port=served["port"]).sockets
        # Asked for this socket alone, the search has no other reason to look at every process.
        (owners,) = owners_of(Host(), [found])
        assert {owner.pid for owner in owners} == {parent.pid, child, *moved}
        units = {owner.pid: owner.unit for owner in owners}
        assert [units[pid] for pid in moved] == [os.path.basename(path)] * 2
        ran = run_portbook("why", f"{served['port']}/tcp", "--json")
        assert ran.code == 1


def test_a_socket_held_twice_by_one_process_is_one_owner_with_two_descriptors() -> None:
    """dup() adds a descriptor, not an owner."""
    with holding() as served:
        again = os.dup(served.fileno())
        try:
            (row,) = rows(port_of(served))
            (owner,) = row.owners
            assert owner.fds == tuple(sorted((served.fileno(), again)))
        finally:
            os.close(again)


def test_the_facts_of_an_owner_are_those_of_the_process(tmp_path: Path) -> None:
    """Name, command line, executable, folder, start, user and ancestors, as /proc has them."""
    with actor("first argument", "--second") as other:
        served = other("bind")
        (row,) = rows(served["port"])
        (owner,) = row.owners
        assert owner.pid == other.pid
        assert owner.ppid == os.getpid()
        assert owner.exe == os.readlink(f"/proc/{other.pid}/exe")
        assert owner.exe_deleted is False
        assert isinstance(owner.cmdline, tuple)
        assert owner.cmdline[-2:] == ("first argument", "--second")
        assert owner.cwd == os.getcwd()
        assert isinstance(owner.started, str)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", owner.started)
        assert row.socket.uid == os.getuid()
        assert not isinstance(owner.ancestry, Unknown)
        assert [above.pid for above in owner.ancestry][:1] == [os.getpid()]
        assert owner.ancestry[-1].pid == 1
        (shown,) = listed(served["port"])
        assert shown["owners"][0]["ancestry"][0]["pid"] == os.getpid()


def test_an_executable_that_was_deleted_is_said(tmp_path: Path) -> None:
    """`exe_deleted` is true and `exe` is the path without the kernel's suffix."""
    copy = tmp_path / "server"
    shutil.copy(sleep_program(), copy)
    with (
        holding() as served,
        subprocess.Popen(["sleep", "600"], executable=copy, pass_fds=[served.fileno()]) as process,
    ):
        try:
            before = {o.pid: (o.exe, o.exe_deleted) for o in rows(port_of(served))[0].owners}
            assert before[process.pid] == (str(copy), False)
            copy.unlink()
            after = {o.pid: (o.exe, o.exe_deleted) for o in rows(port_of(served))[0].owners}
            assert after[process.pid] == (str(copy), True)
            (shown,) = listed(port_of(served))
            told = {o["pid"]: (o["exe"], o["exe_deleted"]) for o in shown["owners"]}
            assert told[process.pid] == (str(copy), True)
        finally:
            process.kill()


def test_a_file_that_is_really_called_deleted_is_not_taken_for_one(tmp_path: Path) -> None:
    """An existing program named `x (deleted)` keeps its name and is not deleted."""
    copy = tmp_path / "server (deleted)"
    shutil.copy(sleep_program(), copy)
    with (
        holding() as served,
        subprocess.Popen(["sleep", "600"], executable=copy, pass_fds=[served.fileno()]) as process,
    ):
        try:
            known = {o.pid: (o.exe, o.exe_deleted) for o in rows(port_of(served))[0].owners}
            assert known[process.pid] == (str(copy), False)
        finally:
            process.kill()


HOSTILE = [
    b"\x1b[31mred\x1b[0m",
    b"\x1b]0;title\x07",
    b"\xff\xfe invalid",
    b"two\nlines",
    b"\xc2\x9b",
]


def test_hostile_arguments_and_names_cannot_steer_the_terminal_nor_break_json() -> None:
    """Escapes, newlines and invalid UTF-8 in argv and comm: JSON is valid, text has no control."""
    with actor(*HOSTILE) as nasty:
        nasty("rename", "a) (\n\x1b[2J\xff")
        served = nasty("bind")
        (child,) = nasty("fork", then=[["rename", {"comm": ") R 1 ("}]])
        (row,) = rows(served["port"])
        names = {owner.pid: owner.name for owner in row.owners}
        assert names == {nasty.pid: "a) (\n\x1b[2J\ufffd", child: ") R 1 ("}
        parents = {owner.pid: owner.ppid for owner in row.owners}
        assert parents == {nasty.pid: os.getpid(), child: nasty.pid}

        (shown,) = listed(served["port"])
        cmdline = next(o["cmdline"] for o in shown["owners"] if o["pid"] == nasty.pid)
        assert cmdline[-len(HOSTILE) :] == [each.decode("utf-8", "replace") for each in HOSTILE]
        raw = run_portbook("ls", "--json", "--port", str(served["port"])).out
        assert "\\ud" not in raw.replace("\\ufffd", ""), "a lone surrogate is no text"
        assert CONTROL.search(raw.encode()) is None

        for arguments in (
            ["ls", "--port", str(served["port"])],
            ["ls", "--wide", "--port", str(served["port"])],
            ["why", str(served["port"])],
            [str(served["port"])],
        ):
            ran = run_portbook(*arguments, "--color", "never", env={"LC_ALL": "C.UTF-8"})
            assert CONTROL.search(ran.out.encode()) is None
            assert "\\x1b[2J" in ran.out
            assert ran.err == ""


def test_a_hostile_ancestor_name_leaves_json_valid() -> None:
    """The names of the processes above an owner are text, too."""
    with actor() as above:
        above("rename", "\xff\xfe\x1b")
        (child,) = above("fork", then=[["bind", {}]])
        port = next(
            row["port"]
            for row in run_portbook("ls", "--json").document["listeners"]
            for owner in row["owners"]
            if owner["pid"] == child
        )
        (shown,) = listed(port)
        name = shown["owners"][0]["ancestry"][0]["name"]
        assert name == "\ufffd\ufffd\x1b"
        name.encode("utf-8")


@pytest.mark.root
def test_a_process_cannot_forge_its_user_by_its_name() -> None:
    """A line separator in comm makes no line of its own in /proc/PID/status."""
    with actor() as forger:
        forger("rename", "x\x0bUid:\t0\t0")
        forger("become", NOBODY)
        forger("rename", "x\x0bUid:\t0\t0\t0")
        port = forger("bind")["port"]
        (owner,) = rows(port)[0].owners
        assert owner.user == Host().user(NOBODY)
        assert owner.name == "x\x0bUid:\t0\t0\t0"


@pytest.mark.root
def test_a_process_in_a_unit_of_cgroup_v2_is_named_with_it(groups: str) -> None:
    """Unit from the cgroup, the process seen: proof fd."""
    with cgroup(f"pbtest{os.getpid()}.service") as path, actor() as served:
        served("write", f"{path}/cgroup.procs", "0")
        port = served("bind")["port"]
        (row,) = rows(port)
        assert row.socket.cgroup == os.stat(path).st_ino
        (owner,) = row.owners
        assert (owner.pid, owner.proof) == (served.pid, "fd")
        assert owner.unit == os.path.basename(path)
        assert owner.container is None
        (shown,) = listed(port, "--unit", os.path.basename(path))
        assert shown["owners"][0]["unit"] == os.path.basename(path)


@pytest.mark.root
def test_the_owner_is_found_after_it_left_the_cgroup_of_its_socket(groups: str) -> None:
    """A socket keeps the cgroup and user it was made with; its holder may be anywhere, anyone."""
    with cgroup(f"pbtest{os.getpid()}.service") as path, actor() as served:
        served("write", f"{path}/cgroup.procs", "0")
        port = served("bind")["port"]
        served("write", f"{groups}/cgroup.procs", "0")
        served("become", NOBODY)
        (found,) = read_table(Host(), port=port).sockets
        ((owner,),) = owners_of(Host(), [found])
        assert (found.uid, found.cgroup) == (0, os.stat(path).st_ino)
        assert (owner.pid, owner.unit, owner.user) == (served.pid, None, Host().user(NOBODY))


@pytest.mark.root
def test_a_cgroup_whose_name_is_no_utf_8_leaves_json_valid(groups: str) -> None:
    """Unit names are text whatever bytes the folder has."""
    name = b"pb\xff\x1b" + str(os.getpid()).encode() + b".service"
    with cgroup(name) as path, actor() as served:
        served("write", f"{path}/cgroup.procs", "0")
        (shown,) = listed(served("bind")["port"])
        unit = shown["owners"][0]["unit"]
        assert unit.startswith("pb\ufffd\x1b")
        unit.encode("utf-8")


@pytest.mark.root
def test_a_socket_of_a_process_outside_our_pid_namespace_has_an_owner_that_is_unknown() -> None:
    """Inside a container without the host's processes the row stays, and nothing is guessed."""
    with holding() as served, actor() as contained:
        contained("load")
        contained("enter", "mount", "pid")
        # The first child is PID 1 of the new namespace and mounts its /proc.
        assert contained("fork", then=[["mount", {"kind": "proc", "at": "/proc"}]]) == [1]
        ran = contained.portbook("ls", "--json", "--port", str(port_of(served)))
        (row,) = ran.document["listeners"]
        assert row["inode"] == inode_of(served)
        assert row["user"] == "root"
        (owner,) = row["owners"]
        assert owner["proof"] == "none"
        assert owner["pid"]["unknown"] == "outside"
        assert ran.code == 3
        assert "PID namespace" in ran.document["incomplete"][-1]["why"]
