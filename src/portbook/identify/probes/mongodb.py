"""MongoDB and what is compatible with it: OP_MSG, client first."""

from portbook.identify.probe import Again, Found, More, Probe, Send, Talk

_OP_MSG = 2013


def _message(number: int, command: bytes) -> bytes:
    """OP_MSG with one section, the document {command: 1, $db: "admin"}."""
    elements = b"\x10" + command + b"\0\1\0\0\0" + b"\x02$db\0\6\0\0\0admin\0"
    document = (len(elements) + 5).to_bytes(4, "little") + elements + b"\0"
    head = (21 + len(document), number, 0, _OP_MSG)
    return b"".join(each.to_bytes(4, "little") for each in head) + b"\0" * 5 + document


_HELLO, _BUILD = _message(1, b"hello"), _message(2, b"buildInfo")
_TO_BROWSERS = b"It looks like you are trying to access MongoDB over HTTP on the native driver port"
_PRODUCTS = (
    (b"\x02psmdbVersion\0", "Percona Server for MongoDB"),
    (b"ferretdb", "FerretDB"),
)


def judge(talk: Talk) -> Found | More | Send | Again | None:
    """An OP_MSG in reply to our `hello`, whatever it says; then `buildInfo` for the version."""
    if talk.transport != "tcp":
        return None
    reply = talk.first
    if (
        len(talk.turns) == 1
        and reply.startswith(b"HTTP/1.0 200 OK\r\n")
        and b"\r\n\r\n" + _TO_BROWSERS in reply[:512]
    ):
        return Again(_HELLO, Found("mongodb", "certain", "MongoDB", shows=_TO_BROWSERS))
    if talk.opener != "mongodb":
        return None
    document = _document(reply, 1)
    if document is None:
        begun = reply[8:16] in (b"\1\0\0\0\xdd\7\0\0", b"") and reply[2:4] == b"\0\0"
        return More() if begun and not talk.ended else None
    router = b"\x02msg\0\x09\0\0\0isdbgrid\0" in document[:2048]
    notes = ("runs as a mongos router",) if router else ()
    found = Found("mongodb", "certain", shows=document[4:64], notes=notes)
    return Send(_BUILD, found) if len(talk.turns) == 1 else _build(talk, found)


def _build(talk: Talk, found: Found) -> Found | More:
    document = _document(talk.reply, 2)
    if document is None:
        return found if talk.ended else More(found)
    text = document[:8192]
    product = next((name for sign, name in _PRODUCTS if sign in text), "MongoDB")
    version = _text(text, b"\x02version\0")
    shows = f"version {version}".encode() if version else found.shows
    return found._replace(product=product, version=version, shows=shows)


def _document(reply: bytes, answered: int) -> bytes | None:
    """The document of an OP_MSG that answers our message of that number; None if it is not one."""
    size, _, to, operation = (int.from_bytes(reply[at : at + 4], "little") for at in (0, 4, 8, 12))
    inner = int.from_bytes(reply[21:25], "little")
    # Flags may ask for a checksum after it; the kind of the first section is 0.
    fits = inner + 21 <= size <= inner + 25 and 26 <= size <= len(reply)
    if not fits or to != answered or operation != _OP_MSG or reply[20] != 0:
        return None
    return reply[21 : 21 + inner]


def _text(document: bytes, key: bytes) -> str | None:
    at = document.find(key)
    if at < 0:
        return None
    at += len(key)
    length = int.from_bytes(document[at : at + 4], "little")
    if not 1 < length <= 40:
        return None
    return document[at + 4 : at + 3 + length].decode("utf-8", "replace").strip() or None


PROBE = Probe(
    name="mongodb",
    title="MongoDB",
    source="MongoDB Wire Protocol (OP_MSG), commands hello and buildInfo",
    services=("mongodb",),
    ports=(27017, 27018, 27019),
    programs=("mongod", "mongos", "mongodb", "mongodb-org-server", "ferretdb", "nx-27017"),
    commands=("nx_27017", "nx-27017"),
    opener=_HELLO,
    reacts_to=("http",),
    judge=judge,
)
