"""The claim book in PostgreSQL against the same simple model, with two writers that take turns."""

from contextlib import closing

from hypothesis import HealthCheck, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from claims import postgres_book
from claims.test_store_model import StoreMachine
from portbook.claims.postgres import PostgresStore
from portbook.model.claim import (
    Caller,
    ClaimRequest,
    Permit,
    PermitRequest,
    ReservationRequest,
    Waiter,
)


class BookMachine(StoreMachine):
    """After each commit the other writer goes on; a crash is that of the one at work."""

    def __init__(self) -> None:
        self.url = postgres_book.emptied()
        self.other: PostgresStore | None = None
        super().__init__()

    def open(self) -> None:
        """Connect a writer."""
        self.store = self.connected()  # type: ignore[assignment] # both are a Store

    def connected(self) -> PostgresStore:
        """One more writer."""
        return PostgresStore(self.url, handed=True, wall=lambda: self.wall, home=1)

    def teardown(self) -> None:
        """Let go of both."""
        super().teardown()
        if self.other is not None:
            self.other.close()

    @rule()
    def commit(self) -> None:
        """All of it is written, and the other one sees it."""
        super().commit()
        mine = self.store
        self.store = self.other or self.connected()  # type: ignore[assignment] # as above
        self.other = mine  # type: ignore[assignment] # as above

    def reboot(self, now: int) -> None:
        """The clock is the server's, and goes on: there is no such step."""


def test_the_book_of_a_fleet_is_what_the_model_says_with_two_writers() -> None:
    """Whatever is done in whatever order, by whichever writer, also after a crash of one."""
    run_state_machine_as_test(
        BookMachine,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_writer_knows_what_the_other_did() -> None:
    """Claims, their ends, permits, who waits, reservations, and the newest token."""
    url = postgres_book.emptied()
    me, other = Caller(1), Caller(2)
    with (
        closing(PostgresStore(url, handed=True, wall=lambda: 1.0)) as first,
        closing(PostgresStore(url, handed=True, wall=lambda: 1.0)) as second,
    ):
        (mine,) = first.acquire(ClaimRequest(port=1000), me, me, 0, lambda: (), lambda *_: None)
        held = first.acquire_permit(PermitRequest("gpu", 1), me, me, 0, wait=False)
        first.reserve(ReservationRequest("web", 1001), me, 0, lambda: (), lambda *_: None)
        first.commit()
        assert isinstance(held, Permit)
        assert [each.id for each in second.claims()] == [mine.id]
        (more,) = second.acquire(ClaimRequest(port=1002), me, me, 0, lambda: (), lambda *_: None)
        assert more.token > held.token > mine.token
        asked = PermitRequest("gpu", 1, request_id="r", wait_ms=9_000)
        assert isinstance(second.acquire_permit(asked, other, other, 0, wait=True), Waiter)
        assert second.release(mine.id, mine.token, me, 0)
        second.commit()
        assert [each.id for each in first.claims()] == [more.id]
        assert [len(each.waiting) for each in first.semaphores()] == [1]
        assert first.release_permit(held.id, held.token, me, 0)
        first.commit()
        assert isinstance(second.permit_of("r", 2), Permit)
        assert [each.key for each in second.reservations()] == ["web"]
        assert first.last_event() == second.last_event()
