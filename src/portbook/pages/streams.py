"""The open streams of events: who is woken when something changed, or the server ends."""

import asyncio

MOST = 512
"""Streams at one time; each keeps a connection at work."""


class Streams:
    """All streams of one server. `wake` is to be called after each change, `end` once."""

    def __init__(self) -> None:
        self.ended = False
        self._bells: set[asyncio.Event] = set()

    def enter(self) -> asyncio.Event | None:
        """A bell for one more; None where there are enough, or none are served any more."""
        if self.ended or len(self._bells) >= MOST:
            return None
        bell = asyncio.Event()
        self._bells.add(bell)
        return bell

    def leave(self, bell: asyncio.Event) -> None:
        """One less."""
        self._bells.discard(bell)

    def wake(self) -> None:
        """Something changed."""
        for each in self._bells:
            each.set()

    def end(self) -> None:
        """Let every stream come to its end."""
        self.ended = True
        self.wake()

    def __len__(self) -> int:
        """How many are open."""
        return len(self._bells)
