"""What a number is meant to be: assignments, the evidence for them, their life, other uses."""

from portbook.model.port import PortRange
from portbook.model.record import Record


class Assignment(Record):
    """One row of IANA's Service Name and Transport Protocol Port Number Registry (RFC 6335).

    The key is (service, port, transport). `service` is None in nameless rows ("Reserved", "any
    private mail system"); `transport` is None where the registry gives none; `port` and
    `last_port` are None for names without a port. Dates are ISO 8601, as coarse as the registry
    has them ("2002-02"). `assignee` and `contact` are IANA's ids without brackets ("Jay_Eckles"),
    several joined by one space.
    """

    service: str | None
    port: int | None
    last_port: int | None
    transport: str | None
    description: str | None = None
    assignee: str | None = None
    contact: str | None = None
    registered: str | None = None
    modified: str | None = None
    reference: str | None = None
    unauthorized_use: str | None = None
    notes: str | None = None


class Evidence(Record):
    """One public trace of a product on a number: `source` says it, in our words in `note`.

    `transport` is None where the source does not say.
    """

    source: str
    port: int
    transport: str | None
    product: str
    note: str | None = None


class Source(Record):
    """A place where traces were looked for: id, what it is, its version or date, and a link."""

    id: str
    title: str
    version: str
    licence: str
    link: str


class Life(Record):
    """Whether anything still uses a registration.

    `verdict`: `alive`, `overtaken`, `orphan`, `young`; for a number without an assignment
    `unassigned`, `reserved`, `dynamic`. `evidence` is what was found on the number in
    `sources_checked` sources as of `as_of` (ISO date), whatever it speaks for.
    """

    verdict: str
    sources_checked: int
    as_of: str
    evidence: tuple[Evidence, ...] = ()


class UnofficialUse(Record):
    """A product that uses the number without being its registered service."""

    product: str
    transport: str | None
    sources: tuple[str, ...]


class SuspiciousUse(Record):
    """A default number of malware, a C2 framework or a remote-control tool."""

    name: str
    transport: str | None
    category: str
    confidence: str
    source: str


class Candidate(Record):
    """One thing that might really be listening.

    `kind`: registered, unofficial, custom, malware, probe.
    """

    what: str
    kind: str
    why: str


class PortEntry(Record):
    """Everything the tables say of one port, the same on every machine.

    `assignments` are ordered: the primary name of each transport first.
    """

    port: int
    range: PortRange
    assignments: tuple[Assignment, ...]
    life: Life
    unofficial: tuple[UnofficialUse, ...]
    suspicious_uses: tuple[SuspiciousUse, ...]
    browser_blocked: bool
