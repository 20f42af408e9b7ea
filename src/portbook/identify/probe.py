"""The form of a probe: data, and a pure judge. The engine owns sockets, deadlines, TLS and order.

A protocol is one file in `identify/probes/` with a `PROBE`. Its judge is shown every reply on its
transport, also those to the first messages of other protocols: a reply in the wrong protocol is
evidence too.
"""

from collections.abc import Callable

from portbook.model.record import Record


class Turn(Record):
    """One step of a conversation: what we sent (nothing, where we listened) and what came."""

    sent: bytes
    received: bytes


class Talk(Record):
    """A conversation so far, on one connection.

    `transport` is tcp or udp. `opener` names the probe whose first message was sent, empty where we
    only listened. `secure`: inside TLS, either from the start or (with more than one turn) since
    an upgrade; the turn after an upgrade begins with nothing sent and nothing received. `closed`:
    the other side ended the connection after these bytes. `ended`: no more will come in this turn
    (closed, quiet for long, or the most that is read); then `More` is no answer any longer. A
    datagram is always ended.
    """

    transport: str
    opener: str
    turns: tuple[Turn, ...]
    secure: bool = False
    closed: bool = False
    ended: bool = True

    @property
    def first(self) -> bytes:
        """What came in the first turn."""
        return bytes(self.turns[0].received)

    @property
    def reply(self) -> bytes:
        """What came in this turn."""
        return bytes(self.turns[-1].received)

    @property
    def sent(self) -> bytes:
        """What we sent in this turn."""
        return bytes(self.turns[-1].sent)


class Found(Record):
    """A judge's word. `product` and `version` are what the service says of itself.

    `confidence`: `certain` where no other protocol answers so, `likely` where others might, `guess`
    for little more than a resemblance. `shows` is the part of the reply that shows it, as read.
    `notes` are short remarks for people (`asks for a password`). `parting` is said last, and nobody
    waits for an answer: what ends a session that the question began.
    """

    protocol: str
    confidence: str
    product: str | None = None
    version: str | None = None
    shows: bytes = b""
    notes: tuple[str, ...] = ()
    parting: bytes = b""


class More(Record):
    """It looks like this protocol, but the reply is cut: read on. `found` holds if none comes."""

    found: Found | None = None


class Send(Record):
    """Say `data` next, on this connection. `found` holds if no answer comes."""

    data: bytes
    found: Found


class StartTls(Record):
    """The server is ready for TLS on this connection: begin now. `found` holds if it fails.

    `data` is said just before, where the server does not answer the request for TLS (MySQL).
    """

    found: Found
    data: bytes = b""


class Again(Record):
    """Open another connection and say `data` first; with `tls`, inside TLS from the start.

    Empty `data` with `tls` lets the engine look for what is inside. `found` holds if that brings
    nothing.
    """

    data: bytes
    found: Found
    tls: bool = False


Judgement = Found | More | Send | StartTls | Again
Judge = Callable[[Talk], Judgement | None]


class Probe(Record):
    """One protocol.

    Facts about it:
        name: the protocol in lower case, as the JSON has it.
        title: the same for people, with the words that its users use.
        source: where the first message and its replies are specified (RFC, vendor's manual).
        services: the names that the port registry has for it.
        ports, secure_ports: where it usually lives, in the clear and inside TLS.
        programs: names of executables, processes, units and packages that serve it, lower case.
        commands: parts of a command line that show it where an interpreter runs it; `{port}` in
            them stands for the listener's.

    How it is asked:
        opener: the harmless first message over TCP; None where the server speaks first, or where
            the wire is not asked at all.
        datagram: the same over UDP.
        speaks_first: a TCP server greets without being asked.
        reacts_to: probes to whose opener a server of this protocol gives a reply that the judge
            recognises; each is shown by a recorded reply.
        tls: the first message is a TLS handshake, which is the engine's.
        transports: where it lives, if that does not follow from how it is asked.
        expected: asked only where the process or the number suggests it, because the question is
            long, or makes the server do something.
        sink: whatever arrives is taken for data and never answered, so nothing is sent at all.
        fragile: a visitor changes what the program does (a debugger): nothing is sent where the
            process is known for it.
        alpn: what TLS has to offer for it (RFC 7301), where a server insists.
        opt_in: never asked unless an option of the command says so (printers).
        judge: reads a conversation; None where only local evidence tells (wireguard).
    """

    name: str
    title: str
    source: str
    services: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    secure_ports: tuple[int, ...] = ()
    programs: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    opener: bytes | None = None
    datagram: bytes | None = None
    speaks_first: bool = False
    reacts_to: tuple[str, ...] = ()
    tls: bool = False
    transports: tuple[str, ...] = ()
    expected: bool = False
    sink: bool = False
    fragile: bool = False
    alpn: tuple[str, ...] = ()
    opt_in: bool = False
    judge: Judge | None = None

    def over(self, transport: str) -> bool:
        """Whether it lives on this transport."""
        if self.transports:
            return transport in self.transports
        if transport == "udp":
            return self.datagram is not None
        return self.datagram is None or self.opener is not None or self.speaks_first
