"""The joined answer about one port of this machine."""

from portbook.model.owner import Listener, Owner
from portbook.model.port import PortRange
from portbook.model.record import Record
from portbook.model.registry import (
    Assignment,
    Candidate,
    Life,
    SuspiciousUse,
    UnofficialUse,
)
from portbook.model.unknown import Gap, Unknown


class Reason(Record):
    """Why a port cannot be bound.

    `kind`: `listening`, `bound-not-listening`, `client`, `time-wait`, `kernel-reserved`,
    `privileged`, `other-netns-publish`, `claimed`, `hidden`, `address`, `disagreement`.
    `address` is the local address concerned, where there is one; `owner` who holds it.
    """

    kind: str
    address: str | None
    owner: Owner | None | Unknown
    detail: str


class Bindable(Record):
    """Whether a program could bind the port on every address now, and why not.

    `table` and `probe` are the two independent answers: the kernel's socket table and a real
    bind(). `free` is the joined one.
    """

    free: bool | Unknown
    reasons: tuple[Reason, ...]
    table: str
    probe: str


class Advice(Record):
    """What to know before taking this number for one's own software."""

    ephemeral: bool
    browser_blocked: bool
    privileged: bool
    kernel_reserved: bool


class Answer(Record):
    """Everything portbook knows about one port here.

    `claim` is the live claim on it as in `portbook claims`, the first where there are several.
    `traffic` is its last hour (`model.traffic.TrafficHour`) where a service watches it.
    """

    port: int
    range: PortRange
    assignments: tuple[Assignment, ...]
    life: Life
    unofficial: tuple[UnofficialUse, ...]
    suspicious_uses: tuple[SuspiciousUse, ...]
    candidates: tuple[Candidate, ...]
    listeners: tuple[Listener, ...]
    bindable: dict[str, Bindable]
    advice: Advice
    claim: dict[str, object] | None
    traffic: dict[str, object] | None
    incomplete: tuple[Gap, ...]
