"""HTTP/2 frames and header sections (RFC 9113, RFC 7541) for the judges of http2 and grpc."""

from portbook.identify.probe import Talk
from portbook.model.record import Record

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, CONTINUATION = 0, 1, 3, 4, 7, 9
_MOST_FRAMES = 256
_MOST_HEADERS = 8192
_GRPC = (b"application/grpc", bytes.fromhex("1d75d0620d263d4c4d6564"))
"""The content type in the clear and in the code of RFC 7541 appendix B."""


_PRODUCTS = {
    "apache": "Apache httpd",
    "caddy": "Caddy",
    "envoy": "Envoy",
    "hypercorn-h2": "Hypercorn",
    "jetty": "Jetty",
    "kestrel": "Kestrel",
}


class Frame(Record):
    """One frame of a connection."""

    kind: int
    flags: int
    stream: int
    payload: bytes


class Answer(Record):
    """What came on one stream: its header fields (None: undecoded), whether it was reset."""

    headers: tuple[tuple[str, str], ...] | None = None
    grpc: bool = False
    reset: bool = False
    came: bool = False

    def header(self, name: str) -> str:
        """The first value of a header, empty where there is none."""
        return next((value for key, value in self.headers or () if key == name), "")

    @property
    def software(self) -> tuple[str | None, str | None]:
        """Product and version of the Server header: `nginx/1.22.1` and the like."""
        server = self.header("server").partition(" ")[0].partition("(")[0]
        name, _, version = server.partition("/")
        if not name or len(name) > 60 or not server.isprintable():
            return None, None
        version = version.removeprefix("v")
        return _PRODUCTS.get(name.lower(), name), version if version[:1].isdigit() else None

    @property
    def shows(self) -> bytes:
        """The fields that tell something, for evidence."""
        names = (":status", "server", "content-type", "grpc-status")
        fields = (f"{key}: {value}" for key, value in self.headers or () if key in names)
        return "\n".join(fields).encode("latin-1", "replace")[:120]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame as it is sent."""
    head = len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4)
    return head + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b"")
ACKNOWLEDGED = frame(SETTINGS, 1, 0, b"")


def frames_of(data: bytes) -> list[Frame]:
    """The whole frames at the start of the data."""
    found: list[Frame] = []
    at = 0
    while at + 9 <= len(data) and len(found) < _MOST_FRAMES:
        size = int.from_bytes(data[at : at + 3])
        if at + 9 + size > len(data):
            break
        stream = int.from_bytes(data[at + 5 : at + 9]) & 0x7FFFFFFF
        payload = data[at + 9 : at + 9 + size]
        found.append(Frame(data[at + 3], data[at + 4], stream, payload))
        at += 9 + size
    return found


def greets(data: bytes, *, asked: bool) -> bool:
    """Whether a server's preface stands at the start: its SETTINGS (RFC 9113 section 3.4).

    Empty ones are eight zeros and a four: believed only where we `asked` for them.
    """
    size = int.from_bytes(data[:3])
    if len(data) < 9 or data[3:9] != b"\x04\0\0\0\0\0" or size % 6 or size > 120:
        return False
    payload = data[9 : 9 + size]
    if len(payload) < size:
        return False
    names = [int.from_bytes(payload[at : at + 2]) for at in range(0, size, 6)]
    return asked if not names else all(_is_setting(name) for name in names)


def _is_setting(name: int) -> bool:
    """Registered, experimental, or reserved to be ignored (`GREASE`)."""
    return 1 <= name <= 0x10 or name >= 0xF000 or name & 0x0F0F == 0x0A0A


def answer_on(talk: Talk, stream: int) -> Answer:
    """What the server sent on a stream so far, in all turns."""
    answer = Answer()
    sections: list[tuple[int, bytes]] = []
    for each in frames_of(b"".join(turn.received for turn in talk.turns)):
        if each.kind == HEADERS:
            sections.append((each.stream, _bare(each)))
            answer = answer._replace(came=answer.came or each.stream == stream)
        elif each.kind == RST_STREAM and each.stream == stream:
            answer = answer._replace(reset=True)
    if not answer.came:
        return answer
    grpc = any(sign in block for at, block in sections if at == stream for sign in _GRPC)
    headers = _decoded(sections, stream)
    if headers is not None:
        answer = answer._replace(headers=headers)
        grpc = answer.header("content-type").startswith("application/grpc") or bool(
            answer.header("grpc-status")
        )
    return answer._replace(grpc=grpc)


def _bare(each: Frame) -> bytes:
    """The field block of a HEADERS frame without padding and priority."""
    block = each.payload
    if each.flags & 0x08:
        block = block[1 : max(1, len(block) - (block[0] if block else 0))]
    return block[5:] if each.flags & 0x20 else block


def _decoded(sections: list[tuple[int, bytes]], stream: int) -> tuple[tuple[str, str], ...] | None:
    """The header fields of a stream; None where they cannot be read, or hpack is missing."""
    try:
        from hpack import Decoder, HPACKError
    except ImportError:
        return None
    decoder = Decoder(_MOST_HEADERS)
    found: list[tuple[str, str]] = []
    # One compression state for the connection: every block before counts too.
    for at, block in sections:
        try:
            fields = decoder.decode(block[:_MOST_HEADERS], raw=True)
        except (HPACKError, ValueError, IndexError):
            return tuple(found) or None
        if at == stream:
            found += [(_text(name), _text(value)) for name, value, *_ in fields]
    return tuple(found)


def _text(data: bytes | str) -> str:
    text = data if isinstance(data, str) else bytes(data).decode("latin-1")
    return text[:200]
