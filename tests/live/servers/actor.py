"""A process that does what the tests tell it: one JSON command per line in, one reply per line out.

Standard library only. It opens sockets, forks, enters namespaces, drops privileges, and can run
portbook's command line from inside whatever it has become.
"""

import contextlib
import ctypes
import errno
import fcntl
import importlib
import json
import os
import pkgutil
import platform
import socket
import struct
import sys
import tempfile
import threading
import time
from typing import Any

PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_NAME = 15
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
CLONE = {"mount": 0x00020000, "pid": 0x20000000, "net": 0x40000000}
MS_REC_PRIVATE = 0x4000 | 0x40000
SIOCSIFFLAGS = 0x8914
SOCKET_CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}

LIBC = ctypes.CDLL(None, use_errno=True)
SOCKETS: dict[int, socket.socket] = {}
LEASH = list(os.pipe())
"""A pipe that nobody writes to: children wait for its end, which is that of this process."""


def checked(code: int) -> None:
    """Raise what libc complains about."""
    if code != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def keep(opened: socket.socket) -> dict[str, Any]:
    """Remember a socket by its descriptor and tell where it is bound."""
    SOCKETS[opened.fileno()] = opened
    return {
        "fd": opened.fileno(),
        "port": opened.getsockname()[1],
        "inode": os.fstat(opened.fileno()).st_ino,
    }


def new_socket(transport: str, address: str) -> socket.socket:
    """A socket that fits a transport and an address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.socket(family, socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM)


def bind(
    transport: str = "tcp",
    address: str = "127.0.0.1",
    port: int = 0,
    *,
    listen: bool = True,
    reuseport: bool = False,
    v6only: bool | None = None,
) -> dict[str, Any]:
    """A bound socket; a TCP one also listens, unless told otherwise."""
    made = new_socket(transport, address)
    if v6only is not None:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    if reuseport:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((address, port))
    if transport == "tcp" and listen:
        made.listen(16)
    return keep(made)


def connect(address: str, port: int, transport: str = "tcp") -> dict[str, Any]:
    """A client."""
    made = new_socket(transport, address)
    made.connect((address, port))
    return keep(made)


def close(fd: int) -> None:
    """Close one of the sockets."""
    SOCKETS.pop(fd).close()


def fork(then: list[list[Any]] | None = None) -> list[int]:
    """A child that keeps every open file until this process ends; it first does `then`.

    Returns the PIDs that came to be: the child and whatever `then` made.
    """
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        if LEASH[1] >= 0:
            os.close(LEASH[1])
            LEASH[1] = -1
        os.close(read_end)
        made = [os.getpid()]
        for name, arguments in then or []:
            result = COMMANDS[name](**arguments)
            made += result if isinstance(result, list) else []
        os.write(write_end, json.dumps(made).encode() + b"\n")
        os.close(write_end)
        os.read(LEASH[0], 1)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        # One line, for a grandchild may keep the other end open.
        return list(json.loads(answer.readline()))


def fork_in_thread(then: list[list[Any]] | None = None) -> list[int]:
    """The same from a second thread, which stays until this process ends."""
    made: list[int] = []
    done = threading.Event()

    def work() -> None:
        made.extend(fork(then))
        done.set()
        threading.Event().wait()

    threading.Thread(target=work, daemon=True).start()
    done.wait()
    return made


def churn(count: int, address: str) -> list[int]:
    """Start a child that runs `count` servers of a few milliseconds, five at a time, and ends."""
    pid = os.fork()
    if pid == 0:
        for started in range(count):
            if os.fork() == 0:
                with new_socket("tcp", address) as served:
                    served.bind((address, 0))
                    served.listen(1)
                    time.sleep(started % 8 / 1000)
                os._exit(0)
            if started >= 5:
                os.wait()
        while True:
            try:
                os.wait()
            except ChildProcessError:
                os._exit(0)
    return [pid]


def wait(pid: int) -> int:
    """Reap a child."""
    return os.waitpid(pid, 0)[1]


def enter(*namespaces: str) -> None:
    """Go into new namespaces; in a new network namespace loopback is brought up."""
    flags = 0
    for name in namespaces:
        flags |= CLONE[name]
    checked(LIBC.unshare(flags))
    if "mount" in namespaces:
        checked(LIBC.mount(b"none", b"/", None, MS_REC_PRIVATE, None))


def loopback_up() -> None:
    """Bring `lo` up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", 1))


