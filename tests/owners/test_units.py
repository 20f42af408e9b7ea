"""Reading what systemd and a bus say: paths, names, recordings, and bytes from anywhere."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jeepney import DBusAddress, new_method_call, new_method_return, new_signal
from jeepney.low_level import Endianness

from live.stage import environment
from portbook.host import Host
from portbook.model import NOT_ASKED, EnvironmentFault, Owner, Socket, Transport, UnitFacts, Unknown
from portbook.owners.bus import UNITS, body_of, envelope, size_of
from portbook.owners.systemd import manager_of, object_path, stop_unit, unit_facts_of, units_of
from portbook.owners.unseen import unseen_owner

AT = DBusAddress("/org/freedesktop/systemd1", "org.example", "org.example.I")


@pytest.mark.parametrize(
    ("path", "manager"),
    [
        ("/system.slice/ssh.service", "system"),
        ("/system.slice/web.service/workers/7", "system"),
        ("/system.slice/system-getty.slice/getty@tty1.service", "system"),
        ("/init.scope", "system"),
        ("/user.slice/user-1000.slice/session-3.scope", "system"),
        ("/user.slice/user-1000.slice/user@1000.service", "system"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service", "user:1000"),
        ("/user.slice/user-1000.slice/user@1000.service/init.scope", "user:1000"),
        ("/user.slice/user-1000.slice/user@1000.service/web.service/x.service", None),
        ("/machine.slice/libpod-0123456789ab.scope/container", "system"),
        ("/machine.slice/systemd-nspawn@b.service/payload/system.slice/nginx.service", None),
        ("/lxc.payload.web/system.slice/nginx.service", None),
        ("/docker/0123456789ab/init.scope", None),
        ("/kubepods.slice/cri-containerd-0123456789ab.scope", "system"),
        ("/../../system.slice/ssh.service", None),
        ("/user.slice", None),
        ("/", None),
        ("", None),
    ],
)
def test_a_cgroup_path_tells_which_systemd_knows_the_unit(path: str, manager: str | None) -> None:
    """A unit inside a container is not ours, though it may have the name of one of ours."""
    assert manager_of(path) == manager


@given(st.text(max_size=80) | st.from_regex(r"(/(a\.slice|user@1\.service|b\.scope|c)){0,5}"))
def test_every_path_has_an_answer(path: str) -> None:
    """No text breaks it."""
    answer = manager_of(path)
    assert answer is None or answer == "system" or answer.startswith("user:")


def test_a_unit_has_the_object_path_that_systemd_gives_it() -> None:
    """Letters and digits stay, a first digit does not."""
    top = "/org/freedesktop/systemd1/unit/"
    assert object_path("ssh.service") == top + "ssh_2eservice"
    assert object_path("0a-b@c.service") == top + "_30a_2db_40c_2eservice"
    assert object_path("ü.service") == top + "_c3_bc_2eservice"


def units_file(folder: Path, text: str) -> Host:
    """A recorded host with this systemd_units.json."""
    (folder / "systemd_units.json").write_text(text)
    return Host(str(folder))


def test_a_recording_answers_from_its_file(tmp_path: Path) -> None:
    """And a recording without one was not asked."""
    assert units_of(Host(str(tmp_path)), ["a.service"]) == {"a.service": NOT_ASKED}
    row = {"description": "A", "fragment": "/x", "state": "active/running", "restarts": 2}
    host = units_file(tmp_path, json.dumps({"system": {"a.service": row, "b.service": 7}}))
    assert units_of(host, ["a.service", "b.service"]) == {
        "a.service": UnitFacts("a.service", "system", "A", "/x", "active/running", 2),
        "b.service": Unknown("vanished", "systemd does not know this unit"),
    }
    assert units_of(host, []) == {}
    with pytest.raises(EnvironmentFault):
        stop_unit(host, "a.service")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["system", "a.service", "restarts", "state"]), inner)
    ),
    max_leaves=8,
)


@given(JSON.map(json.dumps) | st.text(max_size=50) | st.just("[" * 100_000))
def test_no_recorded_file_breaks_the_answer(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """It is facts or Unknown."""
    host = units_file(tmp_path_factory.mktemp("host"), text)
    (answer,) = units_of(host, ["a.service"]).values()
    assert isinstance(answer, UnitFacts | Unknown)


def test_without_jeepney_the_hint_says_how_to_get_it() -> None:
    """A process in which it cannot be imported."""
    code = (
        "import sys; sys.modules['jeepney'] = None\n"
        "from portbook.host import Host\n"
        "from portbook.owners.activation import activation_of\n"
        "from portbook.owners.systemd import stop_unit, units_of\n"
        "print(units_of(Host(), ['a.service'])['a.service'].hint)\n"
        "activation_of(Host(), 'no-such.socket')\n"
        "try: stop_unit(Host(), 'a.service')\n"
        "except Exception as error: print(error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment())
    assert done.stdout.decode().splitlines() == ["pip install 'portbook[systemd]'"] * 2


@pytest.mark.parametrize("name", ["", "a", "a.service; reboot", "../x.service", "a\n.service"])
def test_what_is_no_name_of_a_unit_is_neither_asked_for_nor_stopped(name: str) -> None:
    """Cgroups can be named by anybody."""
    assert isinstance(units_of(Host(), [name])[name], Unknown)
    with pytest.raises(EnvironmentFault):
        stop_unit(Host(), name)


def owner_in(unit: str | None | Unknown) -> Owner:
    """A holder that no process shows."""
    return unseen_owner(Unknown("denied"), user="root", unit=unit, container=None)


def test_each_owner_gets_the_facts_of_its_own_unit(tmp_path: Path) -> None:
    """By the process's cgroup, or where it is hidden by that of the socket."""
    rows = {"system": {"a.service": {"description": "A"}}, "user:7": {"a.service": {}}}
    host = units_file(tmp_path, json.dumps(rows))
    for pid, path in {5: "/system.slice/a.service", 6: "/lxc/c/system.slice/a.service"}.items():
        (tmp_path / f"proc/{pid}").mkdir(parents=True)
        (tmp_path / f"proc/{pid}/cgroup").write_text(f"0::{path}\n")
    found = Socket(
        transport=Transport.TCP,
        address="0.0.0.0",
        port=22,
        family="ipv4",
        dual_stack=False,
        state="listen",
        netns=Unknown("not-asked"),
        inode=7,
        uid=0,
        backlog=1,
        queued=0,
        interface=None,
        cgroup=99,
    )
    unit = owner_in("a.service")
    owners = [
        *(unit._replace(pid=5), unit._replace(pid=6), unit._replace(pid=9)),
        *(unit, owner_in(None), owner_in(NOT_ASKED)),
    ]
    paths = {99: "/user.slice/user-7.slice/user@7.service/a.service"}
    outside = Unknown("outside", "a container has its own systemd: ask in there")
    assert unit_facts_of(host, [(found, owners), (found, [])], paths=paths) == [
        [
            UnitFacts("a.service", "system", "A", None, None, None),
            *(outside, outside),
            UnitFacts("a.service", "user", None, None, None, None),
            *(None, NOT_ASKED),
        ],
        [],
    ]


