"""What a user without privileges is told."""

import os

import pytest

from live.stage import NOBODY, Actor, actor, cgroup, holding, kinds, port_of

pytestmark = [pytest.mark.live, pytest.mark.root]

DENIED = {"unknown": "denied", "hint": "run as root"}


def test_a_socket_of_another_user_has_its_user_and_hidden_facts(stranger: Actor) -> None:
    """uid and user are known, the process's facts say denied, and the answer is incomplete."""
    with holding() as served:
        ran = stranger.portbook("ls", "--json", "--port", str(port_of(served)))
        assert (ran.code, ran.err) == (3, "")
        (row,) = ran.document["listeners"]
        assert (row["uid"], row["user"]) == (0, "root")
        (owner,) = row["owners"]
        assert owner["user"] == "root"
        assert owner["proof"] in ("cgroup", "none")
        for fact in ("pid", "ppid", "name", "exe", "exe_deleted", "cmdline", "cwd", "started"):
            assert owner[fact] == DENIED
        assert owner["fds"] == DENIED
        assert owner["ancestry"] == DENIED
        assert ran.document["incomplete"]
        assert {gap["hint"] for gap in ran.document["incomplete"]} == {"run as root"}


def test_what_is_hidden_is_never_said_to_be_absent(stranger: Actor) -> None:
    """Unit and container are told by the cgroup or unknown; null would claim there is none."""
    with holding() as served:
        ran = stranger.portbook("ls", "--json", "--port", str(port_of(served)))
        (owner,) = ran.document["listeners"][0]["owners"]
        if owner["proof"] == "none":
            assert owner["unit"] == DENIED
            assert owner["container"] == DENIED
        else:
            assert owner["unit"] or owner["container"]


def test_the_unit_is_known_without_privilege(stranger: Actor, groups: str) -> None:
    """The kernel's cgroup id leads to the unit: proof cgroup, the process stays hidden."""
    with cgroup(f"pbtest{os.getpid()}.service") as path, actor() as served:
        served("write", f"{path}/cgroup.procs", "0")
        port = served("bind")["port"]
        ran = stranger.portbook("ls", "--json", "--port", str(port))
        (owner,) = ran.document["listeners"][0]["owners"]
        assert owner["proof"] == "cgroup"
        assert owner["unit"] == os.path.basename(path)
        assert owner["container"] is None
        assert owner["pid"] == DENIED
        text = stranger.portbook("ls", "--port", str(port), "--wide").out
        assert os.path.basename(path) in text


def test_a_container_is_known_without_privilege(stranger: Actor, groups: str) -> None:
    """The same for a container engine's scope."""
    name = f"docker-{os.urandom(32).hex()}.scope"
    with cgroup(name) as path, actor() as served:
        served("write", f"{path}/cgroup.procs", "0")
        port = served("bind")["port"]
        ran = stranger.portbook("ls", "--json", "--port", str(port))
        (owner,) = ran.document["listeners"][0]["owners"]
        assert owner["proof"] == "cgroup"
        assert owner["container"] == {"engine": "docker", "id": name[7:-6]}


@pytest.mark.parametrize("source", ["procnet", "psutil"])
def test_other_sources_hide_the_same_facts(stranger: Actor, source: str) -> None:
    """Forced to a lesser source an ordinary user gets the row and values that say denied."""
    with holding() as served:
        port = str(port_of(served))
        ran = stranger.portbook("ls", "--source", source, "--json", "--port", port)
        assert (ran.code, ran.err) == (3, "")
        (row,) = ran.document["listeners"]
        (owner,) = row["owners"]
        assert owner["proof"] == "none"
        for fact in ("pid", "name", "exe", "cmdline"):
            assert owner[fact]["unknown"] == "denied"
        text = stranger.portbook("ls", "--source", source, "--port", port)
        assert text.code == 3
        assert "run as root" in text.err
        assert "hidden" in text.out


def test_ones_own_sockets_are_fully_owned(stranger: Actor) -> None:
    """Without any privilege one's own processes are seen as root would see them."""
    served = stranger("bind")
    ran = stranger.portbook("ls", "--json", "--port", str(served["port"]))
    assert ran.out, ran
    (row,) = ran.document["listeners"]
    assert row["uid"] == NOBODY
    # The command is a child of the holder and inherited the socket, so it is an owner as well.
    owner = next(each for each in row["owners"] if each["pid"] == stranger.pid)
    assert (owner["proof"], owner["fds"]) == ("fd", [served["fd"]])
    assert isinstance(owner["exe"], str)
    assert isinstance(owner["cmdline"], list)


def test_a_socket_bound_by_root_without_listening_is_seen_by_everyone(stranger: Actor) -> None:
    """The hardest holder to find needs no privilege to be found."""
    with holding(listen=False) as held:
        port = port_of(held)
        ran = stranger.portbook("why", f"{port}/tcp", "--json")
        assert ran.code == 1
        judged = ran.document["tcp"]
        assert kinds(judged["reasons"])[0] == "bound-not-listening"
        assert judged["reasons"][0]["owner"]["user"] == "root"
        assert judged["reasons"][0]["owner"]["pid"] == DENIED
        assert ran.document["incomplete"]


def test_a_process_of_ours_with_more_capabilities_is_hidden_not_empty(stranger: Actor) -> None:
    """Its folder of open files can be listed, yet no link in it read: that is a refusal."""
    with actor() as capable:
        capable("load")
        served = capable("bind")
        capable("become", NOBODY, keep=True)
        link = f"socket:[{served['inode']}]"
        assert capable("open_links", capable.pid, [link]) == [[served["fd"], link]]
        with pytest.raises(PermissionError):
            stranger("open_links", capable.pid, [link])
        ran = stranger.portbook("ls", "--json", "--port", str(served["port"]))
        assert ran.document["listeners"][0]["owners"][0]["pid"] == DENIED
        assert ran.code == 3


def test_other_namespaces_are_read_without_privilege(stranger: Actor, island: Actor) -> None:
    """A listener in root's other network namespace is mentioned to an ordinary user as well."""
    port = island("bind", address="0.0.0.0")["port"]
    ran = stranger.portbook("why", f"{port}/tcp", "--json")
    assert ran.code == 0
    assert kinds(ran.document["tcp"]["reasons"]) == ["other-netns-publish"]


def test_where_other_users_processes_are_invisible_the_answer_is_still_denied() -> None:
    """/proc mounted with hidepid shows no foreign process at all: hidden, not absent."""
    with holding() as served, actor() as hidden:
        hidden("load")
        hidden("enter", "mount")
        hidden("mount", "proc", "/proc", "hidepid=2")
        hidden("become", NOBODY)
        ran = hidden.portbook("ls", "--json", "--port", str(port_of(served)))
        (owner,) = ran.document["listeners"][0]["owners"]
        assert owner["pid"] == DENIED
        assert ran.document["incomplete"]
        assert ran.code == 3
