"""A container engine's API on a Unix socket or loopback: engine.py ADDRESS MODE FOLDER.

It is well-behaved or not, as MODE says. It speaks real HTTP and answers with the replies in
FOLDER. The first line on stdout is where it listens, each further one a request line that came.
"""

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

ADDRESS, MODE, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: "
CHUNKS = OK + b"Docker\r\nTransfer-Encoding: chunked\r\n\r\n"
EMPTY = b"\r\nContent-Length: 0\r\n\r\n"
SERVERS = {"docker": b"Docker/27.3.1 (linux)", "podman": b"Libpod/4.3.1 (linux)"}


def reply(name: str) -> bytes:
    """One of the replies, without the spaces."""
    return json.dumps(json.loads((FOLDER / f"{name}.json").read_bytes())).encode()


def whole(body: bytes, server: bytes = b"Docker/27.3.1 (linux)") -> bytes:
    """A reply with its length."""
    return OK + server + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes, size: int) -> bytes:
    """A reply in chunks."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return CHUNKS + framed + b"0\r\n\r\n"


def well_behaved(method: str, path: str) -> bytes:
    """What an engine of the kind MODE answers."""
    if method == "GET" and path == "/containers/json":
        return whole(reply(MODE), SERVERS[MODE])
    parts = path.strip("/").split("/")
    if method == "GET" and len(parts) == 3 and parts[2] == "json" and MODE == "podman":
        known = json.loads(reply("podman-inspect"))
        if parts[1] in known:
            return whole(json.dumps(known[parts[1]]).encode(), SERVERS[MODE])
    if method == "POST" and parts[-1] == "stop":
        return b"HTTP/1.1 204 No Content\r\nServer: Docker\r\n\r\n"
    return b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"


def fault(peer: socket.socket) -> bytes:
    """What an engine of one of the other modes sends; some never return."""
    good = reply("docker")
    if MODE == "hang":
        time.sleep(60)
    if MODE == "drip":
        for byte in whole(good):
            peer.sendall(bytes([byte]))
            time.sleep(0.05)
    if MODE == "drip-headers":
        peer.sendall(OK + b"Docker\r\n")
        for number in range(1000):
            peer.sendall(b"X-%d: y\r\n" % number)
            time.sleep(0.05)
    if MODE == "continue":
        while True:
            peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
    if MODE == "huge":
        peer.sendall(OK + b"Docker\r\nContent-Length: 99999999999\r\n\r\n[")
        while True:
            peer.sendall(b'{"Id": "x"},' * 10000)
    if MODE == "huge-chunks":
        peer.sendall(CHUNKS)
        while True:
            peer.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
    body = good[: len(good) // 2]
    return {
        "garbage": os.urandom(4096),
        "not-json": whole(b"<html>hello</html>"),
        "not-a-list": whole(b'{"message": "page not found"}'),
        "odd-list": whole(b'[null, 7, {"Id": "../../etc"}, {"Id": null}]'),
        "deep": whole(b"[" * 1_000_000),
        "many": whole(b"[" + b"{}," * 1_300_000 + b"{}]"),
        "chunked": chunked(good, 100),
        "cut-off": whole(good)[:-100],
        "cut-off-chunks": chunked(good, 100)[:-300],
        "half-json": whole(body),
        "negative-chunk": OK
        + b"Docker\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        "closes": b"",
        "denies": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}",
        "not-found": b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
        "broken": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}",
        "redirects": b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/" + EMPTY,
    }[MODE]


def serve(peer: socket.socket) -> None:
    """Answer one request."""
    with peer:
        try:
            request = b""
            while b"\r\n\r\n" not in request and (data := peer.recv(4096)):
                request += data
            line = request.split(b"\r\n", 1)[0].decode("latin-1")
            print(line, flush=True)
            method, path, _ = line.split(" ")
            peer.sendall(well_behaved(method, path) if MODE in SERVERS else fault(peer))
        except (OSError, ValueError):
            pass


def main() -> None:
    """Listen until the one who started us hangs up."""
    if ADDRESS == "tcp":
        listener = socket.create_server(("127.0.0.1", 0))
        print(f"tcp://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(ADDRESS)
        listener.listen(16)
        print(f"unix://{ADDRESS}", flush=True)
    while MODE == "never":
        time.sleep(60)
    while True:
        peer = listener.accept()[0]
        threading.Thread(target=serve, args=(peer,), daemon=True).start()


threading.Thread(target=main, daemon=True).start()
sys.stdin.read()
