"""HTTP/1 requests and what is shaped like them: HTTP/2's preface, RTSP, SIP and SSDP.

RFC 9112 (3, 9.3.6), RFC 9113 (3.4), RFC 6455 (4.1), RFC 2326 and 7826, RFC 3261 (7.1), UPnP Device
Architecture 2.0 (1.3.2).
"""

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, text
from portbook.traffic.openers.programs import told

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_METHODS = frozenset(
    (
        *(b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"TRACE", b"PATCH"),
        *(b"PROPFIND", b"PROPPATCH", b"MKCOL", b"COPY", b"MOVE", b"LOCK", b"UNLOCK", b"REPORT"),
        *(b"SEARCH", b"SUBSCRIBE", b"SOURCE", b"PURGE", b"TRACK", b"DEBUG"),
    )
)
_VERSIONS = (b" HTTP/1.1", b" HTTP/1.0")
_LONGEST_METHOD = 24
_CAPITALS = bytes(range(ord("A"), ord("Z") + 1))


def _first(data: bytes) -> tuple[bytes, bytes, bool]:
    """A request line: its method, the line without its end, and whether it is whole."""
    end = data.find(b"\n")
    whole = end >= 0
    words = data[:end].rstrip(b"\r") if whole else data
    space = words.find(b" ", 0, _LONGEST_METHOD + 1)
    return words[: max(space, 0)], words, whole


def _field(head: bytes, lower: bytes, name: bytes) -> bytes | None:
    """The value of a header: `lower` is `head` in small letters, `name` has newline and colon."""
    at = lower.find(name)
    if at < 0:
        return None
    at += len(name)
    end = head.find(b"\n", at)
    return (head[at:] if end < 0 else head[at:end]).strip()


def judge_http(data: bytes) -> Opener | None:
    """A request line that ends in HTTP/1.x is certain; a known method alone is likely."""
    known = data[: data.find(b" ", 0, _LONGEST_METHOD)] in _METHODS
    if not known and b" HTTP/1." not in data:
        return None
    method, words, whole = _first(data)
    if not known and not (method and _token(method)):
        return None
    if words.startswith(b"CONNECT {"):
        return None  # NATS.
    if whole:
        version = words[-9:]
        if version in _VERSIONS:
            return _request(method, words, data, "certain")
        if not known or b" HTTP/" in version:
            return None
    if known and _target(method, words[len(method) + 1 :]):
        return _request(method, words, data, "likely")
    return None


def _token(method: bytes) -> bool:
    return method.replace(b"-", b"").isalpha() and method.isupper()


def _target(method: bytes, rest: bytes) -> bool:
    """Whether it is a request target, or begins as one, where no version follows it."""
    target, space, version = rest.partition(b" ")
    if space and not b"HTTP/1.".startswith(version[:7]):
        return False
    if target.startswith((b"/", b"http://", b"https://")):
        return True
    if method == b"CONNECT":
        return b":" in target and target.rpartition(b":")[2].isdigit()
    return method == b"OPTIONS" and target == b"*"


def _request(method: bytes, words: bytes, data: bytes, sure: str) -> Opener:
    end = data.find(b"\r\n\r\n")
    head = data if end < 0 else data[: end + 2]
    lower = head.lower()
    details = [("request", text(words))]
    host, agent = _field(head, lower, b"\nhost:"), _field(head, lower, b"\nuser-agent:")
    if host is not None:
        details.append(("host", text(host)))
    elif end >= 0 or b"\n\n" in data:
        details.append(("host", "none"))
    target = words[len(method) + 1 :]
    if method == b"CONNECT" or target.startswith((b"http://", b"https://")):
        details.append(("form", "proxy"))
    if agent is not None:
        details.append(("user-agent", text(agent)))
    if upgrade := _field(head, lower, b"\nupgrade:"):
        details.append(("upgrade", text(upgrade)))
    tool = told(agent) if agent else None
    return Opener("http", sure, tuple(details), tool, words[:64])


def judge_http2(data: bytes) -> Opener | None:
    """The connection preface, or at least its first line."""
    if data.startswith(_PREFACE) or (len(data) >= 14 and _PREFACE.startswith(data)):
        return Opener("http2", "certain", (("form", "prior knowledge"),), shows=data[:24])
    return None


def judge_rtsp(data: bytes) -> Opener | None:
    """A request line that ends in RTSP/1.0 or RTSP/2.0."""
    return _alike("rtsp", (b" RTSP/1.0", b" RTSP/2.0"), data)


def judge_sip(data: bytes) -> Opener | None:
    """A request line that ends in SIP/2.0."""
    return _alike("sip", (b" SIP/2.0",), data)


def _alike(name: str, versions: tuple[bytes, ...], data: bytes) -> Opener | None:
    if versions[0] not in data and versions[-1] not in data:
        return None
    method, words, whole = _first(data)
    if not whole or not method or not words.endswith(versions) or not _token(method):
        return None
    lower = data.lower()
    details = [("request", text(words))]
    agent = _field(data, lower, b"\nuser-agent:")
    if agent is not None:
        details.append(("user-agent", text(agent)))
    return Opener(name, "certain", tuple(details), told(agent) if agent else None, words[:64])


def judge_ssdp(data: bytes) -> Opener | None:
    """A search or an announcement: M-SEARCH or NOTIFY for all (`*`) in a datagram."""
    if not data.startswith((b"M-SEARCH * HTTP/1.1\r\n", b"NOTIFY * HTTP/1.1\r\n")):
        return None
    lower = data.lower()
    details = [("request", text(data[: data.find(b"\r")]))]
    for name in (b"\nst:", b"\nnt:"):
        value = _field(data, lower, name)
        if value:
            details.append(("target", text(value)))
    return Opener("ssdp", "certain", tuple(details), shows=data[:19])


_RTSP_PORTS, _SIP_PORTS = (554, 8554), (5060, 5061)
KINDS = (
    Kind("http", "tcp", judge_http, _CAPITALS, (80, 8080, 8000, 8888, 3000, 3128)),
    Kind("http2", "tcp", judge_http2, b"P", (80, 8080, 50051)),
    Kind("rtsp", "tcp", judge_rtsp, _CAPITALS, _RTSP_PORTS),
    Kind("sip", "tcp", judge_sip, _CAPITALS, _SIP_PORTS),
    Kind("sip", "udp", judge_sip, _CAPITALS, _SIP_PORTS),
    Kind("ssdp", "udp", judge_ssdp, b"MN", (1900,)),
)
