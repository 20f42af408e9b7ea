"""The driver of store_history on the claim book in PostgreSQL, with failovers and two writers.

`python -m claims.proof.book_history SEED` exits 1 with what was wrong. Instead of a reboot another
writer goes on; instead of a restored backup the server is another one, as after a failover.
"""

import sys
import tempfile
from pathlib import Path

import psycopg

from claims import postgres_book
from claims.proof.store_history import Driver, Wrong
from portbook.claims.postgres import PostgresStore
from portbook.model.claim import Caller

ROOT = Caller(0)


class BookDriver(Driver):
    """Calls the book at random and writes down what it says."""

    def open(self) -> None:
        """Connect the writer, and at times another; the epoch never falls."""
        if not hasattr(self, "url"):
            self.url = postgres_book.emptied()
            self.epoch = 0
            self.tokens = 0
        self.store = self.connected()  # type: ignore[assignment] # both are a Store
        if self.store.epoch < self.epoch:
            raise Wrong(f"epoch {self.store.epoch} after {self.epoch}")
        self.epoch = self.store.epoch

    def connected(self) -> PostgresStore:
        """One more writer."""
        return PostgresStore(self.url, handed=True, wall=lambda: self.wall, home=1)

    def shut(self) -> None:
        """The writer ends; what was not committed is gone."""
        self.store.close()

    def reboot(self) -> None:
        """Another writer goes on, while the first stays connected, and then the first again."""
        first = self.store
        self.open()
        for _ in range(20):
            self.claim()
            self.release()
            self.acquire()
            self.pass_time()
        self.store.close()
        self.store = first

    def restore(self) -> None:
        """Another server has the book: the epoch grows, tokens go on above all that were given."""
        before = max((each.token for each in self.leases), default=0)
        self.shut()
        with psycopg.connect(self.url, options="-c search_path=portbook") as link:
            link.execute("UPDATE book SET timeline = 0")
        epoch = self.epoch
        self.open()
        if self.epoch <= epoch:
            raise Wrong("after a failover the epoch is the one before")
        for claim in self.store.claims():
            self.store.release(claim.id, claim.token, ROOT, self.moment)
        for state in self.store.semaphores():
            for held in state.held:
                self.store.release_permit(held.id, held.token, ROOT, self.moment)
        self.store.commit()
        self.moment += 10_000
        self.new_world()
        self.claim()
        if self.leases and self.leases[-1].token <= before:
            raise Wrong("a token went back")


def main() -> int:
    """Run seeds until one is wrong."""
    for seed in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory(prefix="portbook-book-") as folder:
            try:
                BookDriver(Path(folder), seed).run()
            except (Wrong, AssertionError) as wrong:
                print(f"seed {seed}: {wrong}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
