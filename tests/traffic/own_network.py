"""A network namespace of the test's own inside the test's process: one thread lives in it.

Sockets belong to the namespace in which they were made, whoever uses them later, so a test makes
them in there and uses them out here. The namespace ends with the thread and the last socket.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1

_P = ParamSpec("_P")
_T = TypeVar("_T")


class OwnNetwork:
    """Runs functions in the namespace."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self(_enter)

    def __call__(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What `function` returns or raises when it is called in there."""
        return self._pool.submit(function, *args, **kwargs).result(timeout=50)

    def ip(self, *arguments: str) -> str:
        """`ip ...` in there; what it prints."""
        argv = ["ip", *arguments]
        return self(subprocess.run, argv, check=True, capture_output=True, text=True).stdout

    def server(self, address: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """A socket bound to a free port of `address`; a stream one also listens."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made: socket.socket = self(socket.socket, family, kind)
        made.settimeout(10)
        made.bind((address, 0))
        if kind == socket.SOCK_STREAM:
            made.listen(64)
        return made

    def client(self, address: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """An unbound socket of the family of `address`."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made: socket.socket = self(socket.socket, family, kind)
        made.settimeout(10)
        return made


def _enter() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


@contextmanager
def own_network() -> Iterator[OwnNetwork]:
    """A namespace with loopback up, for the length of a block."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield OwnNetwork(pool)
