"""Kill parts of a fleet at random moments, start them again, and see that nothing was lost.

    PYTHONPATH=tests python -m fleet.proof.fault_loop --runs 200 --seed 7

As root: every host is a network namespace. In each run listeners open and close, and one or two of
store, bus, hub and agents get SIGKILL and come back. Then
- no report is behind what its agent had been told was kept, when the store went away,
- the store has exactly what `ss` sees on each host, within one interval after all is back,
- whatever the store ever had is still there, as a listener or in the history,
- tokens of claims only grew, and every claim that was acknowledged and lives is there.
Prints one JSON line for each run and a summary; the exit code is 1 if something was lost.
"""

import argparse
import contextlib
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

from fleet.namespaces import Hosts, Listeners, Place, until
from fleet.running import Fleet, end
from portbook.claims.postgres import open_postgres
from portbook.fleet.queue_file import peek
from portbook.fleet.settings import USUAL_EVERY
from portbook.model import PortbookError
from portbook.model.claim import Caller, Claim, ClaimRefused, ClaimRequest

HOSTS = ("direct1", "direct2", "bus1", "bus2")
"""The first two write to the store, the others have the bus alone."""
PARTS = ("store", "bus", "hub", *HOSTS)
INTERVAL = 2.0
SLACK = 1.0
"""What reading four hosts, starting Python and two busy cores may take on top of an interval."""
_CHAOS = 1.5
"""Seconds in which things happen, and in which a killed part comes back after its end."""
_TTL_MS = 600_000
_LIVE = 20


class Run(NamedTuple):
    """What happened in one run; `lost` says what should not have."""

    number: int
    killed: tuple[str, ...]
    changes: int
    converged_s: float
    token: int
    lost: tuple[str, ...]


class Claims:
    """One writer of the claim book, and what it was told."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._store: Any = None
        self.given: dict[str, Claim] = {}
        self.token = 0

    def work(self) -> str:
        """Claim, and release the oldest beyond some; what went wrong, where something did."""
        try:
            if self._store is None:
                self._store = open_postgres(self._url, name="fault loop")
            wanted = ClaimRequest(first=20_000, last=29_999, ttl_ms=_TTL_MS)
            (made,) = self._store.acquire(
                wanted, _ME, _ME, self._store.now(), lambda: range(20_000, 30_000), _free
            )
            self._store.commit()
            before, self.token = self.token, made.token
            self.given[made.id] = made
            if made.token <= before:
                return f"token {made.token} after {before}"
            if len(self.given) > _LIVE:
                oldest = self.given.pop(next(iter(self.given)))
                self._store.release(oldest.id, oldest.token, _ME, self._store.now())
                self._store.commit()
        except ClaimRefused as refused:
            return f"a claim that lives was refused: {refused}"
        except PortbookError:
            # The store is away: what was asked for may have happened or not.
            self.drop()
        return ""

    def drop(self) -> None:
        """Forget the connection, as a program does that is started anew."""
        if self._store is not None:
            with contextlib.suppress(PortbookError):
                self._store.close()
        self._store = None

    def missing(self) -> list[str]:
        """Acknowledged claims that the store, read past portbook's memory, does not have."""
        self.drop()
        store = open_postgres(self._url, name="fault loop, reading")
        try:
            there = {claim.id: claim.token for claim in store.claims()}
        finally:
            store.close()
        return [
            f"claim {each.id} of token {each.token}"
            for each in self.given.values()
            if there.get(each.id) != each.token
        ]


