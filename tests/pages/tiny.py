"""A tiny application on the book's own server, in a process of its own, and raw clients for it."""

import json
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from live.stage import environment

CRLF = b"\r\n"


async def tiny(scope: Any, receive: Any, send: Any) -> None:
    """`/slow` takes a while, `/stuck` for ever, `/big` is 8 MB, `/fault` fails; others echo."""
    import asyncio

    if scope["path"] in ("/slow", "/stuck"):
        await asyncio.sleep(1.5 if scope["path"] == "/slow" else 1000)
    if scope["path"] == "/fault":
        raise RuntimeError("meant\nto fail\x1b[31m")
    got = b""
    more = True
    while more:
        message = await receive()
        got += message.get("body", b"")
        more = message.get("more_body", False)
    body = b"x" * (8 << 20) if scope["path"] == "/big" else b""
    if not body:
        body = f"{scope['method']} {scope['path']} {len(got)}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> int:
    """Serve on one loopback port; options as JSON: `limits`, `drain`, and RLIMIT_NOFILE.

    `files` is its hard limit (0: as it is); the soft one is the usual 1,024 at first.
    """
    from portbook.pages import listening, serving
    from portbook.pages.connection import Crowd, Limits

    asked = json.loads(sys.argv[1])
    hard = asked["files"] or resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1024), hard))
    serving.DRAIN = asked["drain"] or serving.DRAIN
    sockets = listening.passed() or listening.listen(("127.0.0.1",), 0)
    most = serving.connection_limit(len(sockets))
    crowd = Crowd(Limits(**{"connections": most, **asked["limits"]}))

    def ready() -> None:
        places = [listening.place_of(each) for each in sockets]
        told = {"ports": [each.port for each in places], "most": most}
        print(json.dumps(told), flush=True)

    code = serving.serve(tiny, sockets, crowd, events=serving.Events(ready))
    print(json.dumps({"refused": crowd.refused, "evicted": crowd.evicted}), flush=True)
    return code


class Tiny(NamedTuple):
    """The server: its port, its process, its stderr, and how many connections it takes."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    most: int

    def connect(self, **options: int) -> socket.socket:
        """A connection; an option is one of the socket, such as SO_RCVBUF."""
        link = socket.socket()
        link.settimeout(15)
        for name, value in options.items():
            link.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        try:
            link.connect(("127.0.0.1", self.port))
        except OSError:
            link.close()
            raise
        return link

    def say(self, data: bytes, patience: float = 1.0) -> bytes:
        """What comes back for these bytes until the server hangs up, or is silent for so long."""
        with self.connect() as link:
            with suppress(OSError):
                link.sendall(data)
            return heard(link, patience)

    def ask(self, path: str = "/") -> bytes:
        """The answer to a plain request on a connection of its own."""
        return self.say(request(path, Connection="close"))

    def ended(self) -> dict[str, Any]:
        """Ask it to end; its last words, a document."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        last: dict[str, Any] = json.loads(self.process.stdout.readline())
        return last


def request(path: str = "/", method: str = "GET", body: bytes = b"", **fields: str) -> bytes:
    """One request; `_` in the name of a field is a dash."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    if body:
        named.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join((*lines, "", "")).encode() + body


def heard(link: socket.socket, patience: float) -> bytes:
    """Everything until the other side hangs up, or is silent for so long."""
    got = b""
    link.settimeout(patience)
    try:
        while data := link.recv(1 << 16):
            got += data
    except OSError:
        pass
    return got


def status(answer: bytes) -> int:
    """The status of the first answer; 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def until_closed(link: socket.socket, most: float) -> tuple[bytes, float]:
    """What comes until the server hangs up, and after how many seconds it does."""
    began = time.monotonic()
    got = heard(link, most)
    return got, time.monotonic() - began


@contextmanager
def tiny_server(
    folder: Path,
    *,
    files: int = 0,
    limits: Mapping[str, float] | None = None,
    drain: int = 0,
) -> Iterator[Tiny]:
    """The server for the length of a block. The test fails where it wrote a traceback."""
    log = folder / "tiny.log"
    asked = json.dumps({"limits": limits or {}, "files": files, "drain": drain})
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, __file__, asked],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment() | {"PYTHONPATH": _path()},
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"the server did not start: {log.read_text()}"
        told = json.loads(line)
        yield Tiny(told["ports"][0], process, log, told["most"])
    finally:
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()
            process.stdout.close()
    assert "Traceback" not in log.read_text()


def _path() -> str:
    """Where the process finds the package under test, and this folder's helpers."""
    tests = str(Path(__file__).parent.parent)
    return ":".join((environment()["PYTHONPATH"], tests))


if __name__ == "__main__":
    sys.exit(main())
