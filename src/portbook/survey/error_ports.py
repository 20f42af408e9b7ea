"""Where in a line of output a port stands, in the ways that programs write it. Pure."""

import re

from portbook.model.port import LAST_PORT
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Place(Record):
    """A port, and the address beside it; None where none is named, or every one is meant."""

    port: int
    address: str | None


_THOUSANDS = r"[1-9][0-9]?,[0-9]{3}(?![0-9,])"
_N = rf"(?P<port>{_THOUSANDS}|[0-9]{{1,5}}(?![0-9])(?!,[0-9]{{3}}(?![0-9])))"
"""A port, also as `8,080`: never the 8 of it."""
_V4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_QUOTE = "[\"'`]?"

_PAIR = rf"\(\s?[\"']?(?P<host>[^\"'()\s,]{{0,64}})[\"']?,\s?{_N}"
_BEHIND = (
    r"(?:in use|denied|not available|requested address|EADDRINUSE|EACCES|EADDRNOTAVAIL)"
    rf":?\s{{1,3}}(?P<host>[^\s,;()]{{0,64}}?):{_N}(?![:.\w])"
)
_LISTEN = rf"\b(?:tcp|udp)[46]?:?\s{{1,3}}(?P<host>[^\s]{{0,64}}?):{_N}(?![.\]\w]|:[0-9a-f])"
_IS = rf"(?: number)?{_QUOTE}\s{{0,2}}[:=,]?\s{{0,2}}[\"'`(\[{{]{{0,2}}"
_SEVERAL = r"(?:s|\(s\))(?![a-z])" + _IS + r"(?P<port>[0-9]{1,5})(?![.:]?[0-9])"
"""What follows `port` where it is a list, in which a comma is no thousands separator."""
_ONE = r"(?![a-z(])" + _IS + _N + r"(?![.:]?[0-9])"
_PORT = r"(?:(?<![A-Za-z])port|Port|PORT)"
_OWN_PORT = r"(?<![A-Za-z0-9_])(?:port|Port|PORT)"
"""Not `DB_PORT`: in a line that complains of nothing that is somebody else's."""
_FRONT = (
    rf"(?<![^\s\"'`])(?<!line ){_N}:\s{{1,2}}"
    r"(?:address (?:is )?already in use|EADDRINUSE|EACCES|permission denied)"
)
_LAST = rf"\bin use:\s{{1,2}}{_N}(?=\s{{0,2}}(?:[;,)]|$))"
_RANGE = re.compile(
    r"\bports?\b(?: in| between| from)?(?: the)?(?: range)?[:=]?\s{0,2}[\"'`(\[]?"
    r"(?P<port>[0-9]{1,5})\s?(?:-|\u2013|\.\.|to|and)\s?(?P<last>[0-9]{1,5})(?![0-9.:])",
    re.IGNORECASE | re.ASCII,
)
_FEW = 3
"""Ports that are told of a range."""
_BRACKET = rf"\[(?P<host>[0-9A-Za-z:.%_-]{{2,64}})\]:\[?{_N}"
_IPV4 = rf"(?<![0-9.])(?P<host>{_V4}):\[?{_N}(?!\.[0-9])"
_STAR = rf"(?<![\w:*])(?P<host>\*|localhost|::|::1):{_N}"
_URL = rf"://(?P<host>[\w.-]{{1,80}}):{_N}"
_CONNECTOR = rf"-(?:nio2?|apr|bio|exec)-(?:[\w.%]{{1,60}}-)?{_N}"
_NAMED = (
    r"\b(?:bind|listen|listening|address|socket|on|to|for)\s{1,2}(?:on\s|to\s)?"
    rf"{_QUOTE}(?P<host>[A-Za-z][\w.-]{{0,80}}):{_N}"
)
_COLON = rf"(?<![^\s(\[=]):{_N}(?!:[0-9])"
_TRIED = rf"\btried {_N}"
_OPTION = (
    r"(?:http\.server|SimpleHTTPServer|runserver|(?<!\S)-p|(?<!\S)-l|(?<!\S)-S|--listen|--bind)"
    rf"[ =]{{1,2}}(?:(?P<host>[\w.\[\]:-]{{1,64}}?):)?{_N}"
)


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE | re.ASCII) for pattern in patterns)


