"""Which service is behind a socket unit: from recorded files and cgroups, without a bus."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.host import Host
from portbook.model import Activation, Socket, Transport, Unknown
from portbook.owners.activation import (
    activation_of,
    activations_of,
    parse_socket_unit,
    service_by_file,
    socket_unit_of,
)

TOP = "/sys/fs/cgroup"
SOCKET = "[Unit]\nDescription=x\n[Socket]\nListenStream=22\n"


def tree(
    top: Path, files: dict[str, str], groups: dict[str, str] | None = None, number: int = 100
) -> Host:
    """A recorded host with these files, and cgroups by path with their processes."""
    groups = groups or {}
    inodes = []
    for name, text in {
        "/proc/self/mounts": f"cgroup2 {TOP} cgroup2 rw 0 0\n" if groups else "",
        **{f"{TOP}{group}/cgroup.procs": pids for group, pids in groups.items()},
        **files,
    }.items():
        path = top / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for at, folder in enumerate(sorted((top / TOP.lstrip("/")).rglob("*")), number):
        if folder.is_dir():
            inodes.append(f"/{folder.relative_to(top)}\t{at}\n")
    (top / "inodes.tsv").write_text("".join(inodes))
    return Host(str(top))


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        (f"{TOP}/system.slice/echo.socket", "echo.socket"),
        (f"{TOP}/system.slice/_cpu.socket", "cpu.socket"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/a.socket", "a.socket"),
        ("/system.slice/echo.service", None),
        ("/system.slice/echo.socket/echo.service", None),
        ("/init.scope", None),
        ("", None),
    ],
)
def test_a_cgroup_of_a_socket_unit_is_told_from_others(path: str, unit: str | None) -> None:
    """The innermost unit counts."""
    assert socket_unit_of(path) == unit


@pytest.mark.parametrize(
    ("files", "unit", "service"),
    [
        ({"/usr/lib/systemd/system/ssh.socket": SOCKET}, "ssh.socket", "ssh.service"),
        ({"/etc/systemd/system/a.socket": SOCKET + "Service=b.service"}, "a.socket", "b.service"),
        ({"/lib/systemd/system/a.socket": SOCKET + "Accept=yes"}, "a.socket", "a@.service"),
        ({"/lib/systemd/system/a.socket": SOCKET + "Accept=no"}, "a.socket", "a.service"),
        (
            {
                "/usr/lib/systemd/system/a.socket": SOCKET + "Service=lib.service",
                "/etc/systemd/system/a.socket": SOCKET + "Service=etc.service",
            },
            *("a.socket", "etc.service"),
        ),
        (
            {
                "/usr/lib/systemd/system/a.socket": SOCKET,
                "/etc/systemd/system/a.socket.d/9.conf": "[Socket]\nService=drop.service",
                "/etc/systemd/system/a.socket.d/8.conf": "[Socket]\nService=early.service",
                "/etc/systemd/system/a.socket.d/readme": "[Socket]\nService=no.service",
            },
            *("a.socket", "drop.service"),
        ),
        (
            {"/usr/lib/systemd/system/a@.socket": SOCKET + "Service=b@%i.service"},
            *("a@7.socket", "b@7.service"),
        ),
        ({"/usr/lib/systemd/system/a@.socket": SOCKET}, "a@7.socket", "a@7.service"),
        ({"/usr/lib/systemd/user/a.socket": SOCKET}, "a.socket", None),
    ],
)
def test_a_unit_file_names_the_service(
    tmp_path: Path, files: dict[str, str], unit: str, service: str | None
) -> None:
    """The strongest folder, then drop-ins in the order of their names, then the convention."""
    assert service_by_file(tree(tmp_path, files), unit) == service


def test_a_users_unit_is_looked_for_in_the_folders_of_users(tmp_path: Path) -> None:
    """The same name may mean another unit there."""
    host = tree(tmp_path, {"/usr/lib/systemd/user/a.socket": SOCKET + "Service=mine.service"})
    assert service_by_file(host, "a.socket", "user:1000") == "mine.service"


def test_a_file_is_read_as_systemd_reads_it() -> None:
    """Sections, comments, joined lines, and an empty value that takes the former back."""
    assert parse_socket_unit("[Service]\nService=no.service\nAccept=yes\n") == (None, False)
    assert parse_socket_unit("[Socket]\n#Service=no\n;Accept=yes\n") == (None, False)
    assert parse_socket_unit("[Socket]\nService = a.service \nAccept=TRUE") == ("a.service", True)
    assert parse_socket_unit("[Socket]\nAccept=1\nAccept=off\n") == (None, False)
    assert parse_socket_unit("[Socket]\nService=a.service\nService=\n") == (None, False)
    assert parse_socket_unit("[Socket]\nService=\\\n# between\na.service")[0] == "a.service"


@given(st.text(max_size=300) | st.text("[Socket]=Servicapty\\\n#; ", max_size=200))
def test_no_text_breaks_the_reading_of_a_unit_file(text: str) -> None:
    """It is a short name or none."""
    service, _ = parse_socket_unit(text)
    assert service is None or 0 < len(service) <= 256


@pytest.mark.parametrize(
    ("groups", "running"),
    [
        ({"/system.slice/a.socket": "", "/system.slice/a.service": "77\n"}, True),
        ({"/system.slice/a.socket": "", "/system.slice/a.service": ""}, False),
        ({"/system.slice/a.socket": ""}, False),
        # The same name in a container or of a user is another unit.
        ({"/system.slice/a.socket": "", "/lxc.payload.c/system.slice/a.service": "7\n"}, False),
        (
            {
                "/system.slice/a.socket": "",
                "/user.slice/user-7.slice/user@7.service/app.slice/a.service": "7\n",
            },
            False,
        ),
        ({"/web.slice/a.service": "77\n", "/system.slice/a.socket": ""}, True),
        ({}, Unknown("unsupported", "mount cgroup v2")),
    ],
)
def test_a_service_runs_when_its_cgroup_has_a_process(
    tmp_path: Path, groups: dict[str, str], *, running: bool | Unknown
) -> None:
    """No bus and no root are needed for that."""
    host = tree(tmp_path, {"/etc/systemd/system/a.socket": SOCKET}, groups)
    assert activation_of(host, "a.socket") == Activation("a.socket", "a.service", running)


def test_a_template_runs_when_one_of_its_instances_does(tmp_path: Path) -> None:
    """Accept=yes starts one for each connection."""
    host = tree(
        tmp_path,
        {"/etc/systemd/system/a.socket": SOCKET + "Accept=yes"},
        {"/system.slice/a.socket": "", "/system.slice/system-a.slice/a@3-1:22.service": "9\n"},
    )
    assert activation_of(host, "a.socket") == Activation("a.socket", "a@.service", True)


def test_without_a_file_only_a_running_service_of_the_same_name_is_believed(tmp_path: Path) -> None:
    """The convention alone is no evidence."""
    groups = {"/system.slice/a.socket": "", "/system.slice/a.service": "9\n"}
    host = tree(tmp_path, {}, groups)
    assert activation_of(host, "a.socket") == Activation("a.socket", "a.service", True)
    unknown = Unknown("unreadable", "no file of this unit is here to read")
    assert activation_of(host, "b.socket") == Activation("b.socket", unknown, unknown)


def _socket(cgroup: int | Unknown) -> Socket:
    return Socket(
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
        cgroup=cgroup,
    )


def test_sockets_are_joined_with_their_activations(tmp_path: Path) -> None:
    """By the cgroup in which each was made; a container's own systemd is not asked."""
    host = tree(
        tmp_path,
        {"/etc/systemd/system/a.socket": SOCKET},
        {
            "/system.slice/a.socket": "",
            "/system.slice/b.service": "9\n",
            "/lxc.payload.c/system.slice/a.socket": "",
        },
    )
    by_path = {
        path: int(number)
        for path, number in (
            line.split("\t") for line in (tmp_path / "inodes.tsv").read_text().splitlines()
        )
    }
    asked = [
        _socket(by_path[f"{TOP}/system.slice/a.socket"]),
        _socket(by_path[f"{TOP}/system.slice/b.service"]),
        _socket(by_path[f"{TOP}/lxc.payload.c/system.slice/a.socket"]),
        _socket(Unknown("unsupported")),
        _socket(999_999),
    ]
    outside = Unknown("outside", "a container has its own systemd: ask in there")
    assert activations_of(host, asked) == [
        Activation("a.socket", "a.service", False),
        None,
        Activation("a.socket", outside, outside),
        None,
        None,
    ]
