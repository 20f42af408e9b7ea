"""What touched a port: a source and its verdict, a port and its sentence, and what was not read.

Verdicts are those of `VERDICTS`, tools those of `TOOLS`, scan types those of `SCAN_TYPES`.
"""

from portbook.model.record import Record
from portbook.model.unknown import Gap

VERDICTS = ("client", "health-check", "probe", "scan", "backscatter", "unknown")
TOOLS = ("zmap", "masscan", "mirai", "nmap", "unicornscan")
SCAN_TYPES = (
    *("syn", "connect", "fin", "null", "xmas", "maimon", "ack", "syn-fin", "os-detection"),
    *("udp", "sctp-init", "service"),
)
"""How a scan asks: `syn` never completes a handshake, `connect` completes it and says nothing,
`service` says something in protocols that the ports do not speak."""


class Opener(Record):
    """What a visitor's first bytes speak.

    `protocol` is named as `identify` names protocols; None where nobody recognises the bytes.
    `confidence`: `certain`, `likely`, `guess`. `details` are pairs such as `("sni", "a.example")`,
    `("alpn", "h2,http/1.1")`, `("user-agent", "curl/8.5")`, `("request", "GET / HTTP/1.0")`,
    `("cookie", "nmap")`: external text, as read, capped in length, escaped where it is printed.
    `tool` is one of `TOOLS` or the name of another program that the bytes give away (`zgrab`).
    `shows` are the bytes that show it.
    """

    protocol: str | None
    confidence: str = "certain"
    details: tuple[tuple[str, str], ...] = ()
    tool: str | None = None
    shows: bytes = b""


class Judged(Record):
    """What a source is. `scan_type` only with `scan`; `tool` where a mark names one."""

    verdict: str
    confidence: str = "likely"
    scan_type: str | None = None
    tool: str | None = None


class SourceSeen(Record):
    """One remote address and what it did to our ports, as `portbook/traffic/1` tells it.

    `contacts` counts first contacts of (source, own address, own port, transport); `decided_after`
    is the number of them with which the sequential test decided, None where it did not. `ports` are
    the first of the own ports contacted, ascending, `ports_total` how many there are. `first` and
    `last` are ISO 8601 UTC. `evidence` speaks for the verdict, `against` against it. `bytes` is
    payload from the source.
    """

    address: str
    verdict: str
    scan_type: str | None
    tool: str | None
    confidence: str
    contacts: int
    ports: tuple[int, ...]
    ports_total: int
    first: str
    last: str
    evidence: tuple[str, ...]
    against: tuple[str, ...]
    openers: tuple[Opener, ...]
    decided_after: int | None
    packets: int
    bytes: int


class PortSeen(Record):
    """One of our ports: who came, in one sentence.

    `listening`: whether a service answered (None: cannot be told). `speaks` are the protocols that
    the listener speaks, empty where unknown. `verdicts` count sources, most first, and `tools`
    those that scan. The verdict is a source's over all watched ports; a client of another port that
    was never served here counts as unknown.
    """

    port: int
    transport: str
    listening: bool | None
    speaks: tuple[str, ...]
    sources: int
    verdicts: tuple[tuple[str, int], ...]
    tools: tuple[tuple[str, int], ...]
    sentence: str


class Ours(Record):
    """Which side is ours: addresses or networks; `how` is `given`, `interfaces` or a sentence."""

    addresses: tuple[str, ...]
    how: str


class Traffic(Record):
    """The body of `portbook/traffic/1`.

    `sources` are the listed ones, `sources_total` all. `verdicts` count all sources. `passed` are
    packets that were counted and not judged, by reason (`fragment`, `cut`, `not-ip`, ...);
    `dropped` is the kernel's drop counter of a live watch, None for a capture. `seconds` is the
    time between the first and the last packet.
    """

    sources: tuple[SourceSeen, ...]
    ports: tuple[PortSeen, ...]
    packets: int
    sources_total: int
    verdicts: tuple[tuple[str, int], ...]
    ours: Ours
    first: str | None
    last: str | None
    seconds: float
    passed: tuple[tuple[str, int], ...]
    dropped: int | None
    incomplete: tuple[Gap, ...]


class TopSource(Record):
    """A source of the last hour, in short. `contacts` are those with all watched ports."""

    address: str
    verdict: str
    scan_type: str | None
    tool: str | None
    contacts: int
    last: str


class TrafficHour(Record):
    """The last hour of a port that a service watches: the body of `portbook/traffic-hour/1`.

    `since` and `until` are ISO 8601 UTC; `watching` is false where the watch has ended, and `until`
    then says when. `sources` counts addresses for each transport, `verdicts` and `tools` say what
    they were, `top` are up to 20 of them. `packets` and `dropped` are those of the whole watch
    since it began, of all its ports.
    """

    port: int
    since: str
    until: str
    watching: bool
    sentence: str
    listening: bool | None
    sources: int
    verdicts: dict[str, int]
    tools: dict[str, int]
    top: tuple[TopSource, ...]
    packets: int
    dropped: int
