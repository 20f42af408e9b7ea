"""Runs an ASGI application in this process, on given sockets, until it is asked to end.

When SIGTERM, SIGINT or SIGHUP comes, nothing new is accepted; requests at work have `DRAIN` seconds
to finish. A second signal ends it at once.
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn

from portbook.model import EnvironmentFault
from portbook.model.record import Record
from portbook.model.version import __version__
from portbook.pages.connection import Crowd, Limits
from portbook.pages.listening import BACKLOG, notify

if TYPE_CHECKING:
    from starlette.types import ASGIApp

DRAIN = 10
"""Seconds for requests at work when the server was asked to end."""
_HANDSHAKE = 5.0
_AT_ONCE = 32
"""Connections accepted in one turn: so many may come beyond the limit before it is looked at."""
_SPARE = 96
"""Descriptors for everything but connections: files, the survey, the feedback."""
_INTERRUPTED = 130
_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")


class Events(Record):
    """What a server tells: that it answers; that it is to end; before both, its event loop."""

    ready: Callable[[], None] = lambda: None
    ending: Callable[[], None] = lambda: None
    begin: Callable[[asyncio.AbstractEventLoop], None] = lambda _loop: None


def connection_limit(listeners: int, wanted: int = Limits().connections, *, others: int = 0) -> int:
    """How many connections the system lets us have; raises our own limit of files as far as it may.

    A process may have 1,024 files open by default, and many more if it asks (setrlimit(2)).
    `others` are left for something else, but no more than a quarter of all.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        others = min(others, hard // 4)
    spare = _SPARE + _AT_ONCE * listeners + others
    if soft != resource.RLIM_INFINITY and soft < wanted + spare:
        most = wanted + spare if hard == resource.RLIM_INFINITY else min(hard, wanted + spare)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(16, min(wanted, soft - spare))


def tls_context(certificate: str, key: str | None) -> ssl.SSLContext:
    """A server's context from files in PEM form; without `key` it is in the certificate's file.

    Raises:
        EnvironmentFault: they cannot be read, do not fit, or the key is encrypted.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def encrypted() -> str:
        raise EnvironmentFault(f"the key in {key or certificate} is encrypted", hint=_DECRYPT)

    for path in filter(None, (certificate, key)):
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise EnvironmentFault(f"{path}: {error.strerror}") from None
    try:
        context.load_cert_chain(certificate, key, encrypted)
    except ssl.SSLError as error:
        said = _TLS_FAULTS.get(error.reason or "", "that is no certificate and key in PEM form")
        both = f"{certificate} and {key}" if key else certificate
        raise EnvironmentFault(f"no TLS with {both}: {said}", hint=_PEM) from None
    return context


_DECRYPT = "openssl pkey -in KEY -out PLAIN writes it without a password"
_PEM = "the certificate with its chain, and its own key, both in PEM form"
_TLS_FAULTS = {
    "KEY_VALUES_MISMATCH": "the key belongs to another certificate",
    "KEY_TYPE_MISMATCH": "the key belongs to another certificate",
    "EE_KEY_TOO_SMALL": "the key is too short",
    "CA_MD_TOO_WEAK": "the certificate is signed too weakly",
}


def serve(
    app: "ASGIApp",
    sockets: list[socket.socket],
    crowd: Crowd,
    *,
    tls: ssl.SSLContext | None = None,
    events: Events | None = None,
) -> int:
    """Answer on the sockets until a signal comes; the exit code: 0, or 130 for SIGINT."""
    _log_in_lines()
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=crowd.protocol(),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        headers=[("server", f"portbook/{__version__}")],
        timeout_graceful_shutdown=DRAIN,
    )
    server = _Server(config, crowd, sockets, events or Events(), tls)
    server.run()
    return _INTERRUPTED if server.signal == signal.SIGINT else 0


class _Server(uvicorn.Server):
    """uvicorn's server with our sockets, our signals and the crowd's deadlines."""

    def __init__(
        self,
        config: uvicorn.Config,
        crowd: Crowd,
        sockets: list[socket.socket],
        events: Events,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(config)
        self.signal: int | None = None
        self._crowd = crowd
        self._sockets = sockets
        self._events = events
        self._tls = tls
        self._sweeping: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's
        """Listen. Unlike uvicorn's, a TLS handshake has seconds and not a minute."""
        loop = asyncio.get_running_loop()
        await self.lifespan.startup()
        self._events.begin(loop)

        def made() -> asyncio.Protocol:
            protocol: Any = self.config.http_protocol_class
            connection: asyncio.Protocol = protocol(
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return connection

        self.servers = []
        for each in self._sockets:
            tls = None if each.family == socket.AF_UNIX else self._tls
            listening = await loop.create_server(
                made,
                sock=each,
                ssl=tls,
                backlog=_AT_ONCE,
                ssl_handshake_timeout=_HANDSHAKE if tls else None,
            )
            # asyncio listens with the number that it accepts at once; the kernel may queue more.
            each.listen(BACKLOG)
            self.servers.append(listening)
        self._sweeping = loop.create_task(self._crowd.keep_sweeping())
        for name in _SIGNALS:
            number = getattr(signal, name)
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._asked, number)
        self.started = True
        self._events.ready()
        notify("READY=1")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `startup`: uvicorn would end the process with them."""
        yield

    async def main_loop(self) -> None:
        """Set the date of the responses each second, until a signal comes.

        uvicorn's own looks ten times a second: 0.25 % of a core while nobody asks (measured).
        """
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._over.wait()

    def _asked(self, number: int) -> None:
        """A signal: end when what is at work is done; the second time at once."""
        if self.signal is not None:
            self.force_exit = True
            return
        self.signal = number
        self.should_exit = True
        self._over.set()
        for each in self.servers:
            each.close()
        self._events.ending()
        notify("STOPPING=1")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's
        """Finish, and let go."""
        await super().shutdown(self._sockets)
        if self._sweeping is not None:
            self._sweeping.cancel()


def _log_in_lines() -> None:
    """What uvicorn and asyncio log goes to stderr, one line each and no traceback."""
    handler = _Lines(logging.WARNING)
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)


class _Lines(logging.Handler):
    """PORTBOOK_TRACEBACK=1 adds where an exception came from."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it. Faults of views are told where they are answered (views/error)."""
        raised = record.exc_info[1] if record.exc_info else None
        shown = os.environ.get("PORTBOOK_TRACEBACK")
        if shown and raised is not None:
            print(logging.Formatter().formatException(record.exc_info), file=sys.stderr)  # type: ignore[arg-type] # not None
        elif record.name == "uvicorn.error" and raised is not None:
            return
        message = record.getMessage().partition("\n")[0]
        said = f"{message} ({type(raised).__name__}: {raised})" if raised else message
        plain = said.encode("ascii", "backslashreplace").decode()
        line = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in plain)
        print(f"portbook: error: {line[:500]}", file=sys.stderr, flush=True)
