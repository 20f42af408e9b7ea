"""MySQL, MariaDB and what is compatible with them: the server greets with its version and salt."""

from portbook.identify.probe import Found, More, Probe, StartTls, Talk

# A word in the version string, and the product whose own number follows it or stands before it.
_AFTER = ((b"-TiDB-v", "TiDB"), (b"-OceanBase-v", "OceanBase"), (b"-maxscale", "MariaDB MaxScale"))
_BEFORE = ((b"-MariaDB", "MariaDB"), (b"-id64-", "Sphinx"), (b"-id32-", "Sphinx"))
_AROUND = ((b"itess", "Vitess"), (b"ProxySQL", "ProxySQL"), (b"columnar", "Manticore Search"))
_REFUSALS = (
    (1040, b"Too many connections", "has too many connections"),
    (1129, b" is blocked because of many connection errors", "blocks this host"),
    (1130, b" is not allowed to connect to this M", "does not let this host in"),
)
_SSL = 0x0800
# A packet of 32 bytes, number 1: the capabilities SSL, protocol 4.1 and secure connection, the
# longest packet, the character set utf8mb4, and zeros. No user is named.
_SSL_REQUEST = b"\x20\0\0\x01" + b"\0\x8a\0\0" + b"\0\0\0\x01" + b"\x2d" + bytes(23)


def judge(talk: Talk) -> Found | More | StartTls | None:
    """The greeting (protocol 10), or the error that refuses before one.

    Where the greeting offers TLS it is followed: the request has no answer but the handshake.
    """
    word = _first(talk)
    if len(talk.turns) > 1:
        # The greeting was whole, or nothing would have followed it.
        return word if isinstance(word, Found) and not talk.reply else None
    offers = isinstance(word, Found) and "offers TLS" in word.notes
    if isinstance(word, Found) and offers and not (talk.opener or talk.secure or talk.closed):
        return StartTls(word, _SSL_REQUEST)
    return word


def _first(talk: Talk) -> Found | More | None:
    reply = talk.first
    if talk.transport != "tcp" or len(reply) < 5 or reply[3] != 0:
        return None
    length = int.from_bytes(reply[:3], "little")
    packet = reply[4 : 4 + length]
    if not 8 <= length <= 400 or packet[0] not in (10, 255):
        return None
    if packet[0] == 255:
        return _refusal(packet) if len(packet) == length else None
    if len(packet) == length:
        return _greeting(packet)
    begun = packet[1:2].isdigit() and b"." in packet[1:5] and not talk.ended
    return More(Found("mysql", "likely", shows=packet[:40])) if begun else None


def _greeting(packet: bytes) -> Found | None:
    text, end, rest = packet[1:].partition(b"\0")
    # Thread, salt and a zero; flags, character set, status, flags; salt length, then ten reserved.
    if not end or len(rest) < 31 or rest[12] != 0 or not text[:1].isdigit() or b"." not in text:
        return None
    if any(not 32 <= byte < 127 for byte in text) or any(rest[21:27]) or rest[20] > 64:
        return None
    flags = int.from_bytes(rest[13:15], "little")
    product, version = _named(text)
    notes = ("offers TLS",) if flags & _SSL else ()
    return Found("mysql", "certain", product, version, text, notes)


def _named(text: bytes) -> tuple[str, str | None]:
    # MariaDB puts this before its own number, for clients that take the first digit seriously.
    text = text.removeprefix(b"5.5.5-")
    for sign, product in _AFTER:
        before, found, after = text.partition(sign)
        if found:
            return product, _number(after) or _number(before.rpartition(b" ")[2])
    for sign, product in (*_BEFORE, *_AROUND):
        if sign in text:
            return product, _number(text)
    return "MySQL", _number(text)


def _number(text: bytes) -> str | None:
    end = 0
    while end < min(len(text), 24) and (text[end : end + 1].isdigit() or text[end] == 0x2E):
        end += 1
    return text[:end].decode("ascii").strip(".") or None


def _refusal(packet: bytes) -> Found | None:
    code = int.from_bytes(packet[1:3], "little")
    text = packet[9:] if packet[3:4] == b"#" else packet[3:]
    for number, words, note in _REFUSALS:
        if code == number and words in text:
            product = "MariaDB" if b"MariaDB server" in text else None
            return Found("mysql", "certain", product, None, text[:80], (note,))
    return None


PROBE = Probe(
    name="mysql",
    title="MySQL / MariaDB",
    source="MySQL Internals Manual, Protocol::HandshakeV10",
    services=("mysql",),
    ports=(3306,),
    programs=(
        *("mariadbd", "mysqld", "mariadb-server", "mysql-server", "mariadb", "mysql", "proxysql"),
        *("maxscale", "tidb-server", "vtgate"),
    ),
    speaks_first=True,
    reacts_to=("http", "redis"),
    judge=judge,
)
