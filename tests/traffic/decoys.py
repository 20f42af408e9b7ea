"""A decoy at work in a thread of the test, on numbers of its own."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from portbook.model.traffic import Opener
from portbook.model.visit import Visit
from portbook.traffic.decoy import Decoy, Limits
from portbook.traffic.decoy_doors import Door, open_doors

Keep = Callable[[float, int, str, bytes], str | None]


class Standing:
    """One decoy, what it told, and the way to end it."""

    def __init__(self, doors: list[Door], decoy: Decoy, told: list[Visit]) -> None:
        self.doors = doors
        self.decoy = decoy
        self.told = told
        self.came = threading.Condition()
        self.ended = threading.Event()

    @property
    def port(self) -> int:
        """The number on which it stands."""
        return self.doors[0].port

    def visits(self, number: int) -> list[Visit]:
        """The visits as soon as there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.told) >= number, 20), self.told
        return self.told


def plain(_transport: str, data: bytes, _port: int) -> Opener:
    """Knows one protocol by its first word."""
    if data.startswith(b"GET "):
        return Opener("http", details=(("request", data[:14].decode("latin-1")),))
    return Opener(None)


@contextmanager
def decoy(
    limits: Limits,
    *,
    transports: tuple[str, ...] = ("tcp",),
    addresses: tuple[str, ...] = ("127.0.0.1",),
    most: int | None = None,
    keep: Keep | None = None,
) -> Iterator[Standing]:
    """Stand on any free number until the block ends."""
    doors = open_doors(0, transports, addresses)
    told: list[Visit] = []

    def tell(visit: Visit) -> None:
        with standing.came:
            told.append(visit)
            standing.came.notify_all()

    made = Decoy(doors, plain, tell, limits=limits, most=most, keep=keep)
    standing = Standing(doors, made, told)
    read, write = os.pipe()
    asked = threading.Event()

    def work() -> None:
        made.run(read, asked.is_set)
        standing.ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield standing
    finally:
        asked.set()
        with contextlib.suppress(OSError):
            os.write(write, b".")
        thread.join(20)
        os.close(read)
        os.close(write)
        assert not thread.is_alive()
