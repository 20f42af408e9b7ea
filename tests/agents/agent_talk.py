"""`portbook mcp` as a process of the test's own, and clients: the SDK's, and one of bytes."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx2
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from command import Run

MODES = ("legacy", "auto")
"""Both generations of the protocol: with a handshake, and with an envelope around each request.

`auto` takes the newer one where the server has it.
"""

Found = TypeVar("Found")
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


def argv(*options: str) -> list[str]:
    """The command line of the server."""
    return [sys.executable, "-m", "portbook", "mcp", *options]


def over_stdio(
    work: Callable[[Client], Awaitable[Found]], *options: str, mode: str = "legacy", cwd: str = ""
) -> Found:
    """What `work` makes of a connection of the SDK's client to a server of its own."""
    line = argv(*options)
    # The SDK passes on few variables; the test's own home is one of ours.
    server = StdioServerParameters(
        command=line[0], args=line[1:], env=dict(os.environ), cwd=cwd or None
    )

    async def talk() -> Found:
        async with Client(stdio_client(server), mode=mode) as client:
            return await work(client)

    return run(talk())


def run(talking: Coroutine[Any, Any, Found]) -> Found:
    """Run it; what it raises comes without the groups that the SDK's tasks put around it.

    Raises:
        BaseException: what was raised inside.
    """
    try:
        return asyncio.run(talking)
    except BaseExceptionGroup as group:
        inner: BaseException = group
        while isinstance(inner, BaseExceptionGroup):
            inner = inner.exceptions[0]
        raise inner from None


class Serving(NamedTuple):
    """A server over HTTP: its address and its token."""

    url: str
    token: str
    process: "subprocess.Popen[str]"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return urlsplit(self.url).port or 0

    def talk(self, work: Callable[[Client], Awaitable[Found]], mode: str = "legacy") -> Found:
        """What `work` makes of a connection of the SDK's client."""

        async def connected() -> Found:
            headers = {"Authorization": f"Bearer {self.token}"}
            async with (
                httpx2.AsyncClient(headers=headers, timeout=20) as http,
                Client(streamable_http_client(self.url, http_client=http), mode=mode) as client,
            ):
                return await work(client)

        return run(connected())


@contextmanager
def over_http(home: Path, *options: str) -> Iterator[Serving]:
    """A server over HTTP on a port that the kernel chose."""
    process = subprocess.Popen(argv("--http", *options), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        url = process.stderr.readline().strip()
        assert url.endswith("/mcp"), url + process.stderr.read()
        yield Serving(url, (home / "token").read_text().strip(), process)
    finally:
        process.kill()
        process.wait(timeout=20)
        process.stderr.close()


class Talk:
    """A server over stdio that is sent bytes; answers are read line by line."""

    def __init__(self, *options: str, line: Sequence[str] = ()) -> None:
        self.process = subprocess.Popen(
            line or argv(*options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._last = 0

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def request(self, method: str, params: object = None) -> int:
        """Send a request; its id."""
        self._last += 1
        message = {"jsonrpc": "2.0", "id": self._last, "method": method}
        if params is not None:
            message["params"] = params
        self.send(json.dumps(message).encode() + b"\n")
        return self._last

    def read(self) -> Any:
        """The next message."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, method: str, params: object = None) -> Any:
        """The answer to one request; nothing else may come before it."""
        number = self.request(method, params)
        answer = self.read()
        assert answer["id"] == number
        return answer

    def hello(self) -> "Talk":
        """The handshake."""
        assert "result" in self.ask("initialize", HELLO)
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        return self

    def call(self, tool: str, **arguments: object) -> Any:
        """The result of a tool."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments})["result"]

    def end(self) -> Run:
        """Close its stdin; what it still says, and its exit code."""
        out, err = self.process.communicate(timeout=20)
        return Run(self.process.returncode, out.decode(), err.decode())

    def kill(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.communicate(timeout=20)


@contextmanager
def talk(*options: str) -> Iterator[Talk]:
    """A server after its handshake, killed at the end of the block."""
    made = Talk(*options)
    try:
        yield made.hello()
    finally:
        made.kill()


def text_of(result: Any) -> str:
    """The text of a result, the SDK's or a plain one."""
    block = result["content"][0] if isinstance(result, dict) else result.content[0]
    found = block["text"] if isinstance(block, dict) else block.text
    assert isinstance(found, str)
    return found