def mount(kind: str, at: str, options: str = "") -> None:
    """Mount a file system without a device."""
    checked(LIBC.mount(kind.encode(), at.encode(), kind.encode(), 0, options.encode() or None))


def become(uid: int, *, keep: bool = False) -> None:
    """Drop every privilege, or `keep` the permitted capabilities as a systemd unit may.

    As after a real login, our own /proc entries stay readable.
    """
    checked(LIBC.prctl(PR_SET_KEEPCAPS, int(keep), 0, 0, 0))
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    checked(LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))


def rename(comm: str) -> None:
    """Set the kernel's name of this process; `comm` is latin-1 for its bytes."""
    checked(LIBC.prctl(PR_SET_NAME, comm.encode("latin-1"), 0, 0, 0))


def write(path: str, text: str) -> None:
    """Write a file, such as a kernel setting."""
    with open(path, "w") as file:
        file.write(text)


def read(path: str) -> str:
    """Read a file."""
    with open(path) as file:
        return file.read()


def refuse_netlink() -> None:
    """From now on socket(AF_NETLINK, ...) fails with EPERM, as seccomp profiles make it."""
    machine, number = SOCKET_CALLS[platform.machine()]
    steps = [
        (0x20, 0, 0, 4),  # load the architecture
        (0x15, 0, 5, machine),
        (0x20, 0, 0, 0),  # load the system call's number
        (0x15, 0, 3, number),
        (0x20, 0, 0, 16),  # load the first argument
        (0x15, 0, 1, socket.AF_NETLINK),
        (0x06, 0, 0, 0x00050000 | errno.EPERM),
        (0x06, 0, 0, 0x7FFF0000),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(
        struct.pack("@HP", len(steps), ctypes.addressof(code)), struct.calcsize("@HP")
    )
    checked(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    checked(LIBC.prctl(PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0))


def load() -> None:
    """Import all of portbook now: the files may be out of reach once privileges are dropped."""
    import portbook

    with contextlib.suppress(ImportError):
        import psutil  # noqa: F401 - only one of the sources needs it
    for late in ("tomllib", "http.client", "sqlite3", "tempfile", "calendar"):
        importlib.import_module(late)
    for module in pkgutil.walk_packages(portbook.__path__, "portbook."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def open_links(pid: int, targets: list[str]) -> list[Any]:
    """What portbook's host finds among the open files of a process."""
    from portbook.host import Host

    return Host().open_links(pid, targets)


def portbook(arguments: list[str]) -> dict[str, Any]:
    """Run portbook's command line in a child of its own; its exit code and what it printed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            from portbook.cli import main

            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code = main(arguments)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        status = os.waitpid(pid, 0)[1]
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
    return {"code": os.waitstatus_to_exitcode(status), "out": said[0], "err": said[1]}


COMMANDS: dict[str, Any] = {
    function.__name__: function
    for function in (
        *(bind, connect, close, fork, fork_in_thread, churn, wait, enter, loopback_up, mount),
        *(become, rename, write, read, refuse_netlink, load, open_links, portbook),
    )
}


def main() -> None:
    """Serve until the other end hangs up."""
    replies = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        name, positional, named = json.loads(line)
        reply: dict[str, Any] = {}
        try:
            reply["value"] = COMMANDS[name](*positional, **named)
        except OSError as error:
            reply["errno"], reply["error"] = error.errno, str(error)
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


main()
