"""Which registry a server answers from: the one in use, and the newer one once there is one.

The server holds its registry in memory, so all pages tell of the same one, whatever becomes of the
files. It is read when the first visitor comes: claims are given without it, and a service that
nobody visits is 25 MB smaller (measured). A request looks whether the files have changed, at most
once a second; whoever comes while the new ones are read waits for them. Files that cannot be read
change nothing, and are tried again when they change.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from portbook.host import clock
from portbook.model import TableFault
from portbook.pages.book import book
from portbook.pages.facts.port import port_page
from portbook.pages.settings import PORT
from portbook.pages.words import languages
from portbook.registry.lookup import reload
from portbook.registry.tables import hold, marks

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_PAUSE = 1.0
"""Seconds between two looks at the files."""
_WITHOUT = ("/healthz", "/metrics")
"""What tells nothing of the registry, and is asked by programs all the time."""


class Edition:
    """The registry of one server.

    `outdated`: there is another one in use that cannot be read. `then` is called when another one
    was read, for whoever keeps what was made from the old one. `expected`: the first visitor has
    to wait until it was read; without that, nothing is held until somebody calls `read`.
    """

    def __init__(self) -> None:
        self.expected = False
        self.outdated = False
        self.then: Callable[[], None] = lambda: None
        self._marks: tuple[object, ...] = ()
        self._looked = 0.0
        self._reading: asyncio.Task[None] | None = None

    def read(self) -> None:
        """Hold the registry in use, and make what the first visitors would wait for: 0.3 s.

        Raises:
            TableFault: a table is missing or broken; the registry of before is still held.
            EnvironmentFault: the catalogue of a language is broken.
        """
        for tag in languages():
            book(tag)
        # Marked first: what changes while it is read is read again.
        self._marks = marks()
        hold()
        reload()
        port_page(PORT)
        self.outdated = False
        # What is loaded now stays: the collector need not look at it ever again.
        gc.freeze()

    @property
    def held(self) -> bool:
        """Whether a registry was read."""
        return bool(self._marks)

    async def keep_up(self) -> None:
        """Read the registry for the first visitor, and again if it is another one."""
        if self._reading is None and self.expected and not self._marks:
            self._reading = asyncio.create_task(self._read_again())
        elif self._reading is None:
            now = clock.monotonic()
            if now - self._looked < _PAUSE:
                return
            self._looked = now
            if not self._marks or marks() == self._marks:
                return
            self._reading = asyncio.create_task(self._read_again())
        # Who leaves while waiting must not stop it for the others.
        await asyncio.shield(self._reading)

    async def _read_again(self) -> None:
        try:
            await asyncio.to_thread(self.read)
            self.then()
        except TableFault as fault:
            self.outdated = True
            said = f"{fault}; pages tell of the registry of before"
            print(f"portbook: error: {said!r}", file=sys.stderr, flush=True)
        finally:
            self._reading = None


class NewestRegistry:
    """ASGI middleware: no request is answered from a registry that was replaced before it came."""

    def __init__(self, app: "ASGIApp", edition: Edition) -> None:
        self._app = app
        self._edition = edition

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Look at the files if it is time, and pass the request on."""
        if self._edition.held or scope.get("path") not in _WITHOUT:
            await self._edition.keep_up()
        await self._app(scope, receive, send)
