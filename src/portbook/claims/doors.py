"""The service's other doors: datagrams beside each listener, and the portserver.

Neither is needed for the service to work: where one cannot be opened, that is said and it goes on
without.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from portbook.claims import portserver, udp
from portbook.claims.buckets import Buckets
from portbook.host.folders import data_folder
from portbook.model import PortbookError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from portbook.claims.desk import Desk

Say = Callable[[str], None]
"""Tells the user one line."""


def key_path() -> str:
    """The file of the key without which other machines' datagrams are not answered."""
    return f"{data_folder()}/udp.key"


class Doors:
    """Opened before the event loop runs, so that they are there as soon as the service says so.

    Args:
        places: addresses and ports of the listeners, beside which datagrams are answered.
        passed: sockets from systemd, datagram sockets and abstract Unix sockets, used as they are.
        name: of the portserver, such as `@portbook`; None for none.
        say: tells what could not be opened.
    """

    def __init__(
        self,
        places: Iterable[tuple[str, int]],
        *,
        passed: Iterable[socket.socket] = (),
        name: str | None = None,
        say: Say,
    ) -> None:
        self.datagrams: list[udp.DatagramPort] = []
        self.portserver: portserver.Portserver | None = None
        self._say = say
        given = list(passed)
        self._links = [each for each in given if each.type == socket.SOCK_DGRAM]
        self._named = next((each for each in given if each.family == socket.AF_UNIX), None)
        self._key: bytes | None = None
        try:
            self._key = udp.read_key(key_path())
        except PortbookError as fault:
            say(f"{fault}: other machines' datagrams are not answered")
        if not self._links:
            self._links = [link for each in places if (link := self._bound(*each)) is not None]
        self._links = [each for each in self._links if self._may_answer(each)]
        if self._named is None and name is not None:
            self._named = self._listening(name)

    def _bound(self, address: str, port: int) -> socket.socket | None:
        try:
            return udp.listen(address, port)
        except OSError as error:
            self._say(f"no datagrams on {address} port {port}/udp: {error.strerror}")
            return None

    def _may_answer(self, link: socket.socket) -> bool:
        """Other machines are answered only with a key."""
        address, port = link.getsockname()[:2]
        if self._key is not None or ip_address(address.partition("%")[0]).is_loopback:
            return True
        link.close()
        self._say(f"no datagrams on {address} port {port}/udp: that needs a key in {key_path()}")
        return False

    def _listening(self, name: str) -> socket.socket | None:
        try:
            return portserver.listen(name)
        except OSError as error:
            self._say(f"no portserver on {name}: {error.strerror}")
            return None

    def start(self, loop: "AbstractEventLoop", desk: "Desk") -> None:
        """Answer from now on."""
        buckets = Buckets()
        for link in self._links:
            local = ip_address(link.getsockname()[0].partition("%")[0]).is_loopback
            key = None if local else self._key
            self.datagrams.append(udp.DatagramPort(link, desk, key=key, buckets=buckets))
            self.datagrams[-1].start(loop)
        if self._named is not None:
            self.portserver = portserver.Portserver(self._named, desk.take)
            self._starting = loop.create_task(self.portserver.start())

    def drain(self) -> None:
        """Take no more; what was claimed through them stays claimed."""
        for each in self.datagrams:
            each.close()
        self.datagrams = []
        if self.portserver is not None:
            self._ending = asyncio.get_running_loop().create_task(self.portserver.close())
            self.portserver = None

    def close(self) -> None:
        """Let go of what was never started, or not drained."""
        for link in self._links:
            link.close()
        if self._named is not None:
            self._named.close()
