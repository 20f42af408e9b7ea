"""Many writers of one claim book at the same time, while its server is killed: what each saw.

Every writer is a thread with a store of its own, on the server's clock; the history is checked as a
whole by claims.proof.histories. What a writer was told is right or it is not: where a commit's
outcome is not known the operation has no end.
"""

import contextlib
import random
import threading
import time
from typing import Any

from claims.proof.claim_model import FULL, HELD, LOST, OK
from claims.proof.histories import now
from claims.proof.linearizability import Operation
from portbook.claims.postgres import PostgresStore, open_postgres
from portbook.claims.postgres_turns import Unclear
from portbook.host.postgres import NotReached
from portbook.model.claim import Caller, ClaimRefused, ClaimRequest, PermitRequest

PORTS = (21_001, 21_002)
LIMIT = 2
TTL = 60_000
ME = Caller(1_000)


class Writer(threading.Thread):
    """One writer; `history` is what it saw, `broken` what must not be."""

    def __init__(self, url: str, seed: int, until: float) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.rng = random.Random(seed)
        self.until = until
        self.seed = seed
        self.history: list[Operation] = []
        self.leases: list[tuple[str, str, int]] = []
        self.said: list[str] = []
        self.broken: BaseException | None = None
        self.away = self.unclear = 0

    def run(self) -> None:
        """Until the time is over."""
        store: PostgresStore | None = None
        try:
            while time.monotonic() < self.until:
                if store is None:
                    try:
                        store = open_postgres(self.url, say=self.said.append)
                    except NotReached:
                        time.sleep(0.02)
                        continue
                self.act(store)
        except BaseException as error:  # noqa: BLE001 - the test raises it
            self.broken = error
        finally:
            if store is not None:
                store.close()

    def act(self, store: PostgresStore) -> None:
        """One operation of a random kind."""
        what = self.rng.choice(["claim", "claim", "acquire", "release", "release", "renew", "look"])
        if what in ("release", "renew") and not self.leases:
            return
        call = now()
        key, token, answer, known = "", 0, None, True
        try:
            key, token, answer = getattr(self, what)(store)
            store.commit()
        except Unclear:
            self.unclear += 1
            known = False
        except NotReached:
            # Nothing has happened: there is nothing to note.
            self.away += 1
            with contextlib.suppress(NotReached):
                store.give_up()
            time.sleep(0.01)
            return
        if not known:
            key, token = self.asked
            answer = None
        elif what in ("claim", "acquire") and isinstance(answer, int):
            self.leases.append((key, self.given, answer))
        elif what == "release":
            self.leases.remove((key, self.given, token))
        ends = call + TTL * 1_000_000 if what in ("claim", "acquire", "renew") else None
        self.history.append(
            Operation(key, what, call, now() if known else None, token, answer, ends, ends)
        )

    def claim(self, store: PostgresStore) -> tuple[str, int, Any]:
        """Ask for a port."""
        port = self.rng.choice(PORTS)
        key = f"port:{port}"
        self.asked = key, 0
        wanted = ClaimRequest(port=port, ttl_ms=TTL)
        try:
            (made,) = store.acquire(wanted, ME, ME, 0, lambda: (), lambda *_: None)
        except ClaimRefused as refused:
            if refused.code != "held":
                raise
            return key, 0, HELD
        self.given = made.id
        return key, 0, made.token

    def acquire(self, store: PostgresStore) -> tuple[str, int, Any]:
        """Ask for a unit."""
        self.asked = "sem:gpu", 0
        try:
            made = store.acquire_permit(
                PermitRequest("gpu", LIMIT, ttl_ms=TTL), ME, ME, 0, wait=False
            )
        except ClaimRefused as refused:
            if refused.code != "timeout":
                raise
            return "sem:gpu", 0, FULL
        self.given = made.id  # type: ignore[union-attr] # nobody waits here
        return "sem:gpu", 0, made.token  # type: ignore[union-attr] # as above

    def release(self, store: PostgresStore) -> tuple[str, int, Any]:
        """Give something back."""
        key, self.given, token = self.rng.choice(self.leases)
        self.asked = key, token
        act = store.release_permit if key.startswith("sem") else store.release
        return key, token, act(self.given, token, ME, 0)

    def renew(self, store: PostgresStore) -> tuple[str, int, Any]:
        """Renew something."""
        key, lease, token = self.rng.choice(self.leases)
        self.asked = key, token
        act = store.renew_permit if key.startswith("sem") else store.renew
        try:
            act(lease, token, None, ME, 0)
        except ClaimRefused as refused:
            if refused.code not in ("lost", "not_found"):
                raise
            return key, token, LOST
        return key, token, OK

    def look(self, store: PostgresStore) -> tuple[str, int, Any]:
        """Who has a port."""
        port = self.rng.choice(PORTS)
        self.asked = f"port:{port}", 0
        found = store.claim_on("tcp", port)
        return f"port:{port}", 0, found.token if found else 0


def run(url: str, seed: int, *, writers: int = 4, seconds: float = 3.0) -> list[Writer]:
    """So many writers, started."""
    until = time.monotonic() + seconds
    made = [Writer(url, seed * 100 + number, until) for number in range(writers)]
    for each in made:
        each.start()
    return made


def ended(writers: list[Writer]) -> list[Operation]:
    """What all of them saw, when they have ended."""
    for each in writers:
        each.join(30)
        assert not each.is_alive(), "a writer hangs"
        if each.broken is not None:
            raise each.broken
    return sorted((each for one in writers for each in one.history), key=lambda each: each.call)
