"""Print what real clients say first as entries for tests/traffic/openers.

    python -m tools.record_openers [NAME...] >> tests/traffic/openers/clients.toml

Each client of tests/traffic/openers/how.toml is started against a port of loopback that says
nothing, or greets where the protocol is server-first, and the first bytes that arrive are kept: one
segment, as a capture has it. Review each entry before it is kept: what a client says may name
people and machines.
"""

import argparse
import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import tomllib
from typing import NamedTuple

from portbook.traffic.openers import recognise

_HOW = os.path.join(os.path.dirname(__file__), "../tests/traffic/openers/how.toml")
_SEGMENT = 1460
_MYSQL = (
    b"\x0a5.5.5-10.11.0-MariaDB\x00\x01\x00\x00\x00abcdefgh\x00\xfe\xff\x2d\x02\x00\xff\x81\x15"
    + b"\x00" * 6
    + b"\x1d\x00\x00\x00ijklmnopqrst\x00mysql_native_password\x00"
)
_GREETINGS = {
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "smtp": b"220 a.example ESMTP\r\n",
    "ftp": b"220 ready\r\n",
    "pop3": b"+OK ready\r\n",
    "imap": b"* OK [CAPABILITY IMAP4rev1] ready\r\n",
    "mysql": len(_MYSQL).to_bytes(3, "little") + b"\0" + _MYSQL,
    "vnc": b"RFB 003.008\n",
    "rsync": b"@RSYNCD: 31.0\n",
    "svn": b"( success ( 2 2 ( ) ( edit-pipeline svndiff1 absent-entries ) ) ) ",
    "telnet": b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27",
    "nats": b'INFO {"server_id":"x","version":"2.9.10","max_payload":1048576}\r\n',
}


class Client(NamedTuple):
    """An entry of how.toml."""

    name: str
    protocol: str
    command: str
    package: str = ""
    transport: str = "tcp"
    greeting: str = ""
    port: int = 0
    whole: bool = False
    usual: int = 0


def main() -> None:
    """Record those named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    with open(_HOW, "rb") as file:
        clients = [Client(**each) for each in tomllib.load(file)["client"]]
    for client in clients:
        if not names or client.name in names:
            _record(client)


def _record(client: Client) -> None:
    kind = socket.SOCK_DGRAM if client.transport == "udp" else socket.SOCK_STREAM
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        listener = socket.socket(socket.AF_INET, kind)
        listener.bind(("127.0.0.1", _free_port(client.port)))
        if kind == socket.SOCK_STREAM:
            listener.listen(16)
        listener.settimeout(12)
        port = listener.getsockname()[1]
        filled = {
            "port": port,
            "folder": folder,
            "python": sys.executable,
            "display": port - 6000,
            "high": port >> 8,
            "low": port & 255,
        }
        command = client.command
        for word, value in filled.items():
            command = command.replace("{" + word + "}", str(value))
        started = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": folder, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        try:
            data = _heard(listener, client)
            if data:
                _print(client, data, port)
        finally:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()
            listener.close()


def _free_port(first: int) -> int:
    """Port 0; where the client adds a number to a first port, one above it that is free."""
    if not first:
        return 0
    for port in range(first + 60, first + 160):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)):
                return port
    return 0


def _heard(listener: socket.socket, client: Client) -> bytes:
    """The first bytes of the first connection that has any."""
    try:
        while True:
            if client.transport == "udp":
                return listener.recv(65536)[:_SEGMENT]
            line, _ = listener.accept()
            line.settimeout(8)
            if client.greeting:
                line.sendall(_GREETINGS[client.greeting])
            data = line.recv(_SEGMENT)
            if data and client.whole:
                line.settimeout(1)
                with contextlib.suppress(TimeoutError):
                    data += line.recv(_SEGMENT)
            line.close()
            if data:
                return data
    except OSError as error:
        print(f"# {client.name}: {error}", file=sys.stderr)
    return b""


def _print(client: Client, data: bytes, port: int) -> None:
    found = recognise(client.transport, data, client.usual or port)
    if found.protocol != client.protocol:
        print(f"# {client.name}: {client.protocol} is taken for {found}", file=sys.stderr)
    version = _version(client.package) if client.package else f"Python {sys.version.split()[0]}"
    print(f'[[opener]]\nname = "{client.name}"\nfrom = "{version}"')
    if client.transport == "udp":
        print('transport = "udp"')
    if client.usual:
        print(f"port = {client.usual}")
    written = data.decode("latin-1").encode("unicode_escape").decode("ascii")
    written = written.replace("'", "\\x27")
    print(f"data = '{written}'")
    expect = [f'protocol = "{client.protocol}"', f'confidence = "{found.confidence}"']
    if found.tool:
        expect.append(f'tool = "{found.tool}"')
    told = ", ".join(f"[{_quoted(key)}, {_quoted(value)}]" for key, value in found.details)
    expect.append(f"details = [{told}]")
    print(f"expect = {{ {', '.join(expect)} }}\n")


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _version(package: str) -> str:
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}", package],
        capture_output=True,
        text=True,
    )
    return asked.stdout or package


if __name__ == "__main__":
    main()
