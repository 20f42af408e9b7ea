"""What `portbook identify` is asked about: listeners of this machine, or HOST:PORT one by one."""

from collections.abc import Sequence

from portbook.cli.arguments import Target as Here
from portbook.cli.arguments import parse_target, port_number
from portbook.model.errors import BadPort, UsageError
from portbook.model.record import Record

MOST_PLACES = 16
"""HOST:PORT in one call: more would be a scan."""

_ONE_BY_ONE = "name listeners one by one: portbook identify HOST:PORT"


class There(Record):
    """A listener that was named by its host."""

    host: str
    port: int
    transport: str


def parse_targets(texts: Sequence[str]) -> tuple[list[Here], list[There]]:
    """The arguments, apart: ports of this machine, and hosts with a port.

    Raises:
        UsageError: a network, a pattern, a range of ports of another host, or nothing at all.
    """
    here: list[Here] = []
    there: list[There] = []
    for text in texts:
        _refuse_networks(text)
        place = text.partition("/")[0]
        if ":" in place:
            there.append(_there(text))
        else:
            here.append(parse_target(text))
    if len(there) > MOST_PLACES:
        raise UsageError(
            f"{len(there)} places are a scan: portbook looks at your own machines, one by one",
            hint=f"at most {MOST_PLACES} HOST:PORT in one call",
        )
    return here, there


def _refuse_networks(text: str) -> None:
    """No CIDR, no pattern, no list: identify is no network scanner."""
    head, slash, tail = text.rpartition("/")
    if slash and tail.isdecimal() and ("." in head or ":" in head):
        raise UsageError(
            f"{text} is a network, and portbook is no scanner: it looks at your own machines",
            hint=_ONE_BY_ONE,
        )
    first, dash, _ = text.partition("-")
    if dash and first.count(".") == 3 and first.replace(".", "").isdecimal():
        raise UsageError(
            f"{text} is a range of hosts, and portbook is no scanner", hint=_ONE_BY_ONE
        )
    if any(sign in text for sign in "*,"):
        raise UsageError(f"{text!r} is a pattern, and portbook is no scanner", hint=_ONE_BY_ONE)


def _there(text: str) -> There:
    place, _, transport = text.partition("/")
    transport = transport.lower() or "tcp"
    if transport not in ("tcp", "udp"):
        raise BadPort(f"over {transport!r} nothing can be asked", hint="one of tcp, udp")
    if place.endswith("]"):
        raise UsageError(f"{text!r} names no port", hint=f"{place}:PORT")
    host, _, port = place.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif host.startswith("["):
        raise UsageError(f"{text!r} lacks a closing bracket", hint="[ADDRESS]:PORT")
    elif ":" in host:
        raise UsageError(f"{text!r}: an IPv6 address stands in brackets", hint=f"[{place}]:PORT")
    if not host:
        raise UsageError(f"{text!r} names no host", hint=_ONE_BY_ONE)
    if "-" in port:
        raise UsageError(
            f"{text!r} is a range of ports of a host, and portbook is no scanner",
            hint=_ONE_BY_ONE,
        )
    number = port_number(port)
    if number == 0:
        raise BadPort("nothing can listen on port 0")
    return There(host, number, transport)
