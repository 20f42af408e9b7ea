"""A herd of real processes with real sockets, held until it is told to stop.

    python bench/herd.py --processes 3000 --listeners 200 --fds 40 [--cgroups 200] [--one-cgroup]
                         [--connections N] [-- COMMAND ...]

As root everything lives in network, PID and mount namespaces of its own: the ports of the machine
are not touched, /proc shows the herd alone, and the kernel ends every process when this one ends.
Without root the herd takes free loopback ports of the machine and stays in our cgroup.

Without COMMAND the herd stands until Ctrl-C or SIGTERM; with one, until the command ends. Other
scripts use `apart()` and `Herd`.
"""

import argparse
import contextlib
import ctypes
import fcntl
import gc
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, TracebackType
from typing import Any, NamedTuple, NoReturn, Self

FIRST_PORT = 10000
_APART = "PORTBOOK_HERD_APART"
_CLONE_NEWNS, _CLONE_NEWPID, _CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000
_MS_REC_PRIVATE = 0x4000 | 0x40000
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_FOLDER = "portbook-herd-"


class Size(NamedTuple):
    """How large a herd is.

    `groups` is the number of services: each has one leader, which holds the service's listeners
    and has started the service's other processes. Unless `one_cgroup`, each has its own cgroup.
    """

    processes: int = 3000
    listeners: int = 200
    fds: int = 40
    groups: int = 200
    one_cgroup: bool = False
    connections: int = 0


# --- namespaces -----------------------------------------------------------------------------------


def apart() -> bool:
    """Go on in fresh network, PID and mount namespaces, when root; whether that is so.

    The caller becomes PID 1 of a new PID namespace in a child; the process that was called stays
    behind, passes SIGTERM on, and exits as the child does. Call it before anything else.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    if is_apart():
        return True
    try:
        _call("unshare", _CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWNS)
    except OSError as error:
        print(f"herd: no namespaces of our own ({error.strerror})", file=sys.stderr)
        return False
    child = os.fork()
    if child:
        _stay_behind(child)
    _call("prctl", _PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    _call("mount", b"none", b"/", None, _MS_REC_PRIVATE, None)
    _call("mount", b"proc", b"/proc", b"proc", 0, None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(link, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(link, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))
    os.environ[_APART] = "1"
    return True


def is_apart() -> bool:
    """Whether apart() was called and did so."""
    return os.environ.get(_APART) == "1"


def _stay_behind(child: int) -> NoReturn:
    def pass_on(number: int, frame: FrameType | None) -> None:
        os.kill(child, signal.SIGTERM)

    # A terminal sends Ctrl-C to the child, too; it must end first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, pass_on)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(code if code >= 0 else 128 - code)


def _call(function: str, *arguments: int | bytes | None) -> None:
    """A function of libc that Python 3.11 lacks.

    Raises:
        OSError: it failed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), function)


# --- the herd -------------------------------------------------------------------------------------


