"""A visit to a decoy: who came, what it wanted to speak, and how that ended."""

from portbook.model.record import Record

ENDS = ("closed", "reset", "silent", "limit", "stopped")
"""How a visit ended: the visitor closed or reset; nothing came for so long that we closed; it had
sent as many bytes or stayed as long as a visitor may; the decoy itself was ended."""


class Visit(Record):
    """One visitor and what it wanted.

    `at` is when it came (ISO 8601, UTC), `seconds` how long it stayed, `address` and `port` where.
    `protocol` is what its first bytes speak, null where it said nothing or nobody recognises it;
    `confidence` then is null. `details` are what those bytes tell of it, such as `sni`; `tool` the
    program that they give away. `bytes` is how many came, `begins` the first of them with escapes,
    `file` the name under which they were kept. `ended`: `closed` or `reset` by the visitor,
    `silent`, `limit`, or `stopped` with the decoy.
    """

    at: str
    source: str
    source_port: int
    address: str
    port: int
    transport: str
    protocol: str | None
    confidence: str | None
    details: dict[str, str]
    tool: str | None
    ended: str
    bytes: int
    seconds: float
    begins: str
    file: str | None
