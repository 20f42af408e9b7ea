"""One client of many: claims, renews, releases and looks at random, and writes down what it saw.

A process of its own: it takes orders on stdin, one JSON object a line, and prints one line when an
order is done. The order's `way` is how it asks: `tcp` and `unix` (HTTP), `access` (what the
commands use: the service where it answers, else the store itself) or `command` (the commands
themselves).
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from claims.proof.claim_model import ENDED, FULL, LOST, NOTHING, OK
from claims.proof.doors import FAULTS, ByAccess, ByCommand, Refused, Wire
from claims.proof.histories import now, write
from claims.proof.linearizability import Operation

MILLISECOND = 1_000_000
LOCK_DELAY = 2_000
"""Milliseconds, as promised; not read from the code that is judged."""
RESOLUTION = MILLISECOND
"""The service counts whole milliseconds, so a lease may be shorter by one of them."""
GRACE = 10 * 1_000 * MILLISECOND
"""How long after its time a client goes on asking what became of its last request."""


class Had(NamedTuple):
    """A lease that this client was given. `row`: its grant in the history."""

    key: str
    id: str
    token: int
    request: str
    ttl: int
    row: int
    process: "subprocess.Popen[bytes] | None" = None


class Client:
    """Does one order: random calls until there is a file `over`, and its last one to the end."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.rng = random.Random(order["seed"])
        home = Path(order["home"])
        self.over = home / "over"
        self.until = 0
        way = order["way"]
        self.door: Any
        if way == "command":
            self.door = ByCommand(self.rng)
        else:
            self.door = ByAccess() if way == "access" else Wire(home, over_tcp=way == "tcp")
        self.history: list[Operation] = []
        self.claims: list[Had] = []
        self.permits: list[Had] = []
        self.past: list[Had] = []
        self.requests = 0
        self.retries = 0

    def run(self) -> None:
        """All of it."""
        acts = (
            (self.claim, 5),
            (self.release, 5),
            (self.renew, 2),
            (self.look, 2),
            (self.again, 1),
            (self.late, 1),
            (self.forge, 1),
            (self.end_owner, 1),
            (self.acquire, 4),
            (self.release_permit, 8),
            (self.renew_permit, 1),
            (self.holders, 1),
        )
        calls, weights = zip(*acts, strict=True)
        parent = os.getppid()
        while not self.over.exists() and os.getppid() == parent:
            (act,) = self.rng.choices(calls, weights)
            act()
            time.sleep(self.rng.random() * self.order.get("pause", 0.02))
        for each in self.claims + self.past:
            if each.process is not None and each.process.poll() is None:
                self._kill(each)
        self.door.close()

    # How a call is made and written down

    def _request(self) -> str:
        self.requests += 1
        return f"{self.order['client']}-{self.order['seed']}-{self.requests}"

    def _call(self, act: Callable[[], Any], patience: float = 0.03) -> tuple[Any, bool, bool]:
        """What came of a call, whether that is known, and whether it was asked more than once.

        With probability `patience` it gives up after a lost answer.
        """
        retried = False
        if self.order["way"] == "command":
            patience = 1.0
        while True:
            try:
                return act(), True, retried
            except Refused as refused:
                return refused, True, retried
            except FAULTS as fault:
                self.fault = fault
                self.door.close()
                self.retries += 1
                if self.rng.random() < patience or self._too_late():
                    return None, False, True
                retried = True
                time.sleep(0.02 + self.rng.random() * 0.08)

    def _too_late(self) -> bool:
        """Whether to give up, because the run has been over for long."""
        if not self.until and self.over.exists():
            self.until = now() + GRACE
        return 0 < self.until < now()

    def _note(
        self,
        key: str,
        what: str,
        call: int,
        answer: Any,
        *,
        known: bool = True,
        token: int = 0,
        ends: int | None = None,
        free: int | None = None,
    ) -> int:
        ret = now() if known else None
        client = self.order["client"]
        told = answer if known else None
        self.history.append(Operation(key, what, call, ret, token, told, ends, free, client))
        return len(self.history) - 1

    @staticmethod
    def _span(call: int, ttl: int) -> tuple[int, int]:
        ends = call + ttl * MILLISECOND - RESOLUTION
        return ends, ends + LOCK_DELAY * MILLISECOND

    def _kill(self, had: Had) -> None:
        """End the process that a claim belongs to: from now on the claim may be over."""
        assert had.process is not None
        moment = now()
        grant = self.history[had.row]
        self.history[had.row] = grant._replace(ends=moment, free=moment)
        had.process.kill()
        had.process.wait()

    # Ports

    def claim(self) -> None:
        """Claim a port; mostly for longer than the run, sometimes for a second or for a process."""
        port = self.rng.choice(self.order["ports"])
        kind = self.rng.random()
        ttl = 1_000 if kind < 0.15 else 60_000
        process = None
        if kind > 0.93:
            process = subprocess.Popen(["sleep", "60"])
        request = self._request()
        pid = None if process is None else process.pid
        call = now()
        found, known, _ = self._call(lambda: self.door.claim(port, ttl, request, pid))
        ends, free = (None, None) if process else self._span(call, ttl)
        key = f"port:{port}"
        if isinstance(found, tuple):
            row = self._note(key, "claim", call, found[1], ends=ends, free=free)
            self.claims.append(Had(key, found[0], found[1], request, ttl, row, process))
            return
        if process is not None:
            # Before the kill: a claim whose answer was lost lives no longer than its process.
            ends = free = now()
            process.kill()
            process.wait()
        if isinstance(found, Refused) and found.code == LOST:
            known = False  # it was granted when the answer was lost, and has ended
        answer = None
        if isinstance(found, Refused):
            answer = {"in_use": NOTHING}.get(found.code, found.code)
        self._note(key, "claim", call, answer, known=known, ends=ends, free=free)

    def _take(self, leases: list[Had]) -> Had | None:
        if not leases:
            return None
        had = leases.pop(self.rng.randrange(len(leases)))
        self.past = [*self.past[-20:], had]
        return had

    def _pick(self, leases: list[Had]) -> Had | None:
        return self.rng.choice(leases) if leases else None

    def release(self) -> None:
        """Release what we have."""
        if had := self._take(self.claims):
            self._release(had, lambda: self.door.release(had.id, had.token))

    def _release(self, had: Had, act: Callable[[], bool]) -> None:
        call = now()
        found, known, retried = self._call(act)
        answer = found.code if isinstance(found, Refused) else found
        if answer is False and (retried or self.order["way"] in ("access", "command")):
            answer = ENDED  # these ask again by themselves where the service went away
        self._note(had.key, "release", call, answer, known=known, token=had.token)

    def renew(self) -> None:
        """Renew what we have."""
        had = self._pick([each for each in self.claims if each.process is None])
        if had:
            self._renew(had, lambda: self.door.renew(had.id, had.token, had.ttl))

    def _renew(self, had: Had, act: Callable[[], None]) -> None:
        call = now()
        found, known, _ = self._call(act)
        answer = found.code if isinstance(found, Refused) else OK
        ends, free = self._span(call, had.ttl)
        self._note(
            had.key, "renew", call, answer, known=known, token=had.token, ends=ends, free=free
        )

    def late(self) -> None:
        """Renew or release what was released before: nothing may come of it."""
        had = self._pick([each for each in self.past if each.process is None])
        if not had:
            return
        if had.key.startswith("sem:"):
            name = had.key.removeprefix("sem:")
            if self.rng.random() < 0.5:
                self._release(had, lambda: self.door.release_permit(name, had.id, had.token))
            else:
                self._renew(had, lambda: self.door.renew_permit(name, had.id, had.token, had.ttl))
        elif self.rng.random() < 0.5:
            self._release(had, lambda: self.door.release(had.id, had.token))
        else:
            self._renew(had, lambda: self.door.renew(had.id, had.token, had.ttl))

    def forge(self) -> None:
        """Renew or release with a token that is not ours: refused, and nothing changes (S3)."""
        had = self._pick(self.claims + self.past)
        if had is None or had.key.startswith("sem:"):
            return
        token = had.token + self.rng.choice((-1, 1, 2))
        call = now()
        if self.rng.random() < 0.5:
            found, known, _ = self._call(lambda: self.door.renew(had.id, token, had.ttl))
        else:
            found, known, _ = self._call(lambda: self.door.release(had.id, token))
        if not known:
            return  # a forged request whose answer was lost changed nothing either
        refused = isinstance(found, Refused) and found.code in ("bad_token", LOST)
        # A claim that ended may say that, in the word of a second release.
        harmless = refused or found is False
        answer = NOTHING if harmless else "forged"
        self._note(had.key, "release", call, answer, token=token)

    def again(self) -> None:
        """Send the request of a claim once more: the same claim, or `lost` if it ended (S6)."""
        had = self._pick([each for each in self.claims + self.past if each.process is None])
        if had is None or self.order["way"] == "command":
            return
        call = now()
        if had.key.startswith("sem:"):
            name = had.key.removeprefix("sem:")
            limit = self.order["limit"]
            found, known, _ = self._call(
                lambda: self.door.acquire(name, limit, had.request, had.ttl, 0)
            )
        else:
            port = int(had.key.removeprefix("port:"))
            found, known, _ = self._call(lambda: self.door.claim(port, had.ttl, had.request, None))
        if known:
            answer = found.code if isinstance(found, Refused) else found[1]
            self._note(had.key, "again", call, answer, token=had.token)

    def look(self) -> None:
        """Look who has a port."""
        port = self.rng.choice(self.order["ports"])
        call = now()
        found, known, _ = self._call(lambda: self.door.look(port))
        if known:
            self._note(f"port:{port}", "look", call, found)

    def end_owner(self) -> None:
        """End the process that one of our claims belongs to."""
        owned = [each for each in self.claims if each.process is not None]
        if had := self._pick(owned):
            self.claims.remove(had)
            self.past.append(had)
            self._kill(had)

    # Semaphores

    def acquire(self) -> None:
        """Acquire a permit at once, or wait a little and leave the queue."""
        name = self.rng.choice(self.order["semaphores"])
        key, limit = f"sem:{name}", self.order["limit"]
        wait = 0 if self.rng.random() < 0.5 else self.rng.randint(20, 150)
        request, ttl = self._request(), 60_000
        call = now()
        found, known, _ = self._call(
            lambda: self.door.acquire(name, limit, request, ttl, wait), patience=0.01
        )
        if known and wait and isinstance(found, Refused) and found.code == "timeout":
            left, known, _ = self._call(lambda: self.door.cancel(name, request), patience=0.0)
            if known and left is not True:
                # It was granted meanwhile, or nobody knows of it any more.
                found, known, _ = self._call(
                    lambda: self.door.acquire(name, limit, request, ttl, 0), patience=0.0
                )
        ends, _ = self._span(call, ttl)
        if isinstance(found, tuple):
            row = self._note(key, "acquire", call, found[1], ends=ends)
            self.permits.append(Had(key, found[0], found[1], request, ttl, row))
            return
        answer: Any = None
        if isinstance(found, Refused):
            known = known and found.code != LOST
            answer = (NOTHING if wait else FULL) if found.code == "timeout" else found.code
        self._note(key, "acquire", call, answer, known=known, ends=ends)

    def release_permit(self) -> None:
        """Give a permit back."""
        if had := self._take(self.permits):
            name = had.key.removeprefix("sem:")
            self._release(had, lambda: self.door.release_permit(name, had.id, had.token))

    def renew_permit(self) -> None:
        """Renew a permit."""
        if had := self._pick(self.permits):
            name = had.key.removeprefix("sem:")
            self._renew(had, lambda: self.door.renew_permit(name, had.id, had.token, had.ttl))

    def holders(self) -> None:
        """Look who has permits."""
        name = self.rng.choice(self.order["semaphores"])
        call = now()
        found, known, _ = self._call(lambda: self.door.holders(name))
        if known:
            self._note(f"sem:{name}", "look", call, found)


def main() -> None:
    """Take orders until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        order = json.loads(line)
        os.environ["PORTBOOK_DATA_HOME"] = order["home"]
        client = Client(order)
        said: dict[str, Any] = {"client": order["client"]}
        try:
            client.run()
        except Exception as fault:  # noqa: BLE001 - it is told to who gave the order
            import traceback

            said["fault"] = "".join(traceback.format_exception(fault))
        write(client.history, Path(order["home"]) / f"{order['client']}.history")
        said["retries"] = client.retries
        with suppress(BrokenPipeError):
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
