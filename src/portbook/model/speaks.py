"""What a listener speaks: the protocol that it answered with, and the bytes that show it."""

from portbook.model.record import Record
from portbook.model.unknown import Unknown


class Tls(Record):
    """What a TLS handshake told. Nothing of it was verified: that is not the question here.

    `version` as OpenSSL names it (`TLSv1.3`), `alpn` the protocol that the server chose (RFC 7301),
    `names` those of its certificate (RFC 5280 subjectAltName, else the common name), `issuer` and
    `expires` (ISO 8601 UTC) the certificate's. `upgraded`: the connection began in the clear
    (STARTTLS) and was upgraded.
    """

    version: str | None
    alpn: str | None
    names: tuple[str, ...] | Unknown
    issuer: str | None | Unknown
    expires: str | None | Unknown
    upgraded: bool = False


class Speaks(Record):
    """What a listener was found to speak.

    `protocol` is None where nothing was recognised; then `behaviour` says what it did: `silent`,
    `closes` (ends every connection without a byte), `resets`, `refuses`, `full` (its backlog is),
    `tls-only` (TLS, and nothing recognised inside), `answers` (with bytes that nothing knows),
    `floods` (endless bytes), `not-asked`. A protocol that comes with a behaviour was not heard on
    the wire: it is what the process (`likely`) or the number (`guess`) suggests.
    `application` is what speaks over the protocol, where that is a kind of its own (`elasticsearch`
    over http). `product` and `version` are what the service says of itself. `confidence`:
    `certain`, `likely`, `guess`. `evidence` are sentences with the bytes that show it, escaped.
    `notes` are remarks of the protocol (`asks for a password`). `process` are the protocols that
    the process is known for, strongest first; `conflicts` say where registry, process and wire
    disagree. `also` is what else answered on the same port, where several programs share it.
    `asked` are the first messages that were sent, `sent_bytes` their total with TLS, `took_ms` the
    time in milliseconds.
    """

    protocol: str | None
    application: str | None = None
    product: str | None = None
    version: str | None = None
    tls: Tls | None = None
    confidence: str | None = None
    behaviour: str | None = None
    evidence: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    process: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    also: "tuple[Speaks, ...]" = ()
    asked: tuple[str, ...] = ()
    sent_bytes: int = 0
    connections: int = 0
    took_ms: float = 0.0


class Clues(Record):
    """Local evidence about a listener: what the process behind it looks like.

    `programs` are names that the program goes by (executable, process, unit, package), in lower
    case; `command` is its command line in one text.
    """

    programs: tuple[str, ...] = ()
    command: str = ""


class Target(Record):
    """One thing to ask: an address and port, and what is known of it locally.

    `address` is where to connect: never a wildcard. `interface` is the device that the listener is
    bound to, so that it cannot be asked from here. `registered` are the registry's services of the
    port. `sharing` is how many sockets listen on this very address (SO_REUSEPORT); `client` says
    that it is a UDP socket on an ephemeral number, which is a client's unless evidence says more.
    `local`: a listener of this machine.
    """

    transport: str
    address: str
    port: int
    clues: Clues = Clues()
    registered: tuple[str, ...] = ()
    interface: str | None = None
    sharing: int = 1
    client: bool = False
    local: bool = True


CONFIDENCES = ("certain", "likely", "guess")
"""Strongest first."""