def call() -> bytes:
    """A message without a body."""
    return bytes(new_method_call(AT, "Hello").serialise(serial=7))


def reply(signature: str, *body: object) -> bytes:
    """An honest answer."""
    asked = new_method_call(AT, "Hello")
    asked.header.serial = 7
    return bytes(new_method_return(asked, signature, body).serialise(serial=1))


def test_honest_messages_are_read() -> None:
    """What jeepney writes is understood, in both byte orders."""
    unit = ("a", "b", "c", "d", "e", "f", "/o", 7, "", "/")
    for signature, value in (
        *(("s", "text"), ("o", "/a"), ("as", ["a", "b"]), ("v", ("u", 7)), (UNITS, [unit])),
    ):
        data = reply(signature, value)
        head = envelope(data)
        assert size_of(data) == len(data)
        assert (head.kind, head.reply_to, head.signature) == (2, 7, signature)
        assert body_of(data, head) == (value,)
    signal = new_signal(AT, "JobRemoved", "uoss", (1, "/j", "a.service", "done"))
    signal.header.endianness = Endianness.big
    data = bytes(signal.serialise(serial=1))
    assert envelope(data).member == "JobRemoved"
    assert body_of(data, envelope(data))[3] == "done"
    assert size_of(call()[:15]) is None


@pytest.mark.parametrize(
    ("signature", "value"),
    [("v", ("v", ("s", "x"))), ("v", ("a{sv}", {})), ("a{sv}", {}), ("x", 7), ("((((y))))", None)],
)
def test_a_type_that_nobody_asked_for_is_not_read(signature: str, value: object) -> None:
    """Types can be nested so that a reader needs seconds, or never ends."""
    data = reply(signature, value) if value is not None else reply("((((y))))", ((((1,),),),))
    with pytest.raises(ValueError, match="type"):
        body_of(data, envelope(data))


def test_a_message_that_announces_gigabytes_is_refused_at_once() -> None:
    """Before anything of it is kept."""
    with pytest.raises(ValueError, match="long"):
        size_of(struct.pack("<cBBBIII", b"l", 2, 0, 1, 1 << 30, 1, 16))
    with pytest.raises(ValueError, match="message"):
        size_of(b"HTTP/1.1 400 Bad")


def mangled(data: bytes) -> st.SearchStrategy[bytes]:
    """The same with some bytes changed."""
    change = st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255))

    def apply(changes: list[tuple[int, int]]) -> bytes:
        made = bytearray(data)
        for at, byte in changes:
            made[at] = byte
        return bytes(made)

    return st.lists(change, max_size=4).map(apply)


@given(
    st.binary(max_size=200)
    | mangled(reply("s", "text"))
    | mangled(reply("v", ("as", ["a", "b"])))
    | mangled(reply(UNITS, [("a", "b", "c", "d", "e", "f", "/o", 7, "", "/")]))
    | mangled(call())
)
@example(b"l\x02\0\x01" + b"\0" * 12)
@example(b"l")
@example(b"")
def test_no_bytes_get_anything_but_a_message_or_one_kind_of_error(data: bytes) -> None:
    """ValueError, IndexError or struct.error: what a conversation explains as `unreadable`."""
    try:
        size = size_of(data)
        if size is not None and size <= len(data):
            whole = data[:size]
            head = envelope(whole)
            assert isinstance(body_of(whole, head), tuple)
    except (ValueError, IndexError, struct.error):
        pass