class Herd:
    """A context manager: inside of it the herd stands, complete."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.in_cgroups = False
        self.took = 0.0
        self._leaders: list[int] = []
        self._life = -1
        self._folder = ""
        self._fresh_ports = is_apart()

    def __enter__(self) -> Self:
        begin = time.perf_counter()
        _allow_files(self.size)
        try:
            self._make_cgroups()
            self._start()
        except BaseException:
            self.stop()
            raise
        self.took = time.perf_counter() - begin
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every process and remove every cgroup; also where the start was not finished."""
        with _undisturbed():
            if self._life >= 0:
                # Every process of the herd blocks in reading the other end.
                os.close(self._life)
                self._life = -1
            for leader in self._leaders:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(leader, 0)
            self._leaders.clear()
            if self._folder:
                _remove_cgroups(self._folder)
                self._folder = ""

    def _make_cgroups(self) -> None:
        top = _cgroup_mount()
        if top is None:
            return
        for name in os.listdir(top):
            if name.startswith(_FOLDER):
                # Left by a herd whose script was killed; one that still stands refuses to go.
                _remove_cgroups(f"{top}/{name}", tries=1)
        folder = f"{top}/{_FOLDER}{time.time_ns()}.slice"
        try:
            os.mkdir(folder)
            self._folder = folder
            for index in range(1 if self.size.one_cgroup else self.size.groups):
                os.mkdir(self._cgroup(index))
        except OSError as error:
            print(f"herd: no cgroups ({error.strerror})", file=sys.stderr)
            return
        self.in_cgroups = True

    def _cgroup(self, index: int) -> str:
        return f"{self._folder}/herd-{0 if self.size.one_cgroup else index}.service"

    def _start(self) -> None:
        size = self.size
        if not 1 <= size.groups <= size.processes:
            raise ValueError("a group has at least one process")
        read_life, self._life = os.pipe()
        read_ready, write_ready = os.pipe()
        gc.collect()
        gc.freeze()
        try:
            for index in range(size.groups):
                pid = os.fork()
                if not pid:
                    _leave_on_error(
                        self._lead, index, keep=(read_life, write_ready), drop=(read_ready,)
                    )
                self._leaders.append(pid)
        finally:
            gc.unfreeze()
            os.close(write_ready)
            os.close(read_life)
        ready = 0
        while data := os.read(read_ready, 65536):
            ready += len(data)
            if b"!" in data:
                break
            if ready == size.processes:
                break
        os.close(read_ready)
        if ready != size.processes:
            raise RuntimeError(f"{ready} of {size.processes} processes are ready")

    def _lead(self, index: int, keep: tuple[int, int], drop: tuple[int, ...]) -> None:
        """One service: join the cgroup, start the others, open the listeners, block."""
        life, ready = keep
        for fd in (*drop, self._life):
            os.close(fd)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _rename(f"herd-{index}")
        if self.in_cgroups:
            with open(f"{self._cgroup(index)}/cgroup.procs", "w", encoding="ascii") as procs:
                procs.write("0")
        size = self.size
        os.chdir("/")  # as services do
        followers = []
        for _ in range(_share(size.processes, size.groups, index) - 1):
            pid = os.fork()
            if not pid:
                _leave_on_error(_follow, life, ready, size.fds)
            followers.append(pid)
        numbers = range(index, size.listeners, size.groups)
        kept = [_listener(number, fresh=self._fresh_ports) for number in numbers]
        kept += _connections(kept, _share(size.connections, size.groups, index))
        _open_files(size.fds)
        os.write(ready, b".")
        os.close(ready)
        os.read(life, 1)
        for pid in followers:
            os.waitpid(pid, 0)


def _follow(life: int, ready: int, fds: int) -> None:
    _open_files(fds)
    os.write(ready, b".")
    os.close(ready)
    os.read(life, 1)


