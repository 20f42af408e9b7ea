"""Sockets that the kernel itself holds: real interfaces, recorded trees, bytes from anywhere."""

import errno
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.stage import environment
from portbook.host import Host
from portbook.model import Socket, Transport, Unknown
from portbook.owners.kernel import kernel_holder, kernel_holders, ports_of_nfsd, ports_of_rxrpc
from portbook.owners.links import (
    Link,
    attributes_in,
    family_in,
    links,
    listen_port_in,
    messages,
    read_links,
)

SCRIPT = Path(__file__).parent.parent / "live" / "servers" / "systemd_kernel.py"
DONE = struct.pack("=IHHIIi", 20, 3, 0, 1, 0, 0)


def held(port: int, transport: Transport = Transport.UDP) -> Socket:
    """A socket without a process."""
    state = "unconnected" if transport is Transport.UDP else "listen"
    return Socket(
        transport=transport,
        address="0.0.0.0",
        port=port,
        family="ipv4",
        dual_stack=False,
        state=state,
        netns=Unknown("not-asked"),
        inode=7,
        uid=0,
        backlog=None,
        queued=0,
        interface=None,
        cgroup=Unknown("not-asked"),
    )


def tree(top: Path, files: dict[str, str]) -> Host:
    """A recorded host that has these files."""
    for name, text in files.items():
        path = top / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Host(str(top))


def attribute(kind: int, value: bytes) -> bytes:
    """A netlink attribute."""
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def message(kind: int, payload: bytes) -> bytes:
    """A netlink message."""
    return struct.pack("=IHHII", 16 + len(payload), kind, 2, 1, 0) + payload


@pytest.mark.live
@pytest.mark.root
@pytest.mark.parametrize("user", ["root", "nobody"])
def test_a_real_vxlan_interface_holds_its_port(user: str) -> None:
    """On its own port and on the usual one, also for a user without privileges."""
    if os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("unshare")):
        pytest.skip("needs root, ip and unshare")
    command = ["unshare", "--net", sys.executable, str(SCRIPT), user]
    done = subprocess.run(command, capture_output=True, env=environment(), timeout=30)
    if b"Unknown device type" in done.stderr:
        pytest.skip("this kernel has no vxlan")
    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    assert answer["holders"] == [[4789, "vxlan vx1"], [4799, "vxlan vx0"]]
    assert set(answer["elsewhere"]) == {None}
    # There is no such interface: without the module ENOENT, with it ENODEV; EPERM for nobody.
    assert answer["wireguard"] in (errno.ENOENT, errno.ENODEV, errno.EPERM)


@pytest.mark.live
def test_the_real_list_of_interfaces_can_be_read() -> None:
    """Whatever there is here, only kinds with a port are listed."""
    assert all(link.kind in ("vxlan", "geneve", "bareudp", "wireguard") for link in links())


def test_a_wireguard_answer_tells_its_port() -> None:
    """Bytes laid out by hand after linux/wireguard.h: the kernel here has no wireguard."""
    family = message(16, struct.pack("=BBH", 1, 2, 0) + attribute(1, struct.pack("=H", 29)))
    assert family_in(family) == 29
    device = struct.pack("=BBH", 0, 1, 0)
    device += (
        attribute(2, b"wg0\0") + attribute(3, b"k" * 32) + attribute(6, struct.pack("=H", 40001))
    )
    assert listen_port_in(message(29, device) + DONE) == 40001
    assert listen_port_in(DONE) is None
    assert family_in(DONE) is None


def test_every_kind_of_interface_with_a_port_is_read() -> None:
    """vxlan, geneve and bareudp tell it in the list; wireguard does not; others have none."""

    def link(name: str, kind: str, number: int, port: int) -> bytes:
        data = attribute(2, attribute(number, port.to_bytes(2, "big")))
        info = attribute(18 | 0x8000, attribute(1, kind.encode() + b"\0") + data)
        return message(16, b"\0" * 16 + attribute(3, name.encode() + b"\0") + info)

    found = read_links(
        link("v", "vxlan", 15, 4789)
        + link("g", "geneve", 5, 6081)
        + link("b", "bareudp", 1, 6635)
        + link("w", "wireguard", 1, 1)
        + link("d", "dummy", 15, 5)
        + link("e", "vxlan", 99, 5)
        + DONE
    )
    assert found == [
        Link("v", "vxlan", 4789),
        Link("g", "geneve", 6081),
        Link("b", "bareudp", 6635),
        Link("w", "wireguard", None),
        Link("e", "vxlan", None),
    ]


