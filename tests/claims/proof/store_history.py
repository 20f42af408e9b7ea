"""One writer, a store and a clock in its hand: thousands of random calls, each judged exactly.

`python -m claims.proof.store_history SEED` exits 1 with what was wrong. The clock is moved by hand,
so it stops at the last millisecond of a lease as often as at the first after it; the store is
closed, abandoned before a commit, opened in another boot, and put back from a backup. All that the
calls say is checked against the models of claim_model, the numbers of tokens across everything.
"""

import contextlib
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from claims.proof.claim_model import FULL, LOST, NOTHING, OK
from claims.proof.histories import checked
from claims.proof.linearizability import Operation
from portbook.claims.sqlite import SqliteStore, lock, open_store
from portbook.model.claim import Caller, ClaimRefused, ClaimRequest, Permit, PermitRequest

MILLISECOND = 1_000_000
LOCK_DELAY = 2_000
LIMIT = 2
CALLS = 1_500
PORTS = (20_001, 20_002, 20_003)
USERS = (Caller(1_000), Caller(1_001))
_BACK = -3_600.0
_WORLD = 10**18
_SHARED = "/dev/shm"  # noqa: S108 - a folder of our own is made in it
_FAST = _SHARED if os.access(_SHARED, os.W_OK) else None
"""In memory: each opening waits for the disk, and no disk is judged here."""


class Wrong(Exception):
    """The store did what it must not."""


class Lease:
    """What the driver was given."""

    def __init__(self, key: str, made: Any, request: str, user: Caller, process: Caller | None):
        self.key, self.id, self.token = key, made.id, made.token
        self.request, self.user, self.process = request, user, process
        self.ttl: int = made.ttl_ms
        self.beats = 0