class Loop:
    """A fleet, and what it must never forget."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.random = random.Random(seed)
        self.claims = Claims(fleet.store.url)
        self.known: dict[str, set[Place]] = {host: set() for host in HOSTS}
        self.programs: dict[str, Listeners] = {}
        self.lost: list[str] = []
        self.restarts = 0
        self._must_have: dict[str, int] = {}

    def begin(self) -> None:
        """Start everything, each host with two listeners."""
        self.fleet.start_hub()
        for host in HOSTS:
            self.programs[host] = self.fleet.listen(
                host, "server", "tcp/0.0.0.0/3255", "udp/127.0.0.1/5353"
            )
            self.fleet.start_agent(host)
        self.fleet.converge(30)

    def run(self, number: int) -> Run:
        """One run."""
        self.lost = []
        killed = tuple(self.random.sample(PARTS, self.random.choice((1, 1, 2))))
        changes = self.random.randint(2, 6)
        plan: list[tuple[float, Callable[[], None]]] = []
        for part in killed:
            at = self.random.uniform(0, _CHAOS)
            plan.append((at, lambda part=part: self._kill(part)))  # type: ignore[misc] # bound now
            back = at + self.random.uniform(0.05, _CHAOS)
            plan.append((back, lambda part=part: self._start(part)))  # type: ignore[misc] # same
        # What comes last is that a part is back, or a change: from then on it is timed.
        last = max(at for at, _ in plan)
        plan += [(self.random.uniform(0, last), self._claim) for _ in range(3)]
        plan += [(self.random.uniform(0, last), self._change) for _ in range(changes)]
        self._follow(plan)
        took = self._converged()
        self._remembered()
        self._claim()
        self.lost += self.claims.missing()
        return Run(number, killed, changes, round(took, 2), self.claims.token, tuple(self.lost))

    def _follow(self, plan: list[tuple[float, Callable[[], None]]]) -> None:
        begun = monotonic()
        for at, act in sorted(plan, key=lambda each: each[0]):
            sleep(max(0.0, begun + at - monotonic()))
            act()

    def _kill(self, part: str) -> None:
        if part == "store":
            acknowledged = self._acknowledged()
            self.fleet.store.kill()
            self._must_have = acknowledged
        elif part == "bus":
            self.fleet.bus.kill()
        else:
            end(self.fleet.hub if part == "hub" else self.fleet.agents[part])

    def _start(self, part: str) -> None:
        if part == "store":
            self.fleet.store.start()
            kept = {
                str(host): int(str(seq))
                for host, seq in self.fleet.store.query("SELECT id, seq FROM portbook.host")
            }
            for host, seq in self._must_have.items():
                if kept[host] < seq:
                    self.lost.append(f"report {seq} of {host}: the store has {kept[host]}")
        elif part == "bus":
            self.fleet.bus.start()
        elif part == "hub":
            self.fleet.start_hub()
        else:
            self.fleet.start_agent(part)

    def _acknowledged(self) -> dict[str, int]:
        """The last report of each host that its agent was told is kept."""
        found = {}
        for host in HOSTS:
            state = self.fleet.folder / "homes" / host / "fleet-agent.state"
            seen = peek(str(state))
            if seen is not None and seen[0] is not None and seen[0].base and seen[0].base.synced:
                found[host] = seen[0].base.seq
        return found

    def _change(self) -> None:
        program = self.programs[self.random.choice(HOSTS)]
        more = program.places[2:]
        if more and self.random.random() < 0.45:
            place = self.random.choice(more)
            program.close(place)
            program.places.remove(place)
        else:
            kind = self.random.choice(("tcp/0.0.0.0/0", "tcp/[::1]/0", "udp/127.0.0.1/0"))
            program.places.append(program.open(kind))

    def _claim(self) -> None:
        wrong = self.claims.work()
        if wrong:
            self.lost.append(wrong)

    def _converged(self) -> float:
        begun = monotonic()

        def same() -> bool:
            # A hub that is started while an engine is away ends, and its unit starts it again.
            if self.fleet.hub is not None and self.fleet.hub.poll() is not None:
                self.restarts += 1
                self.fleet.start_hub()
            return not self.fleet.differences()

        try:
            return until(same, 30, self.fleet.differences)
        except AssertionError as error:
            self.lost.append(f"not the same after 30 s: {error}")
            return monotonic() - begun

    def _remembered(self) -> None:
        ever, now = self.fleet.stored(ever=True), self.fleet.stored()
        for host in HOSTS:
            for place in self.known[host] - ever[host]:
                self.lost.append(f"{place} of {host} was there and is not in the history")
            self.known[host] |= now[host]


def loop(folder: Path, runs: int, seed: int, tell: Callable[[Run], None]) -> list[Run]:
    """Do them all."""
    done = []
    with (
        Hosts(HOSTS) as hosts,
        Fleet(folder, hosts, every=f"{INTERVAL:g}s", direct=HOSTS[:2]) as fleet,
    ):
        work = Loop(fleet, seed)
        work.begin()
        for number in range(1, runs + 1):
            done.append(work.run(number))
            tell(done[-1])
        work.claims.drop()
    return done


def summary(done: list[Run]) -> dict[str, Any]:
    """The counts."""
    took = sorted(run.converged_s for run in done)
    return {
        "runs": len(done),
        "kills": {part: sum(part in run.killed for run in done) for part in PARTS},
        "changes": sum(run.changes for run in done),
        "lost": sum(len(run.lost) for run in done),
        "interval_s": INTERVAL,
        "converged_s": {
            "median": round(statistics.median(took), 2),
            "p99": took[max(0, -(-len(took) * 99 // 100) - 1)],
            "longest": took[-1],
        },
        "within_an_interval": sum(each <= INTERVAL + SLACK for each in took),
        "within_the_usual_interval": sum(each <= USUAL_EVERY for each in took),
        "last_token": done[-1].token,
    }


def _print(run: Run) -> None:
    print(json.dumps(run._asdict()), flush=True)


def _free(_transport: str, _address: str, _port: int) -> str | None:
    return None


_ME = Caller(4242, label="fault loop")


def main() -> int:
    """0 if nothing was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="portbook-faults-") as folder:
        Path(folder).chmod(0o755)
        done = loop(
            Path(folder),
            options.runs,
            options.seed,
            lambda run: print(json.dumps(run._asdict()), flush=True),
        )
    print(json.dumps(summary(done)))
    return 1 if any(run.lost for run in done) else 0


if __name__ == "__main__":
    sys.exit(main())
