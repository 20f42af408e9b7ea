"""One client over stdin and stdout: a JSON message a line, and nothing else on stdout.

stdin is read by a thread of our own: the SDK's cannot be interrupted, so a signal would wait for
the client's next line.
"""

import asyncio
import contextlib
import os
import signal
import threading

from mcp.server.stdio import stdio_server
from pydantic_core import from_json

from portbook.mcp.desk import Desk
from portbook.mcp.server import Service, quiet_logs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

LONGEST_LINE = 1 << 20
"""Bytes of a message. A longer one is thrown away as it comes, and is not JSON then."""

_NO_JSON = (
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,'
    '"message":"the line is no JSON, or has more than a megabyte"}}\n'
)

_CHUNK = 1 << 16
_AHEAD = 64
"""Messages that are read before the first of them is taken."""
_LAST_ANSWERS = 10.0
"""Seconds for calls at work when the client has closed its side."""
_INTERRUPTED = 130


def serve_stdio(desk: Desk) -> int:
    """Answer until stdin is closed, or a signal comes; 130 for SIGINT, else 0.

    The process has to end after this: a write that a client does not take may still be waiting.
    """
    quiet_logs()
    come, go = _taken_streams()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(_serve(desk, come, go))
    finally:
        desk.leases.forget_all()


async def _serve(desk: Desk, come: int, go: int) -> int:
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[int] = loop.create_future()

    def end(number: int) -> None:
        if not asked.done():
            asked.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, end, number)
    service = Service(desk, alone=True)
    service.begin()
    talk = loop.create_task(_talk(service, come, go))
    await asyncio.wait({talk, asked}, return_when=asyncio.FIRST_COMPLETED)
    if asked.done():
        return _INTERRUPTED if asked.result() == signal.SIGINT else 0
    return talk.result()


async def _talk(service: Service, come: int, go: int) -> int:
    writer = _Writer(go)
    lines = _Lines(come, service, writer)
    try:
        async with stdio_server(_any(lines), _any(writer)) as (read, write):
            lines.start()
            await service.sdk.run(read, write, service.sdk.create_initialization_options())
    except* OSError:
        # The client has gone without a word: there is nobody left to tell.
        pass
    return 0


def _any(stream: object) -> "Any":
    """The SDK names a class of anyio here, and uses no more of it than what ours have."""
    return stream


def _taken_streams() -> tuple[int, int]:
    """stdin and stdout for the protocol alone; who else reads gets nothing, who prints, stderr."""
    come, go = _aside(0), _aside(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    try:
        os.dup2(2, 1)
    except OSError:
        os.dup2(nowhere, 1)
    if nowhere > 2:
        os.close(nowhere)
    return come, go


def _aside(number: int) -> int:
    import fcntl

    try:
        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3)
    except OSError:
        # It was closed before we began: that is a client who says nothing.
        return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


class _Lines:
    """The lines of a file descriptor, for `async for`; those that are no JSON are answered here.

    The SDK would pass over them in silence.
    """

    def __init__(self, number: int, service: Service, writer: "_Writer") -> None:
        self._number = number
        self._writer = writer
        self._service = service
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def _read(self) -> None:
        rest = b""
        while True:
            try:
                some = os.read(self._number, _CHUNK)
            except OSError:
                some = b""
            if not some:
                break
            *whole, rest = (rest + some).split(b"\n")
            for line in whole:
                self._give(line)
            if len(rest) > LONGEST_LINE:
                # Its begin is kept, so that it is refused and not taken for something shorter.
                rest = rest[:1] + b"\0"
        if rest:
            self._give(rest)
        self._put(None)

    def _give(self, line: bytes) -> None:
        if line.strip():
            self._room.acquire()
            self._put(line)

    def _put(self, line: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before us
            self._loop.call_soon_threadsafe(self._lines.put_nowait, line)

    def __aiter__(self) -> "Self":
        return self

    async def __anext__(self) -> str:
        while (line := await self._lines.get()) is not None:
            self._room.release()
            text = line.decode("utf-8", "replace")
            if _is_json(text):
                return text
            await self._writer.write(_NO_JSON)
        await self._last_answers()
        raise StopAsyncIteration

    async def _last_answers(self) -> None:
        """Whoever writes its questions and closes gets its answers (`portbook mcp <questions`)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_ANSWERS):
                calm = 0
                while calm < 3:
                    await asyncio.sleep(0.01)
                    calm = 0 if self._service.busy else calm + 1


def _is_json(text: str) -> bool:
    """By the parser that the SDK has: what it would not take is answered, and nothing else."""
    try:
        from_json(text)
    except ValueError:
        return False
    return True


class _Writer:
    """Writes to a file descriptor, whole lines, without holding up the loop."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._turn = asyncio.Lock()

    async def write(self, text: str) -> None:
        """Write all of it.

        Raises:
            OSError: nobody reads any more.
        """
        import anyio.to_thread

        data = text.encode("utf-8", "backslashreplace")
        async with self._turn:
            await anyio.to_thread.run_sync(self._write, data)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._number, left) :]

    async def flush(self) -> None:
        """Nothing is kept back."""
