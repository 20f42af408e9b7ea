"""The desk behind the SDK: its tools as the tools of an MCP server, for every transport."""

import asyncio
import logging
from functools import partial

import anyio
import anyio.lowlevel
import anyio.to_thread
from anyio import CapacityLimiter
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolRequestParams, PaginatedRequestParams

from portbook.mcp.catalogue import instructions, tool_called
from portbook.mcp.desk import Desk
from portbook.mcp.plain_text import safe
from portbook.mcp.promising import EVERYBODY, RENEW_SECONDS
from portbook.model.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

    Context = ServerRequestContext[Any, Any]

AT_ONCE = 4
"""Calls that are worked on at a time; further ones wait their turn."""

_WARM_AFTER = 0.02
"""Seconds from the first answer to loading what the next ones need: the answer is out by then."""

_TTL_MS = 3_600_000
"""How long the list of tools may be kept: it changes with the program alone."""

_COMPLETE = {"resultType": "complete"}
"""A field of the newer protocol; the SDK takes it out of the answers of the older one."""

ONE_CLIENT = "the client"
"""The session of a connection that is the only one, such as stdin and stdout."""


class Service:
    """One SDK server for a desk, and what it does by itself: warm up once, renew claims.

    `alone`: there is one client, whose claims last as long as this process.
    """

    def __init__(self, desk: Desk, *, alone: bool) -> None:
        self.desk = desk
        self.busy = 0
        self._alone = alone
        self._limiter: CapacityLimiter | None = None
        self._chores: set[asyncio.Task[None]] = set()
        self._is_warm = False
        self.sdk: Server[Any] = Server(
            "portbook",
            version=__version__,
            title="portbook",
            description="Knows every port of this machine.",
            instructions=instructions(claims=desk.claims),
        )
        # The SDK's own middleware is for telemetry, which nobody asked for here.
        self.sdk.middleware = [self._attend]
        self.sdk.add_request_handler("tools/list", PaginatedRequestParams, self._list)
        self.sdk.add_request_handler("tools/call", CallToolRequestParams, self._call)

    def begin(self) -> None:
        """Renew the claims from now on; called in the event loop."""
        if self.desk.claims:
            self._do(self._keep_renewing())

    async def _attend(self, ctx: "Context", call_next: "CallNext") -> "HandlerResult":
        """Count what is at work; the first message is the sign to get ready for more."""
        self.busy += 1
        try:
            return await call_next(ctx)
        finally:
            self.busy -= 1
            if not self._is_warm:
                self._is_warm = True
                self._do(self._warm_up())

    async def _list(self, _context: "Context", _params: PaginatedRequestParams) -> "dict[str, Any]":
        return {"tools": self.desk.tools(), **_COMPLETE, "ttlMs": _TTL_MS, "cacheScope": "public"}

    async def _call(self, context: "Context", params: CallToolRequestParams) -> "dict[str, Any]":
        tool = tool_called(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"unknown tool {safe(params.name, 100)!r}")
        session = self._session(context)
        # Whoever takes the question back need not wait; but what is being claimed has to be known.
        made: dict[str, Any] = await self._in_thread(
            partial(self.desk.call, tool, params.arguments, session), leave=not tool.claims
        )
        try:
            # Where the call was cancelled meanwhile, this is where it ends.
            await anyio.lowlevel.checkpoint()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._in_thread(partial(self.desk.give_back, tool, made))
            raise
        return made | _COMPLETE

    def _session(self, context: "Context") -> str:
        """Whose claims these are; the end of a session over HTTP ends them."""
        if self._alone:
            return ONE_CLIENT
        # The SDK has a stack of what is to be done when a connection ends, and no way to it but
        # this one. Without it a claim ends by its time.
        connection: Any = getattr(context.session, "_connection", None)
        session = getattr(connection, "session_id", None)
        stack = getattr(connection, "exit_stack", None)
        if not isinstance(session, str) or not session or stack is None:
            return EVERYBODY
        if not connection.state.get("portbook"):
            connection.state["portbook"] = True
            stack.push_async_callback(self._in_thread, partial(self.desk.leases.forget, session))
        return session

    async def _in_thread(self, work: "Any", *, leave: bool = False) -> "Any":
        """What `work` gives; with `leave` the thread is left alone where we are cancelled."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(AT_ONCE)
        return await anyio.to_thread.run_sync(work, limiter=self._limiter, abandon_on_cancel=leave)

    def _do(self, chore: "Any") -> None:
        task = asyncio.get_running_loop().create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def _warm_up(self) -> None:
        await asyncio.sleep(_WARM_AFTER)
        await self._in_thread(self.desk.warm_up)

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._in_thread(self.desk.leases.renew)


def quiet_logs() -> None:
    """What the SDK logs about clients' mistakes is answered to them; stderr stays for people."""
    for name in ("mcp", "anyio", "asyncio", "sse_starlette", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
