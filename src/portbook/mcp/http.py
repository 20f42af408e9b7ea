"""Many clients over streamable HTTP: on loopback, behind the token that `portbook serve` has.

The connections, their limits and the checks of Host and Origin are those of the pages. What is left
of a request is the SDK's, at one address: `/mcp`.
"""

import asyncio
import logging
import sys
from http import HTTPStatus

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic_core import from_json

from portbook.mcp.desk import Desk
from portbook.mcp.server import Service, quiet_logs
from portbook.pages import listening, serving
from portbook.pages.connection import Crowd, Limits
from portbook.pages.guard import HEADERS, Senders
from portbook.pages.settings import Settings
from portbook.pages.tokens import Tokens, default_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

PATH = "/mcp"

IDLE_SECONDS = 600.0
"""A session that nobody listens to or asks anything ends after ten minutes, its claims with it."""

MOST_SESSIONS = 256
MOST_CONNECTIONS = 512

_REALM = b'Bearer realm="portbook"'


def serve_http(desk: Desk, host: str, port: int) -> int:
    """Answer until a signal comes; 130 for SIGINT, else 0.

    Raises:
        PortTaken: somebody has the port.
        EnvironmentFault: the token cannot be kept.
        NotPermitted: the port is a privileged one, or the token is another user's.
    """
    path = default_path()
    tokens = Tokens(path)
    try:
        sockets = listening.listen((host,), port)
    except listening.PortTaken as taken:
        hint = f"portbook why {port}, or --http alone, which takes any that is free"
        raise listening.PortTaken(taken.address, taken.port, hint=hint) from None
    place = listening.place_of(sockets[0])
    quiet_logs()
    # How many calls were still at work when the server was ended is of no use to anybody.
    logging.getLogger("uvicorn.error").addFilter(_is_no_count_of_tasks)
    service = Service(desk, alone=False)
    manager = StreamableHTTPSessionManager(
        service.sdk,
        # One answer to one request: a stream for each is for servers that ask back.
        json_response=True,
        session_idle_timeout=IDLE_SECONDS,
        max_sessions=MOST_SESSIONS,
        max_request_body_size=Limits().body_bytes,
    )
    door = Door(manager, tokens, Settings(names=_names(place.port), port=place.port))
    running = _Running(service, manager)

    def ready() -> None:
        url = f"http://{listening.place(place.address, place.port)}{PATH}"
        print(url, f"the token is in {path}", "Ctrl-C ends", sep="\n", file=sys.stderr, flush=True)

    events = serving.Events(ready, running.end, running.begin)
    limit = serving.connection_limit(1, MOST_CONNECTIONS)
    try:
        return serving.serve(door, sockets, Crowd(Limits(connections=limit)), events=events)
    finally:
        desk.leases.forget_all()


def _names(port: int) -> frozenset[str]:
    return frozenset(f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]"))


def _is_no_count_of_tasks(record: logging.LogRecord) -> bool:
    return "timeout graceful shutdown exceeded" not in str(record.msg)


class _Running:
    """The SDK's sessions, for as long as the server answers: they begin and end in one task."""

    def __init__(self, service: Service, manager: StreamableHTTPSessionManager) -> None:
        self._service = service
        self._manager = manager
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """The server is about to listen."""
        self._task = loop.create_task(self._run())

    async def _run(self) -> None:
        async with self._manager.run():
            self._service.begin()
            await self._over.wait()

    def end(self) -> None:
        """It was asked to end: streams that wait for news would hold it up."""
        self._over.set()


class Door:
    """Lets requests through that come from here, with the token, to the one address."""

    def __init__(
        self, manager: StreamableHTTPSessionManager, tokens: Tokens, settings: Settings
    ) -> None:
        self._manager = manager
        self._tokens = tokens
        self._senders = Senders(settings)
        self._at_work: set[tuple[bytes, str]] = set()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Refuse the request, or give it to the SDK."""
        if scope["type"] != "http":
            return
        why = self._refusal(scope)
        if why is None:
            await self._let_through(scope, receive, send)
            return
        await self._refuse(send, *why)

    async def _let_through(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """The SDK has one place for an id in a session: a second call would wait there for ever."""
        session = next((v for k, v in scope["headers"] if k == b"mcp-session-id"), None)
        if session is None or scope["method"] != "POST":
            await self._manager.handle_request(scope, receive, send)
            return
        body, again = await _read(receive)
        name = _request_id(body)
        if name is None:
            await self._manager.handle_request(scope, again, send)
            return
        call = (session, name)
        if call in self._at_work:
            sentence = "A request of this session with the same id is still at work."
            await self._refuse(send, HTTPStatus.CONFLICT, sentence)
            return
        self._at_work.add(call)
        try:
            await self._manager.handle_request(scope, again, send)
        finally:
            self._at_work.discard(call)

    async def _refuse(self, send: "Send", status: HTTPStatus, sentence: str) -> None:
        body = f"{sentence}\n".encode()
        headers = [
            *HEADERS,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        if status == HTTPStatus.UNAUTHORIZED:
            headers.append((b"www-authenticate", _REALM))
        await send({"type": "http.response.start", "status": int(status), "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _refusal(self, scope: "Scope") -> tuple[HTTPStatus, str] | None:
        """Why a request is not taken. Whether there is such an address is told with the token."""
        headers = scope["headers"]
        why = self._senders.refusal(headers, scope.get("server"))
        if why is not None:
            return why
        carried = [value for name, value in headers if name == b"authorization"]
        if len(carried) != 1 or not self._tokens.is_bearer(carried[0]):
            return HTTPStatus.UNAUTHORIZED, "The token is needed: Authorization: Bearer TOKEN."
        if scope["path"] != PATH:
            return HTTPStatus.NOT_FOUND, f"What is asked for is at {PATH}."
        return None


async def _read(receive: "Receive") -> tuple[bytes, "Receive"]:
    """The body, which the connection bounds, and a `receive` that gives it once more."""
    body = b""
    message: Message = {"type": "http.request", "more_body": True}
    while message["type"] == "http.request" and message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    if message["type"] != "http.request":
        waiting.append(message)

    async def again() -> "Message":
        return waiting.pop(0) if waiting else await receive()

    return body, again


def _request_id(body: bytes) -> str | None:
    """The id of a request as the SDK keeps it: 1 and "1" are the same to it."""
    try:
        found = from_json(body)
    except ValueError:
        return None
    if not isinstance(found, dict) or "method" not in found or found.get("id") is None:
        return None
    name = found["id"]
    return str(int(name) if isinstance(name, float) and name.is_integer() else name)
