"""A claim as it is printed: with the names of users and processes."""

from portbook.model.claim import Caller, Claim
from portbook.model.record import Record


class BoundRow(Record):
    """A listener on a claimed port: its process, its socket's inode, and the process's name."""

    pid: int | None
    inode: int
    process: str | None


class ClaimRow(Record):
    """A claim, as the service and the commands print it; `process` is the name of its owner's.

    `bound` is the listener: its owner's, or with the state `squatted` somebody else's.
    """

    id: str
    token: int
    epoch: int
    port: int
    count: int  # type: ignore[assignment] # a field: not tuple.count
    transport: str
    address: str
    name: str | None
    key: str | None
    owner: Caller
    user: str
    process: str | None
    state: str
    ttl_ms: int
    expires_in_ms: int
    created: str
    renewed: str
    hold: bool
    bound: BoundRow | None
    labels: dict[str, str]


class People:
    """Names of users and processes, each looked up once."""

    def __init__(self) -> None:
        from portbook.host import Host

        self._host = Host()
        self._pidns = self._inode("/proc/self/ns/pid")

    def _inode(self, path: str) -> int | None:
        try:
            return self._host.inode(path)
        except OSError:
            return None

    def user(self, uid: int) -> str:
        """The name of a user, or the number."""
        return str(self._host.user(uid))

    def process(self, owner: Caller) -> str | None:
        """The name of the process whose life keeps a lease; None where it cannot be seen."""
        if owner.pid is None or owner.pidns not in (None, self._pidns):
            return None
        return self.named(owner.pid)

    def named(self, pid: int) -> str | None:
        """The kernel's name of a process."""
        try:
            return self._host.text(f"/proc/{pid}/comm", 64).strip() or None
        except OSError:
            return None


def claim_row(claim: Claim, people: People) -> ClaimRow:
    """A claim with the names of the user and of the processes."""
    from portbook.claims.answers import claim_document

    row = claim_document(claim, now())
    bound = claim.bound
    row["bound"] = bound and BoundRow(
        bound.pid, bound.inode, None if bound.pid is None else people.named(bound.pid)
    )
    return ClaimRow(**{**row, **who_is(claim.owner, people)})


def who_is(owner: Caller, people: People) -> dict[str, object]:
    """The fields that say whose a lease is."""
    return {"owner": owner, "user": people.user(owner.uid), "process": people.process(owner)}


def now() -> int:
    """The clock of leases."""
    from portbook.host import clock

    return clock.boot_ms()
