"""Which protocol a client's first bytes speak, and whether that fits what a listener speaks.

A protocol is a function in one of this folder's files: pure, bounded, and sure of itself only where
no other protocol begins so. `docs/openers.md` has what shows each.
"""

from portbook.model.traffic import Opener
from portbook.traffic.openers import (
    asn1,
    banners,
    brokers,
    commands,
    control,
    databases,
    datagrams,
    forwarded,
    http,
    mail,
    names,
    proxies,
    quic,
    sunrpc,
    tls,
    windows,
)
from portbook.traffic.openers.fitting import FAMILIES, fits
from portbook.traffic.openers.kind import Kind

KINDS: tuple[Kind, ...] = (
    *(*tls.KINDS, *banners.KINDS, *http.KINDS, *windows.KINDS, *proxies.KINDS, *databases.KINDS),
    *(*brokers.KINDS, *commands.KINDS, *mail.KINDS, *asn1.KINDS, *quic.KINDS, *datagrams.KINDS),
    *(*sunrpc.KINDS, *control.KINDS, *names.KINDS),
)
"""Every judge. For bytes that several find likely, the first one counts, unless a port decides."""

NAMES: tuple[str, ...] = tuple(
    sorted({FAMILIES.get(kind.name, kind.name) for kind in KINDS}),
)
"""The protocols that have a code: `FAMILIES` maps the names of near relatives to one of them."""

MOST_BYTES = 4096
"""How much of what a client said is looked at."""

_CODES = {name: 2 + at for at, name in enumerate(NAMES)}
_CODES |= {name: _CODES[family] for name, family in FAMILIES.items() if family in _CODES}


def _table(transport: str) -> tuple[tuple[Kind, ...], ...]:
    """For each first byte, the judges that may know it."""
    kinds = [kind for kind in KINDS if kind.transport == transport]
    return tuple(
        tuple(kind for kind in kinds if not kind.firsts or byte in kind.firsts)
        for byte in range(256)
    )


_TABLES = {transport: _table(transport) for transport in ("tcp", "udp")}
_FORWARDED = b"P\r"
_NOTHING = Opener(None, "guess")
_NEWLINES = Opener(None, "guess", (("request", "newlines"),))
# Words that scanners say to hear any answer at all. Other text is not told: it may be a password.
_WORDS = frozenset((b"HELP", b"HELLO", b"QUIT", b"EXIT", b"NOOP", b"STATUS", b"LOGOUT", b"?"))
_WEIGHTS = {"likely": 2, "guess": 0}


def recognise(transport: str, data: bytes, port: int) -> Opener:
    """What `data`, the first that a client said to `port`, speaks.

    Never raises, and takes time linear in `data`, of which 4,096 bytes count; it may be cut
    anywhere. `port` only decides between protocols that are equally likely.
    """
    if len(data) > MOST_BYTES:
        data = data[:MOST_BYTES]
    table = _TABLES.get(transport)
    if not data or table is None:
        return _NOTHING
    if data[0] in _FORWARDED:
        version, behind = forwarded.split(data)
        if version:
            inner = _judged(table, behind, port) if behind else _NOTHING
            return inner._replace(details=(("proxy-protocol", version), *inner.details))
    return _judged(table, data, port)


def _judged(table: tuple[tuple[Kind, ...], ...], data: bytes, port: int) -> Opener:
    best, heaviest = None, -1
    for kind in table[data[0]]:
        found = kind.judge(data)
        if found is None:
            continue
        if found.confidence == "certain":
            return found
        weight = _WEIGHTS[found.confidence] + (port in kind.ports)
        if weight > heaviest:
            best, heaviest = found, weight
    return best or _unknown(data)


def _unknown(data: bytes) -> Opener:
    words = data[:64].strip(b"\r\n ")
    if not words and not data.strip(b"\r\n"):
        return _NEWLINES
    if len(data) < 64 and words.upper() in _WORDS:
        return Opener(None, "guess", (("request", words.decode("ascii")),), shows=words)
    return _NOTHING


def code_of(protocol: str | None) -> int:
    """A small number for a protocol: 2 + its place in `NAMES`, and 1 for none that is known."""
    return 1 if protocol is None else _CODES.get(protocol, 1)


__all__ = ["FAMILIES", "KINDS", "MOST_BYTES", "NAMES", "code_of", "fits", "recognise"]
