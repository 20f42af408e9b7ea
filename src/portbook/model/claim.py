"""What is promised: port claims, permits of semaphores, reservations, and the events about them.

Times are milliseconds of CLOCK_BOOTTIME (`*_ms`), which runs on while the machine sleeps and means
nothing after a reboot; `created` and `renewed` are seconds since 1970, for people alone.
"""

from portbook.model.errors import PortbookError
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EVERY_ADDRESS = "*"
SHORTEST_TTL = 1_000
LONGEST_TTL = 7 * 24 * 3_600_000
USUAL_TTL = 30_000
LOCK_DELAY = 2_000
"""Milliseconds for which a port stays kept after a lease ran out without proof of an end."""
LONGEST_NAME = 200
MOST_LABELS = 16
MOST_PORTS = 1_024
"""Ports that one request may ask for."""


class Caller(Record):
    """Who asks, or whose life keeps a lease: a user, and a process where one is known.

    `start` is field 22 of /proc/PID/stat (ticks since boot) and tells a PID from its reuse; `pidns`
    and `netns` are the inodes of the namespaces; `label` is what the caller calls itself.
    """

    uid: int
    pid: int | None = None
    start: int | None = None
    pidns: int | None = None
    netns: int | None = None
    label: str | None = None


class Bound(Record):
    """The listener that a claim was made for: the process that listens, and its socket's inode."""

    pid: int | None
    inode: int


class Claim(Record):
    """A live lease on the ports `port` to `port + size - 1` of one transport.

    `address` is one address, or `*` for all. `state`: `reserved` (nothing listens yet), `bound`
    (its owner listens), `squatted` (somebody else does), `expired`, `released`. `key` names
    the reservation that the number came from. `seq` is the last heartbeat's. With `owner.pid` the
    life of that process is the lease, and the TTL counts only where its life cannot be seen.
    """

    id: str
    token: int
    epoch: int
    transport: str
    address: str
    port: int
    size: int
    owner: Caller
    name: str | None
    key: str | None
    state: str
    ttl_ms: int
    expires_ms: int
    created: float
    renewed: float
    hold: bool = False
    bound: Bound | None = None
    seq: int = 0
    request_id: str | None = None
    labels: tuple[tuple[str, str], ...] = ()


class Reservation(Record):
    """A durable, stable number for a project and a name; `key` is unique for a user."""

    key: str
    uid: int
    port: int
    size: int
    project: str | None
    name: str | None
    created: float


class Permit(Record):
    """`units` of a counting semaphore, held by one owner."""

    id: str
    token: int
    epoch: int
    semaphore: str
    limit: int
    units: int
    owner: Caller
    ttl_ms: int
    expires_ms: int
    created: float
    renewed: float
    request_id: str | None = None


class Waiter(Record):
    """One who waits for units of a semaphore, first come first served; `position` begins at 1.

    A waiter is known by its `request_id`, and asks again before `expires_ms` or loses its place.
    """

    request_id: str
    semaphore: str
    limit: int
    units: int
    position: int
    owner: Caller
    ttl_ms: int
    expires_ms: int
    created: float


class SemaphoreState(Record):
    """One semaphore in use: its limit, the permits that are held, and who waits, in order."""

    name: str
    limit: int
    held: tuple[Permit, ...]
    waiting: tuple[Waiter, ...]


class Fence(Record):
    """Whether a token is the newest of its resource, and the newest there was (0: none)."""

    current: bool
    max_token: int


class ClaimEvent(Record):
    """One change. `id` grows by one; `body` is what is needed to make the change again.

    `kind`: claimed, renewed, released, expired, died, transferred, bound, squatted, unbound,
    voided, reserved, unreserved, acquired, permit-renewed, permit-released, permit-expired,
    permit-died, waiting, wait-ended. `at` is seconds since 1970.
    """

    id: int
    at: float
    kind: str
    body: "dict[str, Any]"


class ClaimRequest(Record):
    """What is asked for with a claim.

    Exactly `port`, or any that fits: from `first` to `last`, the nearest to `near`, or upwards from
    `start` and round. `avoid` are numbers not to take. `key` asks for the number reserved under
    that key; where there is none yet, the one that is found is reserved. `size` ports, neighbours
    with `contiguous`, for each of `transports` one claim. `wait_ms` is how long to wait for a port
    that is held. The same `request_id` again gives the same claims.
    """

    port: int | None = None
    first: int | None = None
    last: int | None = None
    near: int | None = None
    start: int | None = None
    avoid: tuple[int, ...] = ()
    size: int = 1
    contiguous: bool = False
    transports: tuple[str, ...] = ("tcp",)
    address: str = EVERY_ADDRESS
    name: str | None = None
    key: str | None = None
    project: str | None = None
    ttl_ms: int = USUAL_TTL
    watch_pid: int | None = None
    hold: bool = False
    request_id: str | None = None
    wait_ms: int = 0
    label: str | None = None
    labels: tuple[tuple[str, str], ...] = ()


class ReservationRequest(Record):
    """What is asked for with a reservation: `port`, or any as in ClaimRequest."""

    key: str
    port: int | None = None
    size: int = 1
    first: int | None = None
    last: int | None = None
    near: int | None = None
    start: int | None = None
    avoid: tuple[int, ...] = ()
    project: str | None = None
    name: str | None = None


class PermitRequest(Record):
    """What is asked for with a permit: `units` of the semaphore `name`, which has `limit`."""

    name: str
    limit: int
    units: int = 1
    ttl_ms: int = USUAL_TTL
    watch_pid: int | None = None
    request_id: str | None = None
    wait_ms: int = 0
    label: str | None = None


class ClaimRefused(PortbookError):
    """A claim, permit or reservation that is not to be had; nothing was changed.

    `code` is stable: `held` (by another claim or reservation), `in_use` (the kernel says so, and
    nobody claimed it), `limit_mismatch`, `bad_token`, `lost` (ended: final), `not_found`,
    `not_yours` (another user's), `timeout`, `pool_empty`, `invalid`, `not_held`, `compacted`,
    `denied` (no token). `holder` describes who is in the way, `retry_after_ms` when to ask again.
    """

    exit_code = 1

    def __init__(
        self,
        code: str,
        message: str,
        *,
        holder: "dict[str, Any] | None" = None,
        retry_after_ms: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.holder = holder
        self.retry_after_ms = retry_after_ms
        self.exit_code = {"invalid": 2, "not_yours": 4, "denied": 4}.get(code, 1)
