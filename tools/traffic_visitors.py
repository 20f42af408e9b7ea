"""Visitors in plain Python, many at once in one process, each with its own source address.

    python tools/traffic_visitors.py < plans

Runs inside the namespace of the visitors and needs the standard library only. The plans are a JSON
array of objects: `act` names a function below, `source` is the address to come from, `at` when to
begin (seconds), everything else are its arguments. Nothing that a server answers matters here.
"""

import asyncio
import contextlib
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

_LINGER = struct.pack("ii", 1, 0)
_PATIENCE = 3.0


async def _connected(source: str, target: str, port: int, patience: float) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.bind((source, 0))
    try:
        async with asyncio.timeout(patience):
            await asyncio.get_running_loop().sock_connect(sock, (target, port))
    except (OSError, TimeoutError):
        sock.close()
        return None
    return sock


async def _heard(sock: socket.socket, seconds: float) -> bytes:
    """What comes within some seconds, until the other side closes."""
    heard = b""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(seconds):
            while part := await asyncio.get_running_loop().sock_recv(sock, 65536):
                heard += part
    return heard


def _close(sock: socket.socket, *, reset: bool) -> None:
    if reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    sock.close()


async def scan(
    source: str,
    target: str,
    ports: Sequence[int],
    *,
    pause: float = 0.0,
    reset: bool = False,
    together: int = 50,
) -> None:
    """Connect to every port and close at once, as connect scanners do."""
    gate = asyncio.Semaphore(together)

    async def one(port: int) -> None:
        async with gate:
            sock = await _connected(source, target, port, _PATIENCE)
            if sock is not None:
                _close(sock, reset=reset)
            await asyncio.sleep(pause)

    await asyncio.gather(*map(one, ports))


async def say(
    source: str,
    target: str,
    ports: Sequence[int],
    data: str,
    *,
    wait: float = 1.0,
    times: int = 1,
    every: float = 1.0,
) -> None:
    """Connect, say something at once (hexadecimal) and listen for a while; the same again."""
    for i in range(times):
        for port in ports:
            sock = await _connected(source, target, port, _PATIENCE)
            if sock is not None:
                with contextlib.suppress(OSError):
                    await asyncio.get_running_loop().sock_sendall(sock, bytes.fromhex(data))
                await _heard(sock, wait)
                sock.close()
        if i + 1 < times:
            await asyncio.sleep(every)


async def listen(
    source: str, target: str, ports: Sequence[int], *, wait: float = 2.0, reset: bool = False
) -> None:
    """Connect, say nothing, take what the server says first, close: a banner grabber."""
    for port in ports:
        sock = await _connected(source, target, port, _PATIENCE)
        if sock is not None:
            await _heard(sock, wait)
            _close(sock, reset=reset)


async def check(
    source: str,
    target: str,
    ports: Sequence[int],
    *,
    every: float,
    times: int,
    reset: bool = False,
) -> None:
    """Connect and close by the clock: a check that only asks whether each port accepts."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for i in range(times):
        for port in ports:
            sock = await _connected(source, target, port, every)
            if sock is not None:
                _close(sock, reset=reset)
        await asyncio.sleep(max(0.0, begin + (i + 1) * every - loop.time()))


async def idle(
    source: str, target: str, port: int, *, data: str = "", seconds: float = 8.0
) -> None:
    """Connect, say at most one thing, and keep the connection without a word."""
    sock = await _connected(source, target, port, _PATIENCE)
    if sock is not None:
        await asyncio.get_running_loop().sock_sendall(sock, bytes.fromhex(data))
        await asyncio.sleep(seconds)
        await _heard(sock, 0.1)
        sock.close()


async def retry(
    source: str,
    target: str,
    ports: Sequence[int],
    *,
    data: str,
    pause: float = 0.5,
    grow: float = 1.0,
    times: int = 8,
    stop: bool = False,
) -> None:
    """A client that connects again after a pause (growing) where it was refused."""
    for _ in range(times):
        for port in ports:
            sock = await _connected(source, target, port, _PATIENCE)
            if sock is not None:
                with contextlib.suppress(OSError):
                    await asyncio.get_running_loop().sock_sendall(sock, bytes.fromhex(data))
                await _heard(sock, 1.0)
                sock.close()
                if stop:
                    return
        await asyncio.sleep(pause)
        pause *= grow


async def send(
    source: str,
    target: str,
    ports: Sequence[int],
    data: str,
    *,
    times: int = 1,
    every: float = 0.2,
    anew: bool = True,
) -> None:
    """UDP datagrams, from a new port each time or from one."""
    sock = None
    for _ in range(times):
        for port in ports:
            if sock is None or anew:
                family = socket.AF_INET6 if ":" in target else socket.AF_INET
                if sock is not None:
                    sock.close()
                sock = socket.socket(family, socket.SOCK_DGRAM)
                sock.bind((source, 0))
                sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.sendto(bytes.fromhex(data), (target, port))
        await asyncio.sleep(every)
    await asyncio.sleep(0.5)
    if sock is not None:
        sock.close()


_ACTS: dict[str, Callable[..., Awaitable[None]]] = {
    "scan": scan,
    "say": say,
    "listen": listen,
    "check": check,
    "idle": idle,
    "retry": retry,
    "send": send,
}


async def visit(plans: Sequence[dict[str, Any]]) -> None:
    """Let all of them visit."""

    async def one(act: str, at: float, **arguments: Any) -> None:
        await asyncio.sleep(at)
        await _ACTS[act](**arguments)

    await asyncio.gather(*(one(**plan) for plan in plans))


if __name__ == "__main__":
    asyncio.run(visit(json.load(sys.stdin)))
