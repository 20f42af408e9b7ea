"""The claims of this machine for who uses them: kept by the service, or by ourselves without it.

`remote` asks the service over its Unix socket, `direct` opens the store; the commands and the
Python interface see no difference.
"""

from typing import Protocol

from portbook.model.claim import (
    Claim,
    ClaimRequest,
    Fence,
    Permit,
    PermitRequest,
    Reservation,
    ReservationRequest,
    SemaphoreState,
    Waiter,
)


class Access(Protocol):
    """What can be done with claims, permits and reservations, one call at a time.

    Every method raises ClaimRefused where the store does (see claims.store), NotWritten where the
    disk is full, EnvironmentFault where neither service nor store can be reached. A call may be
    repeated with the same `request_id`.
    """

    via: str
    """`service`, `store`, or `book` (the claim book of a fleet, without a service)."""

    def claim(self, request: ClaimRequest) -> tuple[Claim, ...]:
        """Claim ports; waits up to `request.wait_ms` for one that is held."""

    def renew(self, claim_id: str, token: int, ttl_ms: int | None = None) -> Claim:
        """Begin the lease anew."""

    def release(self, claim_id: str, token: int) -> bool:
        """End a claim; False if it had ended."""

    def transfer(self, claim_id: str, token: int, to_pid: int) -> Claim:
        """Give it to another process, with a new token."""

    def fence(self, resource: str, token: int) -> Fence:
        """Whether a token is good for a resource."""

    def claims(self) -> tuple[Claim, ...]:
        """Every live claim."""

    def reservations(self) -> tuple[Reservation, ...]:
        """Every reservation."""

    def semaphores(self) -> tuple[SemaphoreState, ...]:
        """Every semaphore in use."""

    def reserve(self, request: ReservationRequest) -> Reservation:
        """The reservation of a key, made if there is none."""

    def unreserve(self, key: str) -> bool:
        """Give a number back."""

    def acquire(self, request: PermitRequest) -> Permit | Waiter:
        """Units of a semaphore. A Waiter if they did not come within `wait_ms`: ask again.

        `request_id` has to be set if `wait_ms` is. With `wait_ms` 0 it raises `timeout` where all
        units are held, and takes no place in the queue.
        """

    def cancel_wait(self, request_id: str) -> bool:
        """Leave the queue."""

    def renew_permit(self, permit_id: str, token: int, ttl_ms: int | None = None) -> Permit:
        """Begin the lease of a permit anew."""

    def release_permit(self, permit_id: str, token: int) -> bool:
        """Give units back; False if they were."""

    def fetch_socket(self, claim_id: str, token: int) -> int:
        """The descriptor of the socket with which the service holds the port of a claim.

        Raises:
            ClaimRefused: `not_held`: it was not asked to, or there is no service.
        """

    def close(self) -> None:
        """Let go of the connection or the store."""
