"""The processes whose lives keep leases, watched in an event loop: it is told as soon as one ends.

A descriptor of pidfd_open(2) becomes readable when its process has ended. Where there is none to be
had (no descriptors left), /proc is asked whenever the leases are looked at.
"""

import os
import resource
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from portbook.host import lives
from portbook.model.claim import Caller

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

_Life = tuple[int, int]
MOST = 1024
"""Processes that are watched by a descriptor; at most a quarter of those that we may have."""


class Watches:
    """The watched processes by PID and start; `ended` is called when one of them has ended.

    `blind`: some are not watched for want of descriptors.
    """

    def __init__(self, loop: "AbstractEventLoop", ended: Callable[[], None]) -> None:
        self.blind = False
        self._loop = loop
        self._ended = ended
        self._open: dict[_Life, int] = {}
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = MOST if soft == resource.RLIM_INFINITY else min(MOST, soft // 4)
        self._over: set[_Life] = set()

    def watch(self, owner: Caller) -> None:
        """Watch the process of an owner; nothing where it has none that can be seen from here."""
        if owner.pid is None or owner.start is None:
            return
        life = (owner.pid, owner.start)
        if life in self._open or life in self._over or lives.is_alive(owner) is None:
            return
        if len(self._open) >= self._most:
            self.blind = True
            return
        try:
            fd = os.pidfd_open(owner.pid)
        except ProcessLookupError:
            self._is_over(life)
            return
        except OSError:
            self.blind = True
            return
        # Only now is it sure which process that is: PIDs are used again.
        if lives.start_of(owner.pid) != owner.start:
            os.close(fd)
            self._is_over(life)
            return
        self._open[life] = fd
        self._loop.add_reader(fd, self._fired, life)

    def _fired(self, life: _Life) -> None:
        fd = self._open.pop(life)
        self._loop.remove_reader(fd)
        os.close(fd)
        self._is_over(life)

    def _is_over(self, life: _Life) -> None:
        self._over.add(life)
        self._loop.call_soon(self._ended)

    def is_alive(self, owner: Caller) -> bool | None:
        """Whether a process lives; asks /proc only for those that are not watched."""
        if owner.pid is None or owner.start is None:
            return None
        life = (owner.pid, owner.start)
        if life in self._open:
            return True
        return False if life in self._over else lives.is_alive(owner)

    def keep(self, owners: Iterable[Caller]) -> None:
        """Watch these, and nobody else."""
        self.blind = False
        needed = {(each.pid, each.start): each for each in owners if each.pid is not None}
        for life in [each for each in self._open if each not in needed]:
            fd = self._open.pop(life)
            self._loop.remove_reader(fd)
            os.close(fd)
        self._over.intersection_update(needed)
        for owner in needed.values():
            self.watch(owner)

    def __len__(self) -> int:
        return len(self._open)

    def close(self) -> None:
        """Watch nobody."""
        self.keep(())
