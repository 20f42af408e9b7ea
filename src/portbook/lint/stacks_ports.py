"""The entries of compose `ports` and `expose` with their variables put in: both sides of each.

The short form is `[[ADDRESS:][PUBLISHED]:]TARGET[/PROTOCOL]`, each number or a range; an IPv6
address may stand in brackets (compose specification 5, "ports").
"""

import re
from collections.abc import Callable, Mapping

from portbook.lint.interpolation import UNKNOWN, Filled, Value, fill
from portbook.lint.parts import ServicePort, Written
from portbook.lint.source import Unreadable
from portbook.model.declared import Declared
from portbook.model.record import Record

_NUMBERS = re.compile(r"([0-9]{1,7})(?:-([0-9]{1,7}))?")
_TRANSPORTS = ("tcp", "udp", "sctp")


class Owner(Record):
    """What all the ports of one service have in common."""

    who: str
    product: str | None
    runs: str | None
    profiles: tuple[str, ...]
    speaks: "Callable[[int], str | None]"


class Pair(Record):
    """One entry: `outer` is None where the engine chooses, `inner` where a variable is unknown.

    `whole`: no number of it is unknown. `host_mode`: it is bound past the swarm's own balancing.
    """

    outer: Declared | None
    inner: Declared | None
    whole: bool = True
    host_mode: bool = False


class _Numbers(Record):
    """A number or a range that was found; `first` is None where it is unknown, 0 where empty."""

    first: int | None
    last: int
    filled: Filled
    start: int
    end: int


def pair_of(port: ServicePort, values: Mapping[str, Value], owner: Owner) -> Pair:
    """Both sides of one entry.

    Raises:
        Unreadable: it is no port, with its line.
    """
    if port.short is not None:
        return _short(fill(port.short, values), owner)
    if port.target is None:
        return Pair(None, None, whole=False)
    inner = _numbers(fill(port.target, values))
    outer = _numbers(fill(port.published, values)) if port.published is not None else None
    ip = fill(port.host_ip, values) if port.host_ip is not None else None
    protocol = fill(port.protocol, values).text if port.protocol is not None else "tcp"
    mode = fill(port.mode, values).text if port.mode is not None else ""
    speaks = fill(port.app_protocol, values).text.lower() if port.app_protocol is not None else None
    return _made(
        owner,
        inner,
        outer,
        _address(ip, 0, len(ip.text)) if ip is not None else None,
        _transport(protocol or "tcp", port.target),
        speaks=speaks if speaks in ("http", "https") else None,
        host_mode=mode == "host",
    )


def _short(filled: Filled, owner: Owner) -> Pair:
    text = filled.text
    slash = text.rfind("/")
    end = len(text) if slash < 0 else slash
    transport = _transport(text[slash + 1 :] if slash >= 0 else "tcp", filled.source)
    last = text.rfind(":", 0, end)
    inner = _numbers(filled, last + 1, end)
    if inner.first == 0:
        raise _wrong(filled, "has no inner port")
    if last < 0:
        return _made(owner, inner, None, None, transport)
    before = text.rfind(":", 0, last)
    outer = _numbers(filled, before + 1, last)
    address = _address(filled, 0, before) if before >= 0 else None
    return _made(owner, inner, outer, address, transport)


def exposed(written: Written, values: Mapping[str, Value], owner: Owner) -> Declared | None:
    """An entry of `expose`, None where it is a variable without a value.

    Raises:
        Unreadable: it is no port, with its line.
    """
    filled = fill(written, values)
    slash = filled.text.rfind("/")
    end = len(filled.text) if slash < 0 else slash
    transport = _transport(filled.text[slash + 1 :] if slash >= 0 else "tcp", written)
    found = _numbers(filled, 0, end)
    if not found.first:
        return None
    return _declared(owner, found, "container", transport, None, None)


def _transport(text: str, written: Written) -> str:
    found = text.lower()
    if found not in _TRANSPORTS:
        if UNKNOWN in found:
            return "tcp"
        raise Unreadable(f"{text[:20]} is no transport of a port", written.place.line)
    return found


def _numbers(filled: Filled, start: int = 0, end: int | None = None) -> _Numbers:
    end = len(filled.text) if end is None else end
    text = filled.text[start:end]
    if UNKNOWN in text:
        return _Numbers(None, 0, filled, start, end)
    if not text.strip():
        return _Numbers(0, 0, filled, start, end)
    found = _NUMBERS.fullmatch(text)
    if found is None:
        raise _wrong(filled, "is no port")
    return _Numbers(int(found[1]), int(found[2] or found[1]), filled, start, end)


def _wrong(filled: Filled, what: str) -> Unreadable:
    shown = filled.source.text if len(filled.source.text) <= 60 else "the entry"
    return Unreadable(f"{shown} {what}", filled.source.place.line)


def _address(filled: Filled, start: int, end: int) -> str | None:
    """What it is bound to; a variable without a value stays as it is written, `${BIND}`."""
    text = filled.text[start:end]
    if UNKNOWN in text:
        return filled.as_written(start, end)
    return text.strip("[]") or None


def _made(
    owner: Owner,
    inner: _Numbers,
    outer: _Numbers | None,
    address: str | None,
    transport: str,
    *,
    speaks: str | None = None,
    host_mode: bool = False,
) -> Pair:
    if outer is not None and outer.first and inner.first:
        width, choice = inner.last - inner.first, outer.last - outer.first
        # A range for one inner port is a choice; both backwards ranges are told by a rule.
        if width > 0 and choice >= 0 and width != choice:
            raise _wrong(inner.filled, "has ranges of two lengths")
    if speaks is None and inner.first is not None:
        speaks = owner.speaks(inner.first)
    outside = inside = None
    if inner.first:
        inside = _declared(owner, inner, "container", transport, None, speaks)
    # Number 0 lets the engine choose, as none does.
    if outer is not None and outer.first:
        outside = _declared(owner, outer, "publish", transport, address, speaks)
    whole = inner.first is not None and (outer is None or outer.first is not None)
    return Pair(outside, inside, whole, host_mode)


def _declared(
    owner: Owner,
    numbers: _Numbers,
    role: str,
    transport: str,
    address: str | None,
    speaks: str | None,
) -> Declared:
    span = numbers.filled.span(numbers.start, numbers.end)
    return Declared(
        span.place,
        numbers.first or 0,
        numbers.last,
        role,
        owner.who,
        "compose",
        transport=transport,
        address=address,
        speaks=speaks,
        product=owner.product,
        runs=owner.runs,
        profiles=owner.profiles,
        sources=span.sources,
        written=span.written,
    )
