import errno
import os
import socket
import struct

import pytest

from live.stage import holding, inode_of, port_of
from portbook.host import Host
from portbook.host.netlink import dump, question
from portbook.host.privileges import Privileges

TCP = socket.IPPROTO_TCP


def test_a_question_has_the_length_that_it_says() -> None:
    """nlmsghdr and inet_diag_req_v2 are 72 bytes, the port filter 20 more."""
    for port, length in ((None, 72), (3255, 92)):
        data = question(socket.AF_INET, TCP, 1 << 10, port)
        assert struct.unpack_from("=I", data)[0] == len(data) == length


@pytest.mark.live
def test_the_kernel_answers_with_one_port_alone() -> None:
    """The filter is the kernel's own: the answer is one socket and the closing message."""
    with holding() as served, holding():
        datagrams = dump(socket.AF_INET, TCP, 1 << 10, port_of(served))
        data = b"".join(datagrams)
        length = struct.unpack_from("=I", data)[0]
        assert struct.unpack_from("=I", data, 84)[0] == inode_of(served)
        assert struct.unpack_from("=IH", data, (length + 3) & ~3)[1] == 3


@pytest.mark.live
@pytest.mark.parametrize("port", [1, 65535])
def test_the_ends_of_the_port_range_can_be_asked_for(port: int) -> None:
    """The filter's two comparisons hold at both ends."""
    assert dump(socket.AF_INET, TCP, 0xFFFF, port)


@pytest.mark.live
def test_a_protocol_that_has_no_sock_diag_is_an_os_error() -> None:
    """What the kernel does not know is its errno, not an empty list."""
    with pytest.raises(OSError) as refused:  # noqa: PT011 - the errno is checked below
        dump(socket.AF_INET, 254, 1 << 10)
    assert refused.value.errno in (errno.ENOENT, errno.EINVAL, errno.EPROTONOSUPPORT)


@pytest.mark.live
def test_our_own_privileges_are_those_of_the_kernel() -> None:
    """The effective user and capabilities of this process."""
    mine = Host().privileges
    assert mine.uid == os.geteuid()
    with open("/proc/self/status") as status:
        line = next(each for each in status if each.startswith("CapEff:"))
    assert mine.capabilities == int(line.split()[1], 16)


def test_a_process_name_cannot_forge_capabilities() -> None:
    """Only a line of its own counts, and a name may hold other separators."""
    status = "Name:\tx\x0bCapEff:\tffff\nCapEff:\t0000000000080000\n"
    assert Privileges(status).capabilities == 0x80000
    assert Privileges(status).sees_all_processes
    assert not Privileges("").sees_all_processes
