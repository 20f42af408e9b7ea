"""Writes to a store in batches, says each when its commit is back, and kills itself on the way.

`python -m claims.proof.killed_writer STORE SEED LINE`: SIGKILL at the LINE-th line of the store's
own code, 0 for never: then the number of lines is said. What was said is promised.
"""

import contextlib
import json
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from portbook.claims.sqlite import SqliteStore, lock, open_store
from portbook.host import clock
from portbook.model.claim import Caller, ClaimRefused, ClaimRequest, Permit, PermitRequest

BATCHES = 6
_WATCHED = (f"portbook{os.sep}claims{os.sep}", f"portbook{os.sep}host{os.sep}database.py")


class Killer:
    """Counts lines; as a tracer it sees each before it is run."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.count = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> "Killer | None":
        """Count."""
        if event == "call":
            return self if any(part in frame.f_code.co_filename for part in _WATCHED) else None
        if event == "line":
            self.count += 1
            if self.count == self.line:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def now() -> int:
    """Milliseconds of the clock that leases run by."""
    return clock.boot_ms()


@contextlib.contextmanager
def opened(path: str) -> Iterator[SqliteStore]:
    """A store that is ours for a while."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    with (
        contextlib.closing(lock(path)),
        contextlib.closing(open_store(path, now=now(), boot_id=boot)) as store,
    ):
        yield store


def say(document: dict[str, Any]) -> None:
    """One line, out of this process before the next step."""
    os.write(1, f"{json.dumps(document)}\n".encode())


def write(store: SqliteStore, rng: random.Random, seed: int) -> None:
    """Claims, releases and permits, a commit for each batch."""
    me = Caller(os.geteuid())
    live = {each.port: (each.id, each.token) for each in store.claims()}
    for batch in range(BATCHES):
        moment = now()
        before = dict(live)
        tokens, held = [], []
        for port in rng.sample(range(20_000, 20_016), 6):
            if port in live:
                store.release(*live.pop(port), me, moment)
                continue
            wanted = ClaimRequest(port=port, ttl_ms=60_000, request_id=f"{seed}-{batch}-{port}")
            (made,) = store.acquire(wanted, me, me, moment, lambda: (), lambda *_: None)
            live[port] = made.id, made.token
            tokens.append(made.token)
        try:
            asked = PermitRequest("gpu", 3, request_id=f"{seed}-{batch}")
            permit = store.acquire_permit(asked, me, me, moment, wait=False)
            assert isinstance(permit, Permit)
            held.append(permit.token)
        except ClaimRefused:
            pass
        # A reader may find either until it is said, so both are told before.
        say({"trying": live, "before": before})
        store.commit()
        say({"live": live, "tokens": tokens + held})


def main() -> None:
    """Write, and say what is written."""
    path, seed, line = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    killer = Killer(line)
    sys.settrace(killer)
    with opened(path) as store:
        write(store, random.Random(seed), seed)
    sys.settrace(None)
    say({"lines": killer.count})


if __name__ == "__main__":
    main()