_IN = (
    *_compiled(_PAIR, _BEHIND, _LISTEN, _TRIED, _LAST, _FRONT),
    *(re.compile(_PORT + rest, re.ASCII) for rest in (_ONE, _SEVERAL)),
    *_compiled(_BRACKET, _IPV4, _STAR, _URL, _CONNECTOR, _NAMED, _COLON),
)
"""The surest first."""
_NEARBY = (
    *_compiled(_PAIR, _LISTEN),
    *(re.compile(_OWN_PORT + rest, re.ASCII) for rest in (_ONE, _SEVERAL)),
    *_compiled(_BRACKET, _IPV4, _STAR, _URL, _CONNECTOR, _OPTION),
)
_DEBUGGER = _compiled(rf"\baddress=(?:(?P<host>[\w.*\[\]:-]{{1,64}}?):)?{_N}")
_ELSEWHERE = (
    *("connected", "connecting", "connect to", "upstream", "database", "proxy", "trying"),
    *("admin", "metrics", "push", "health", "telemetry", "prometheus", "exporter", "webhook"),
    *("debugger", "inspector", "address=", " -> ", "->"),
)
"""Words of lines whose number is that of somebody else."""
_SERVES = ("://", "listening", "started", "ready", "running", "instead", "using")
"""Words of lines after an error: of a page to read, or of a server that has its port."""
_OTHERS = re.compile(
    r"\b(?:db|redis|postgres\w{0,4}|pg|mysql|mongo\w{0,2}|smtp|amqp|cache|broker|debug)"
    r"[._ -](?:server[._ -])?(?:port|host|ur[il])",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    rf"(?<![0-9.]){_V4}(?![0-9.])|\[[0-9a-fA-F.]{{0,4}}:[0-9a-fA-F:.]{{1,45}}\]", re.ASCII
)
_UDP = re.compile(r"\budp[46]?\b|datagram", re.IGNORECASE)
_TCP = re.compile(r"\btcp[46]?\b", re.IGNORECASE)


def places_in(line: str) -> tuple[Place, ...]:
    """The port that a line complains of, or the first few of a range."""
    for found in _RANGE.finditer(line):
        first, last = int(found["port"]), int(found["last"])
        if 0 < first < last <= LAST_PORT:
            address = _address(None, line)
            return tuple(Place(port, address) for port in range(first, last + 1)[:_FEW])
    place = _first(_IN, line)
    return () if place is None else (place,)


def place_near(line: str, *, after: bool = False, debugger: bool = False) -> Place | None:
    """A port in a line that complains of nothing, such as `Listening on 127.0.0.1:8000`.

    Args:
        line: the line.
        after: it follows the error.
        debugger: the error is of a Java debugger, whose address is given in a way of its own.
    """
    if debugger:
        return _first(_DEBUGGER, line)
    lower = line.lower()
    if any(word in lower for word in _ELSEWHERE) or _OTHERS.search(line):
        return None
    if after and any(word in lower for word in _SERVES):
        return None
    return _first(_NEARBY, line)


def _first(patterns: "Iterable[re.Pattern[str]]", line: str) -> Place | None:
    if not any(map(str.isdigit, line)):
        return None
    for pattern in patterns:
        for found in pattern.finditer(line):
            port = int(found["port"].replace(",", ""))
            if 0 < port <= LAST_PORT:
                host = found.groupdict().get("host")
                return Place(port, _address(host, line))
    return None


def _address(host: str | None, line: str) -> str | None:
    """The address as the socket table writes it; the only one of the line where none is beside."""
    if host is None:
        others = {each.strip("[]") for each in _ADDRESS.findall(line)}
        return others.pop() if len(others) == 1 else None
    text = host.rpartition("://")[2].rpartition("/")[2].strip("[]\"'`")
    return None if text in ("", "*") else text


def transport_in(line: str, port: int) -> str:
    """`udp` where the line says so, else `tcp`, which hardly any program names."""
    if f"{port}/udp" in line:
        return "udp"
    return "udp" if _UDP.search(line) and not _TCP.search(line) else "tcp"