class Driver:
    """Calls a store at random and writes down what it says."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.path = str(folder / "claims.sqlite")
        self.rng = random.Random(seed)
        self.moment = 1_000_000
        self.boot = 1
        self.world = 1
        self.wall = 1_700_000_000.0
        self.serial = 0
        self.history: list[Operation] = []
        self.leases: list[Lease] = []
        self.alive: dict[tuple[int | None, int | None], bool] = {}
        self.epoch = 0
        self.open()

    # The store

    def open(self) -> None:
        """Open it; its epoch never falls."""
        self.lock = lock(self.path)
        self.store: SqliteStore = open_store(
            self.path, now=self.moment, boot_id=f"boot-{self.boot}", wall=lambda: self.wall, netns=1
        )
        if self.store.epoch < self.epoch:
            raise Wrong(f"epoch {self.store.epoch} after {self.epoch}")
        self.epoch = self.store.epoch

    def shut(self) -> None:
        """Close it; what was not committed is gone."""
        self.store.close()
        self.lock.close()

    def reopen(self) -> None:
        """As a service that ended and is started; sometimes an hour back on the wall clock."""
        self.shut()
        if self.rng.random() < 0.3:
            self.wall += _BACK
        self.open()

    def forget_uncommitted(self) -> None:
        """An operation, and an end before its commit: nobody was told, so nothing happened."""
        with contextlib.suppress(ClaimRefused):
            self.claim_at(self.rng.choice(PORTS), self.rng.choice(USERS), None, 60_000, "never")
        self.reopen()

    def new_world(self) -> None:
        """What was promised before is over: the history of each object begins anew."""
        self.world += 1
        self.leases.clear()

    def reboot(self) -> None:
        """The machine is started anew: its clock, too."""
        before = {(each.uid, each.key): each.port for each in self.store.reservations()}
        self.store.commit()
        self.shut()
        self.boot += 1
        self.moment = self.rng.randint(10, 1_000_000)
        self.new_world()
        self.open()
        after = {(each.uid, each.key): each.port for each in self.store.reservations()}
        if self.store.claims() or self.store.semaphores() or before != after:
            raise Wrong("a new boot voids leases and keeps reservations")

    def restore(self) -> None:
        """A backup is put back: the epoch grows, and tokens still do."""
        self.shut()
        backup = self.folder / "backup.sqlite"
        if not backup.exists():
            shutil.copy(self.path, backup)
            self.open()
            return
        for suffix in ("-wal", "-shm"):
            Path(self.path + suffix).unlink(missing_ok=True)
        backup.replace(self.path)
        epoch = self.epoch
        self.new_world()
        self.open()
        if self.epoch <= epoch:
            raise Wrong("a restored backup has the epoch of the one that it replaces")
        self.shut()
        self.boot += 1
        self.open()  # its leases are in no history of ours

    # Calls

    def note(self, key: str, what: str, answer: Any, **more: Any) -> None:
        """One call that took no time: the next begins after it."""
        self.serial += 1
        at = self.at(self.moment) + self.serial
        self.history.append(Operation(key, what, at, at, answer=answer, **more))

    def at(self, moment: int) -> int:
        """Nanoseconds that grow even where a new boot begins to count anew."""
        return self.world * _WORLD + moment * MILLISECOND

    def call(self, act: Any) -> Any:
        """What is said; `wrong_user` where another user's call is not refused as such."""
        try:
            made = act()
        except ClaimRefused as refused:
            made = refused.code
        self.store.commit()
        return made

    def span(self, ttl: int, process: Caller | None) -> dict[str, int | None]:
        """From when a lease may be over, and its port another's."""
        if process is not None:
            return {"ends": None, "free": None}
        ends = self.moment + ttl + 1  # at its last moment it still counts
        return {"ends": self.at(ends), "free": self.at(ends + LOCK_DELAY)}

    def claim_at(
        self, port: int, user: Caller, process: Caller | None, ttl: int, request: str
    ) -> Any:
        """One claim."""
        asked = ClaimRequest(port=port, ttl_ms=ttl, request_id=request)
        owner = process or user
        found = self.store.acquire(asked, user, owner, self.moment, lambda: (), lambda *_: None)
        return found[0]

    def claim(self) -> None:
        """Claim a port, for a TTL or for a process."""
        port, user = self.rng.choice(PORTS), self.rng.choice(USERS)
        process = None
        if self.rng.random() < 0.2:
            process = user._replace(pid=self.rng.randint(2, 5), start=self.serial, pidns=1)
            self.alive[process.pid, process.start] = True
        ttl = self.rng.choice((1_000, 1_500, 5_000))
        request = f"request-{self.serial}"
        made = self.call(lambda: self.claim_at(port, user, process, ttl, request))
        key = f"port:{port}:{self.world}"
        if isinstance(made, str):
            self.note(key, "claim", made)
            return
        self.note(key, "claim", made.token, **self.span(ttl, process))
        self.leases.append(Lease(key, made, request, user, process))

    def acquire(self) -> None:
        """Acquire a permit."""
        user, request = self.rng.choice(USERS), f"request-{self.serial}"
        asked = PermitRequest("gpu", LIMIT, ttl_ms=1_000, request_id=request)
        key = f"sem:gpu:{self.world}"
        made = self.call(
            lambda: self.store.acquire_permit(asked, user, user, self.moment, wait=False)
        )
        if made == "timeout":
            self.note(key, "acquire", FULL)
            return
        assert isinstance(made, Permit), made
        self.note(key, "acquire", made.token, ends=self.span(1_000, None)["ends"])
        self.leases.append(Lease(key, made, request, user, None))

    def pick(self) -> Lease | None:
        """One of the latest leases, live or over."""
        return self.rng.choice(self.leases[-8:]) if self.leases else None

    def release(self) -> None:
        """Release, with the right token or another, as its user or as another."""
        if lease := self.pick():
            permit = lease.key.startswith("sem:")
            act = self.store.release_permit if permit else self.store.release
            token, user = self.forged(lease)
            made = self.call(lambda: act(lease.id, token, user, self.moment))
            self.judge(lease, "release", made, token, user)

    def renew(self) -> None:
        """Renew, likewise."""
        if lease := self.pick():
            permit = lease.key.startswith("sem:")
            act = self.store.renew_permit if permit else self.store.renew
            token, user = self.forged(lease)
            made = self.call(lambda: act(lease.id, token, 1_000, user, self.moment))
            answer = made if isinstance(made, str) else OK
            if answer == OK:
                lease.ttl = 1_000
            self.judge(lease, "renew", answer, token, user, **self.span(1_000, lease.process))

    def beat(self) -> None:
        """Renew by datagram; one with an old number is refused and changes nothing."""
        lease = self.pick()
        if lease is None or lease.key.startswith("sem:"):
            return
        old = self.rng.random() < 0.3
        number = lease.beats if old else lease.beats + 1
        made = self.call(lambda: self.store.heartbeat(lease.id, lease.token, number, self.moment))
        answer = made if isinstance(made, str) else OK
        if old and answer == OK:
            raise Wrong(f"heartbeat {number} is taken twice")
        if answer == "invalid" and old:
            answer = NOTHING
        if answer == OK:
            lease.beats = number
        span = self.span(lease.ttl, lease.process)
        self.note(lease.key, "renew", answer, token=lease.token, **span)

    def forged(self, lease: Lease) -> tuple[int, Caller]:
        """Mostly the right token and user."""
        token, user = lease.token, lease.user
        if self.rng.random() < 0.15:
            token += self.rng.choice((-1, 1))
        if self.rng.random() < 0.1:
            (user,) = (each for each in USERS if each != lease.user)
        return token, user

    def judge(
        self, lease: Lease, what: str, answer: Any, token: int, user: Caller, **more: Any
    ) -> None:
        """A forged call changes nothing and says why; of one that is over it may say that."""
        if user != lease.user:
            answer = NOTHING if answer == "not_yours" else f"for another user: {answer}"
        elif token != lease.token:
            harmless = answer in ("bad_token", LOST) or answer is False
            answer = NOTHING if harmless else f"with another token: {answer}"
        self.note(lease.key, what, answer, token=lease.token, **more)

    def again(self) -> None:
        """The request of a lease once more."""
        lease = self.pick()
        if lease is None:
            return
        if lease.key.startswith("sem:"):
            asked = PermitRequest("gpu", LIMIT, ttl_ms=1_000, request_id=lease.request)
            made = self.call(
                lambda: self.store.acquire_permit(
                    asked, lease.user, lease.user, self.moment, wait=False
                )
            )
        else:
            port = int(lease.key.split(":")[1])
            made = self.call(
                lambda: self.claim_at(port, lease.user, lease.process, 5_000, lease.request)
            )
        answer = made if isinstance(made, str) else made.token
        self.note(lease.key, "again", answer, token=lease.token)

    def look(self) -> None:
        """Who has what, after a sweep: what is over by then is gone."""
        self.store.sweep(self.moment, self.is_alive)
        self.store.commit()
        claims = self.store.claims()
        for each in claims:
            if each.owner.pid is None and each.expires_ms < self.moment:
                raise Wrong(f"{each.port} is live {self.moment - each.expires_ms} ms too long")
        for port in PORTS:
            tokens = [each.token for each in claims if each.port == port]
            if len(tokens) > 1:
                raise Wrong(f"{port} has {len(tokens)} claims")
            self.note(f"port:{port}:{self.world}", "look", tokens[0] if tokens else 0)
        held = [permit.token for each in self.store.semaphores() for permit in each.held]
        self.note(f"sem:gpu:{self.world}", "look", held)

    def is_alive(self, who: Caller) -> bool | None:
        """Of the processes of this run."""
        return self.alive.get((who.pid, who.start))

    def die(self) -> None:
        """The process of a lease ends: after the next sweep its port is free, not before."""
        owned = [each for each in self.leases if each.process and self.is_alive(each.process)]
        if not owned:
            return
        lease = self.rng.choice(owned)
        assert lease.process is not None
        self.alive[lease.process.pid, lease.process.start] = False
        self.serial += 1
        moment = self.at(self.moment) + self.serial
        for place, each in enumerate(self.history):
            if each.key == lease.key and lease.token in (each.answer, each.token):
                self.history[place] = each._replace(ends=moment, free=moment)
        self.look()
        if any(each.id == lease.id for each in self.store.claims()):
            raise Wrong("the claim of a process that ended is live")

    def pass_time(self) -> None:
        """To the last moment of a lease, the first after it, or to the end of a lock-delay."""
        edges = [each.expires_ms for each in self.store.claims() if each.owner.pid is None]
        edges += [permit.expires_ms for each in self.store.semaphores() for permit in each.held]
        steps = [each - self.moment for each in edges]
        steps += [step + 1 for step in steps] + [step + LOCK_DELAY for step in steps]
        possible = [step for step in steps if step > 0]
        self.moment += self.rng.choice([*possible, 1, 20, 300])
        self.wall += 0.01

    def run(self) -> None:
        """All of it.

        Raises:
            Wrong: the store did what it must not.
        """
        acts = {
            self.claim: 6,
            self.acquire: 4,
            self.release: 3,
            self.renew: 3,
            self.beat: 1,
            self.again: 2,
            self.look: 2,
            self.die: 1,
            self.pass_time: 5,
            self.reopen: 0.4,
            self.forget_uncommitted: 0.3,
            self.reboot: 0.05,
            self.restore: 0.1,
        }
        calls = self.rng.choices(list(acts), list(acts.values()), k=CALLS)
        for each in calls:
            each()
        self.shut()
        for violation in checked(self.history, LIMIT):
            raise Wrong(f"{violation.key}: {violation.told}")


def main() -> int:
    """Run seeds until one is wrong."""
    for seed in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory(prefix="portbook-store-", dir=_FAST) as folder:
            try:
                Driver(Path(folder), seed).run()
            except (Wrong, AssertionError) as wrong:
                print(f"seed {seed}: {wrong}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
