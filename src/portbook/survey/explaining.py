"""What a program's complaint about a port comes to now: why, and whether it would work again."""

from portbook.host import Host
from portbook.model import Bindable, Gap, Unknown
from portbook.model.record import Record
from portbook.survey.bindability import why
from portbook.survey.error_text import ErrorText, Mention


class WhyThen(Record):
    """As `portbook/why/1`; `tcp` or `udp` is null where the message is not about it."""

    port: int
    tcp: Bindable | None
    udp: Bindable | None
    incomplete: tuple[Gap, ...]


class Explained(Record):
    """A port that an output complains of, and why it can or cannot be bound now.

    `error`: `in-use`, `denied`, `unavailable` (the address is not this machine's). `line` tells of
    it; `number_line` is the one that the port was read from where that is another. `address` is
    null where none was named; `ours` is whether this machine has it, null where it is no number.
    `program` is a guess, null where nothing gives it away.
    """

    port: int
    transport: str
    address: str | None
    ours: bool | None | Unknown
    error: str
    line: str
    number_line: str | None
    program: str | None
    why: WhyThen

    @property
    def bindable(self) -> Bindable:
        """What was found for the transport of the message."""
        found = self.why.tcp or self.why.udp
        assert found is not None  # noqa: S101 - one of them was asked about
        return found

    @property
    def free(self) -> bool | Unknown:
        """Whether the program would get it now.

        That every address can be bound says nothing of one that this machine does not have. A
        port that was guessed and is free was probably not the one.
        """
        if self.error != "unavailable" or self.ours is True:
            if self.number_line is not None and self.bindable.free is True:
                return Unknown("not-asked", "which port was meant?")
            return self.bindable.free
        return False if self.ours is False else Unknown("not-asked", "which address was meant?")


def explain(
    found: ErrorText, host: Host, *, bind: bool = True, source: str | None = None
) -> tuple[Explained, ...]:
    """Each port of an output, looked at now.

    Raises:
        EnvironmentFault: the socket table cannot be read.
    """
    return tuple(_explained(each, host, bind=bind, source=source) for each in found.mentions)


def _explained(each: Mention, host: Host, *, bind: bool, source: str | None) -> Explained:
    now = why(each.port, each.transport, host=host, bind=bind, source=source)
    return Explained(
        *(each.port, each.transport, each.address, is_ours(each.address, host)),
        *(each.error, each.line, each.number_line, each.program),
        WhyThen(now.port, now.tcp, now.udp, now.gaps),
    )


def is_ours(address: str | None, host: Host) -> bool | None | Unknown:
    """Whether this machine has an address; None for none, and for what is a name."""
    if address is None:
        return None
    from ipaddress import ip_address

    try:
        asked = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if asked.is_unspecified:
        return True
    if not host.live:
        return Unknown("not-asked", "a recording does not tell")
    from portbook.host.interfaces import own_networks

    try:
        return any(asked in network for network in own_networks())
    except OSError as error:
        return Unknown("denied", error.strerror)