def _leave_on_error(work: Callable[..., None], *arguments: Any, **named: Any) -> NoReturn:
    """Run a child's whole life; it never returns into its parent's code."""
    code = 1
    try:
        work(*arguments, **named)
        code = 0
    except BaseException as error:  # noqa: BLE001 - a child that dies must say why and end
        os.write(2, f"herd: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def _share(total: int, parts: int, index: int) -> int:
    return total // parts + (index < total % parts)


def _listener(number: int, *, fresh: bool) -> socket.socket:
    """Listener `number`: TCP and UDP, IPv4 and IPv6, loopback and every address, in turn."""
    family = socket.AF_INET6 if number & 2 else socket.AF_INET
    kind = socket.SOCK_DGRAM if number & 1 else socket.SOCK_STREAM
    wild = number % 5 == 0 and fresh
    sock = socket.socket(family, kind)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        host = "::" if wild else "::1"
    else:
        host = "0.0.0.0" if wild else "127.0.0.1"
    sock.bind((host, FIRST_PORT + number if fresh else 0))
    if kind == socket.SOCK_STREAM:
        sock.listen(128)
    return sock


def _connections(listeners: Sequence[socket.socket], count: int) -> list[socket.socket]:
    """Both ends of `count` connections to the service's first TCP listener."""
    if not count:
        return []
    ends: list[socket.socket] = []
    served = next((s for s in listeners if s.type == socket.SOCK_STREAM), None)
    # A service that only has UDP listeners listens for a moment.
    sock = served or socket.create_server(("127.0.0.1", 0))
    address = ("::1" if sock.family == socket.AF_INET6 else "127.0.0.1", sock.getsockname()[1])
    for _ in range(count):
        client = socket.socket(sock.family)
        client.connect(address)
        ends += [client, sock.accept()[0]]
    if not served:
        sock.close()
    return ends


def _open_files(count: int) -> None:
    """`count` open files as a service has them: files, devices, pipes, unix sockets, an epoll."""
    opened = 0

    def leave_open(*fds: int) -> None:
        nonlocal opened
        for fd in fds:
            opened += 1
            if opened > count:
                os.close(fd)

    paths = ("/dev/null", "/etc/passwd", "/etc/hosts", "/etc/group", "/dev/zero")
    turn = 0
    while opened < count:
        match turn % 8:
            case 0:
                leave_open(*os.pipe())
            case 1:
                one, other = socket.socketpair(socket.AF_UNIX)
                leave_open(one.detach(), other.detach())
            case 2:
                poll = select.epoll()
                leave_open(os.dup(poll.fileno()))
                poll.close()
            case step:
                leave_open(os.open(paths[step - 3], os.O_RDONLY))
        turn += 1


def _rename(name: str) -> None:
    with contextlib.suppress(OSError):
        _call("prctl", _PR_SET_NAME, name.encode(), 0, 0, 0)


def _allow_files(size: Size) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = size.fds + 64 + 2 * size.connections + size.listeners
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Cleaning up is not to be interrupted."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _cgroup_mount() -> str | None:
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == "cgroup2":
                return fields[1]
    return None


def _remove_cgroups(folder: str, tries: int = 200) -> None:
    """Remove our folder and those in it; a cgroup whose last process has just ended needs time."""
    for _ in range(tries):
        try:
            for name in os.listdir(folder):
                if os.path.isdir(f"{folder}/{name}"):
                    os.rmdir(f"{folder}/{name}")
            os.rmdir(folder)
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    if tries > 1:
        print(f"herd: cannot remove {folder}", file=sys.stderr)


# --- the command ----------------------------------------------------------------------------------


def stop_on_signals() -> None:
    """SIGTERM ends us as Ctrl-C does (PID 1 of a namespace would not even notice it)."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def add_options(parser: argparse.ArgumentParser, size: Size) -> None:
    """The options that make a Size, with the defaults of `size`."""
    parser.add_argument("--processes", type=int, default=size.processes)
    parser.add_argument("--listeners", type=int, default=size.listeners)
    parser.add_argument("--fds", type=int, default=size.fds, help="further open files of each")
    parser.add_argument("--groups", "--cgroups", type=int, default=size.groups, help="services")
    parser.add_argument("--connections", type=int, default=size.connections, help="over loopback")


def size_of(options: argparse.Namespace, *, one_cgroup: bool = False) -> Size:
    """The Size that was asked for."""
    return Size(
        options.processes,
        options.listeners,
        options.fds,
        min(options.groups, options.processes),
        one_cgroup,
        options.connections,
    )


def main() -> int:
    """Hold a herd."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_options(parser, Size())
    parser.add_argument("--one-cgroup", action="store_true", help="every service in one cgroup")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="run it while the herd stands")
    options = parser.parse_args()
    command = [word for word in options.command if word != "--"]
    alone = apart()
    stop_on_signals()
    try:
        with Herd(size_of(options, one_cgroup=options.one_cgroup)) as herd:
            where = "namespaces of its own" if alone else "the machine's namespaces"
            groups = "with cgroups" if herd.in_cgroups else "without cgroups"
            print(f"herd: up after {herd.took:.1f} s in {where}, {groups}", file=sys.stderr)
            if command:
                return subprocess.run(command).returncode
            signal.pause()
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