@given(st.binary(max_size=400) | st.builds(message, st.integers(0, 65535), st.binary(max_size=99)))
def test_no_bytes_break_the_reading_of_netlink(data: bytes) -> None:
    """Whatever comes, it is read to some end."""
    read_links(data)
    family_in(data)
    listen_port_in(data)
    list(messages(data))
    list(attributes_in(data))


RECORDED = [
    ({"/proc/fs/nfsd/portlist": "rdma 20049\ntcp 2049\nudp 2050\n"}, "tcp", 2049, "nfsd"),
    ({"/proc/fs/nfsd/portlist": "tcp 2049\nudp 2050\n"}, "udp", 2050, "nfsd"),
    ({"/proc/fs/nfsd/portlist": "tcp 2049\n"}, "tcp", 2050, None),
    ({"/proc/fs/nfsd/threads": "8\n"}, "tcp", 2049, "nfsd"),
    ({"/proc/fs/nfsd/threads": "0\n"}, "tcp", 2049, None),
    ({"/proc/net/rpc/nfsd": "rc 0 0 0\nth 8 0 0.000\n"}, "udp", 2049, "nfsd"),
    ({"/proc/net/rpc/nfsd": "rc 0 0 0\nth 0 0\n"}, "udp", 2049, None),
    ({"/proc/sys/fs/nfs/nlm_tcpport": "4045\n"}, "tcp", 4045, "lockd"),
    ({"/proc/sys/fs/nfs/nlm_udpport": "0\n"}, "udp", 0, None),
    ({"/sys/module/nfs/parameters/callback_tcpport": "4001\n"}, "tcp", 4001, "nfs callback"),
    (
        {"/sys/kernel/config/target/iscsi/iqn.2003-01.org.x:t/tpgt_1/np/0.0.0.0:3260/enable": "1"},
        *("tcp", 3260, "iscsi target"),
    ),
    (
        {
            "/sys/kernel/config/nvmet/ports/1/addr_trtype": "tcp\n",
            "/sys/kernel/config/nvmet/ports/1/addr_trsvcid": "4420\n",
        },
        *("tcp", 4420, "nvme target"),
    ),
    (
        {
            "/sys/kernel/config/nvmet/ports/1/addr_trtype": "rdma\n",
            "/sys/kernel/config/nvmet/ports/1/addr_trsvcid": "4420\n",
        },
        *("tcp", 4420, None),
    ),
    (
        {"/proc/net/rxrpc/locals": "Proto Local Use Act RxQ\nUDP   0.0.0.0:7001   1   1   0\n"},
        *("udp", 7001, "rxrpc"),
    ),
    ({"/sys/kernel/config/dlm/cluster/tcp_port": "21064\n"}, "tcp", 21064, "dlm"),
    ({"/sys/class/net/wg0/uevent": "DEVTYPE=wireguard\n"}, "udp", 51820, "probably wireguard wg0"),
    ({"/sys/class/net/wg0/uevent": "DEVTYPE=wireguard\n"}, "udp", 51821, None),
    ({"/sys/class/net/v/uevent": "DEVTYPE=vxlan\nIFINDEX=2\n"}, "udp", 8472, "probably vxlan v"),
    ({"/sys/class/net/v/uevent": "INTERFACE=DEVTYPE=vxlan\n"}, "udp", 8472, None),
    ({}, "tcp", 2049, None),
]


@pytest.mark.parametrize(("files", "transport", "port", "expected"), RECORDED)
def test_a_recorded_tree_names_the_part_of_the_kernel(
    tmp_path: Path, files: dict[str, str], transport: str, port: int, expected: str | None
) -> None:
    """Each by the kernel's own list; what no list has is not named."""
    host = tree(tmp_path, files)
    assert kernel_holder(host, held(port, Transport(transport))) == expected


def test_several_sockets_are_answered_for_with_one_reading(tmp_path: Path) -> None:
    """In the order asked; none asked, none read."""
    host = tree(tmp_path, {"/proc/fs/nfsd/portlist": "tcp 2049\n"})
    asked = [held(53), held(2049, Transport.TCP), held(2049)]
    assert kernel_holders(host, asked) == [None, "nfsd", None]
    assert kernel_holders(host, []) == []


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading_of_lists(text: str) -> None:
    """Every port that comes out is one."""
    for found in (ports_of_nfsd(text), ports_of_rxrpc(text)):
        assert all(0 < port < 65536 for _, port, _ in found)
