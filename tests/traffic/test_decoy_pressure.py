"""A decoy under pressure: floods, no descriptors left, and files without end."""

import errno
import os
import resource
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.host.visit_files import VisitFiles
from portbook.model import EnvironmentFault, NotPermitted, UsageError
from portbook.traffic.decoy import Decoy, Limits, shown
from portbook.traffic.decoy_doors import PortTaken, close_doors, is_loopback, open_doors
from traffic.decoys import decoy, plain


def soon(true: Callable[[], object]) -> bool:
    """Whether it becomes true in 20 seconds."""
    until = time.monotonic() + 20
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_five_thousand_connections_are_told_or_counted() -> None:
    """None is lost, memory keeps the last ones, and the decoy still answers to the next."""
    limits = Limits(silence=20, stay=40, remembered=100)
    number, hands = 5000, 4

    def flood(port: int) -> None:
        for _ in range(number // hands):
            with socket.create_connection(("127.0.0.1", port)):
                pass

    with decoy(limits) as standing:
        threads = [threading.Thread(target=flood, args=(standing.port,)) for _ in range(hands)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with socket.create_connection(("127.0.0.1", standing.port)) as link:
            link.sendall(b"GET / HTTP/1.0")
        with standing.came:
            assert standing.came.wait_for(lambda: any(v.protocol for v in standing.told), 20)
    seen = standing.decoy
    assert seen.total + seen.turned_away == number + 1
    assert len(seen.visits) == 100
    assert len(seen.sources) == 1


def test_slow_visitors_take_no_more_places_than_there_are() -> None:
    """Hundreds that stay: descriptors do not grow with them."""
    with decoy(Limits(connections=10, silence=20, stay=40)) as standing:
        before = len(os.listdir("/proc/self/fd"))
        links = [socket.create_connection(("127.0.0.1", standing.port)) for _ in range(200)]
        for link in links[10:]:
            link.settimeout(10)
            assert link.recv(1) == b""
        # The last one may not have been closed yet on our side.
        assert len(os.listdir("/proc/self/fd")) - before - len(links) <= 11
        for link in links:
            link.close()
    assert standing.decoy.turned_away == 190


@pytest.fixture
def few_files() -> Iterator[int]:
    """A limit of open files that is nearly reached; the number that is left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 24, hard))
    yield 24
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_goes_on_after_the_open_files_were_used_up(few_files: int) -> None:
    """Who waited in the kernel's queue is let in later."""
    with decoy(Limits(silence=20, stay=40)) as standing:
        clients = [socket.create_connection(("127.0.0.1", standing.port)) for _ in range(4)]
        taken = []
        try:
            while True:
                taken.append(os.open("/", os.O_RDONLY))
        except OSError:
            pass
        os.close(taken.pop())
        clients.append(socket.socket())
        clients[-1].connect(("127.0.0.1", standing.port))
        clients[-1].sendall(b"GET / HTTP/1.0")
        for fd in taken:
            os.close(fd)
        for link in clients:
            link.close()
        told = standing.visits(5)
    assert [visit.protocol for visit in told].count("http") == 1


def test_floods_of_datagrams_take_no_more_places_than_there_are() -> None:
    """One visit for each source, so many at a time, the others are counted."""
    with decoy(Limits(datagrams=5, silence=0.5), transports=("udp",)) as standing:
        for _ in range(50):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
                link.bind(("127.0.0.1", 0))
                link.sendto(b"GET ", ("127.0.0.1", standing.port))
        standing.visits(5)
    seen = standing.decoy
    assert seen.total + seen.turned_away <= 50
    assert seen.turned_away >= 1


def test_forged_sources_of_datagrams_take_no_place_of_a_connection() -> None:
    """As many as there can be are there, and a connection is let in all the same."""
    limits = Limits(silence=20, stay=40)
    with decoy(limits, transports=("tcp", "udp")) as standing:
        for last in range(1, limits.datagrams + 9):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
                link.bind((f"127.0.0.{last}", 0))
                link.sendto(b"x", ("127.0.0.1", standing.port))
        assert soon(lambda: standing.decoy.turned_away == 8)
        with socket.create_connection(("127.0.0.1", standing.port)) as link:
            link.sendall(b"GET / HTTP/1.0")
        (told,) = standing.visits(1)
        assert (told.transport, told.protocol) == ("tcp", "http")
    assert standing.decoy.turned_away == 8


def test_connections_take_no_place_of_datagrams() -> None:
    """The other way about."""
    with decoy(Limits(connections=2, silence=0.5), transports=("tcp", "udp")) as standing:
        links = [socket.create_connection(("127.0.0.1", standing.port)) for _ in range(2)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.sendto(b"GET / HTTP/1.0", ("127.0.0.1", standing.port))
            told = standing.visits(3)
        for link in links:
            link.close()
    assert sorted(visit.transport for visit in told) == ["tcp", "tcp", "udp"]
    assert standing.decoy.turned_away == 0


def test_it_can_stand_for_longer_than_the_kernel_waits_at_once() -> None:
    """60 days are more milliseconds than epoll_wait(2) takes."""
    doors = open_doors(0, ("tcp",), ("127.0.0.1",))
    made = Decoy(doors, plain, lambda _: None)
    read, write = os.pipe()
    asked = iter((False, False, True))
    os.write(write, b".")
    made.run(read, lambda: next(asked), 60 * 86_400.0)
    os.close(read)
    os.close(write)
    assert made.total == 0


def test_a_port_that_is_taken_is_refused() -> None:
    """With the way to learn who has it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match="is taken") as caught:
            open_doors(port, ("tcp",), ("127.0.0.1", "::1"))
    assert caught.value.hint == f"portbook why {port}/tcp"
    assert caught.value.exit_code == 1


def test_an_address_of_another_machine_is_refused() -> None:
    """TEST-NET-1 (RFC 5737) is nobody's."""
    with pytest.raises(EnvironmentFault, match="cannot be bound"):
        open_doors(0, ("tcp",), ("192.0.2.1",))
    with pytest.raises(UsageError):
        is_loopback("example")


def test_an_interface_belongs_to_a_link_local_address_alone() -> None:
    """And it must be there; without one the hint says how to name it."""
    with pytest.raises(UsageError, match="only a link-local address"):
        is_loopback("::%lo")
    for zone in ("", "%no-such", "%99999999999", "%²"):
        with pytest.raises(EnvironmentFault, match="cannot be bound") as caught:
            open_doors(0, ("udp",), (f"fe80::1{zone}",))
        assert caught.value.hint == "with the name of its interface: fe80::1%eth0"


@pytest.mark.root
def test_a_privileged_port_needs_a_right() -> None:
    """Another user gets exit code 4."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setuid(65534)
            close_doors(open_doors(7, ("tcp",), ("127.0.0.1",)))
        except NotPermitted as error:
            code = error.exit_code
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4


def test_files_are_private_and_never_overwritten(tmp_path: Path) -> None:
    """Each visit has a file of its own in a folder of its owner."""
    folder = tmp_path / "kept"
    files = VisitFiles(str(folder))
    first = files.keep(0.0, 80, "tcp", b"one")
    assert first == "19700101T000000Z-80-tcp-0001.bin"
    (folder / "19700101T000000Z-80-tcp-0002.bin").write_bytes(b"mine")
    assert files.keep(0.0, 80, "tcp", b"two") == "19700101T000000Z-80-tcp-0003.bin"
    files.close()
    assert (folder / "19700101T000000Z-80-tcp-0002.bin").read_bytes() == b"mine"
    assert stat.S_IMODE((folder / first).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_files_are_bounded_over_several_runs(tmp_path: Path) -> None:
    """By number and by bytes, those of earlier runs included; foreign files do not count."""
    (tmp_path / "notes.txt").write_bytes(b"x" * 1000)
    files = VisitFiles(str(tmp_path), most_files=3, most_bytes=100)
    assert files.keep(0.0, 80, "tcp", b"x" * 101) is None
    assert files.keep(0.0, 80, "tcp", b"x" * 60)
    assert files.keep(0.0, 80, "tcp", b"x" * 60) is None
    files.close()
    files = VisitFiles(str(tmp_path), most_files=3, most_bytes=100)
    assert files.keep(0.0, 80, "udp", b"x" * 60) is None
    assert files.keep(0.0, 80, "udp", b"x")
    assert files.keep(0.0, 80, "udp", b"x")
    assert files.keep(0.0, 80, "udp", b"x") is None
    assert files.fault is None
    files.close()


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    """Whoever can write there cannot make us write elsewhere."""
    folder = tmp_path / "kept"
    folder.mkdir()
    target = tmp_path / "victim"
    (folder / "19700101T000000Z-80-tcp-0001.bin").symlink_to(target)
    files = VisitFiles(str(folder))
    assert files.keep(0.0, 80, "tcp", b"x") == "19700101T000000Z-80-tcp-0002.bin"
    files.close()
    assert not target.exists()


def test_files_that_somebody_removes_meanwhile_are_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the listing and the look at a file; they do not count."""
    for number in range(3):
        (tmp_path / f"19700101T000000Z-80-tcp-000{number}.bin").write_bytes(b"xx")
    listed = os.scandir

    @contextmanager
    def removed(folder: int) -> Iterator[list[os.DirEntry[str]]]:
        with listed(folder) as entries:
            found = list(entries)
        (tmp_path / found[1].name).unlink()
        yield found

    monkeypatch.setattr(os, "scandir", removed)
    files = VisitFiles(str(tmp_path), most_files=3, most_bytes=5)
    assert files.keep(0.0, 80, "tcp", b"xx") is None
    assert files.keep(0.0, 80, "tcp", b"x")
    files.close()


def test_half_a_file_that_is_gone_already_is_no_fault_of_the_decoy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full, and somebody tidies up: the fault that is told is that of the disk."""
    files = VisitFiles(str(tmp_path))

    def full(_fd: int, _data: bytes) -> int:
        for each in tmp_path.iterdir():
            each.unlink()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    assert files.keep(0.0, 80, "tcp", b"x") is None
    assert files.fault is not None and files.fault.errno == errno.ENOSPC
    files.close()


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file, and a folder whose parent is missing."""
    (tmp_path / "file").write_bytes(b"")
    for wrong in ("file", "no/such", "nul\0byte"):
        with pytest.raises(EnvironmentFault):
            VisitFiles(str(tmp_path / wrong))


@given(st.binary(max_size=300))
def test_shown_bytes_are_printable_and_short(data: bytes) -> None:
    """Whatever came: plain signs of bounded length."""
    text = shown(data)
    assert text.isprintable()
    assert len(text) <= 48 * 4 + 1
