"""TCP servers that behave strangely, on a port of their own, and count what is done to them."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

Behave = Callable[[socket.socket], None]


class Strange:
    """A server that treats each connection with `behave`.

    `received` are all bytes that came, `most` the most connections that were open at a time.
    """

    def __init__(self, behave: Behave, port: int = 0, *, serial: bool = False) -> None:
        self._behave = behave
        self._serial = serial
        self._lock = threading.Lock()
        self._open = 0
        self.most = 0
        self.connections = 0
        self.received = b""
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(64)
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self._serial:
                self._serve(connection)
            else:
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open += 1
            self.connections += 1
            self.most = max(self.most, self._open)
        with contextlib.suppress(OSError), connection:
            connection.settimeout(20)
            self._behave(_Counted(self, connection))  # type: ignore[arg-type]
        with self._lock:
            self._open -= 1

    def heard(self, data: bytes) -> None:
        """Count what came."""
        with self._lock:
            self.received += data


class _Counted:
    """A connection whose reading is counted."""

    def __init__(self, server: Strange, connection: socket.socket) -> None:
        self._server = server
        self._connection = connection
        self.sendall = connection.sendall
        self.setsockopt = connection.setsockopt

    def recv(self, size: int) -> bytes:
        data = self._connection.recv(size)
        self._server.heard(data)
        return data


@contextlib.contextmanager
def strange(behave: Behave, port: int = 0, *, serial: bool = False) -> Iterator[Strange]:
    """A strange server for the length of a block; `serial`: one client at a time."""
    server = Strange(behave, port, serial=serial)
    try:
        yield server
    finally:
        # close() alone would leave the blocked accept() with the port.
        with contextlib.suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()


def drain(connection: socket.socket) -> None:
    """Read until the client hangs up."""
    while connection.recv(4096):
        pass


def silent(connection: socket.socket) -> None:
    """Accept, read, never answer."""
    drain(connection)


def closes(_: socket.socket) -> None:
    """Accept and hang up."""


def resets(connection: socket.socket) -> None:
    """Accept and reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def floods(connection: socket.socket) -> None:
    """Send without end, nothing that anybody knows."""
    while True:
        connection.sendall(b"\xf7\x01\xe3" * 1000)


def echoes(connection: socket.socket) -> None:
    """Send everything back."""
    while data := connection.recv(4096):
        connection.sendall(data)


def babbles(connection: socket.socket) -> None:
    """Greet with bytes that no protocol has."""
    connection.sendall(b"\xfe\xed\xbe\xef strange\n")
    drain(connection)


def greets_late(connection: socket.socket) -> None:
    """An SSH greeting after three seconds."""
    time.sleep(3.0)
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    drain(connection)


def dribbles(connection: socket.socket) -> None:
    """An SSH greeting, one byte at a time."""
    for byte in b"SSH-2.0-OpenSSH_9.2p1\r\n":
        connection.sendall(bytes((byte,)))
        time.sleep(0.01)
    drain(connection)


def half_tls(connection: socket.socket) -> None:
    """Answer a TLS handshake with the beginning of one, and then with nothing."""
    if connection.recv(4096)[:1] == b"\x16":
        connection.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
    drain(connection)


def greets(text: bytes) -> Behave:
    """Greet with these bytes."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(text)
        drain(connection)

    return behave
