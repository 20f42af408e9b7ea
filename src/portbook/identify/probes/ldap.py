"""LDAP: the client searches the root of the directory, which tells what the server can do."""

from collections.abc import Iterator

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk

_START_TLS = b"1.3.6.1.4.1.1466.20037"
_DISCONNECTED = b"1.3.6.1.4.1.1466.20036"
_ACTIVE_DIRECTORY = b"1.2.840.113556.1.4.800"
_VENDORS = (
    (b"389 Project", "389 Directory Server"),
    (b"Samba Team", "Samba"),
    (b"Apache Software Foundation", "ApacheDS"),
    (b"ForgeRock", "ForgeRock Directory Services"),
    (b"Oracle", "Oracle Directory Server"),
    (b"NetIQ", "NetIQ eDirectory"),
    (b"Novell", "Novell eDirectory"),
    (b"International Business Machines", "IBM Security Directory Server"),
)
_ENTRY, _DONE, _EXTENDED = 0x64, 0x65, 0x78
_MOST_VALUES = 400


def _tlv(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


# Scope base of the empty name, no aliases followed, no limits, (objectClass=*), these attributes.
_ATTRIBUTES = (
    *(b"objectClass", b"vendorName", b"vendorVersion", b"supportedExtension"),
    b"supportedCapabilities",
)
_SEARCH = _tlv(
    0x30,
    b"\x02\x01\x01"
    + _tlv(
        0x63,
        b"\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00\x87\x0bobjectClass"
        + _tlv(0x30, b"".join(_tlv(4, name) for name in _ATTRIBUTES)),
    ),
)
_UPGRADE = _tlv(0x30, b"\x02\x01\x02" + _tlv(0x77, _tlv(0x80, _START_TLS)))


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """The entry and the end of a search with our message number; then StartTLS, if offered."""
    if talk.transport != "tcp":
        return None
    found, extensions, done = _searched(talk.first, asked=talk.opener == "ldap")
    if found is None:
        cut = talk.opener == "ldap" and talk.first[:1] == b"\x30" and len(talk.first) < 12
        return More() if cut and not talk.ended else None
    if len(talk.turns) == 1:
        if not done:
            return found if talk.ended else More(found)
        if _START_TLS in extensions and not talk.secure:
            return Send(_UPGRADE, found._replace(notes=(*found.notes, "offers StartTLS")))
        return found
    if len(talk.turns) == 2 and _agreed(talk.reply):
        return StartTls(found)
    return found


def _searched(reply: bytes, *, asked: bool) -> tuple[Found | None, set[bytes], bool]:
    """What the search told, the extensions it named, and whether it is over."""
    values: dict[bytes, set[bytes]] = {}
    found: Found | None = None
    for number, tag, start, end, whole in _messages(reply):
        if tag == _EXTENDED and number == 0 and _DISCONNECTED in reply[start:end]:
            said = Found(
                "ldap", "certain", shows=_DISCONNECTED, notes=("refuses what it was sent",)
            )
            return said, set(), True
        if number != 1 or tag not in (_ENTRY, _DONE) or not asked:
            return found, set(), True
        if tag == _DONE:
            code = reply[start + 2 : start + 3]
            if reply[start : start + 2] != b"\x0a\x01" or not code:
                return found, set(), True
            if found is None:
                notes = ("refuses anonymous searches",) if code[0] else ()
                found = Found("ldap", "certain", shows=reply[:40], notes=notes)
            return found, values.get(b"supportedextension", set()), True
        # The name of the root is empty.
        if reply[start : start + 2] != b"\x04\x00":
            return found, set(), True
        if whole:
            values = _attributes(reply, start + 2, end)
        found = _named(values, reply)
    return found, set(), False


def _named(values: dict[bytes, set[bytes]], reply: bytes) -> Found:
    vendor = next(iter(values.get(b"vendorname", ())), b"")
    said = next(iter(values.get(b"vendorversion", ())), b"")
    product = next((name for sign, name in _VENDORS if sign in vendor), None)
    if product is None and b"OpenLDAProotDSE" in values.get(b"objectclass", ()):
        product = "OpenLDAP"
    elif product is None and _ACTIVE_DIRECTORY in values.get(b"supportedcapabilities", ()):
        product = "Active Directory"
    elif product is None and vendor:
        product = vendor[:60].decode("utf-8", "replace").strip() or None
    words = said[:80].replace(b"/", b" ").split()
    numbers = [word for word in words if word[:1].isdigit() and b"." in word]
    version = numbers[0].decode("ascii", "replace") if numbers else None
    shows = (vendor + b" " + said).strip() or (product or "").encode() or reply[:40]
    return Found("ldap", "certain", product, version, shows[:80])


def _agreed(reply: bytes) -> bool:
    """An ExtendedResponse to our second message with resultCode 0."""
    return any(
        number == 2 and tag == _EXTENDED and reply[start : start + 3] == b"\x0a\x01\x00"
        for number, tag, start, _, _ in _messages(reply[:4096])
    )


def _messages(reply: bytes) -> Iterator[tuple[int, int, int, int, bool]]:
    """Each LDAPMessage: its number, the operation's tag, start and end, and whether it is whole."""
    at = 0
    for _ in range(8):
        message = _head(reply, at)
        if message is None or message[0] != 0x30:
            return
        _, start, end = message
        number = _head(reply, start)
        if number is None or number[0] != 2 or not 1 <= number[2] - number[1] <= 4:
            return
        operation = _head(reply, number[2])
        if operation is None or operation[2] > end:
            return
        value = int.from_bytes(reply[number[1] : number[2]])
        yield value, operation[0], operation[1], operation[2], end <= len(reply)
        at = end


def _attributes(reply: bytes, at: int, end: int) -> dict[bytes, set[bytes]]:
    """PartialAttributeList: a sequence of (type, set of values); types in lower case."""
    found: dict[bytes, set[bytes]] = {}
    outer = _head(reply, at)
    if outer is None or outer[2] > end:
        return found
    at, seen = outer[1], 0
    while at < outer[2] and seen < _MOST_VALUES:
        pair = _head(reply, at)
        name = _head(reply, pair[1]) if pair else None
        values = _head(reply, name[2]) if name else None
        if pair is None or name is None or values is None or pair[2] > outer[2]:
            return found
        kept = found.setdefault(reply[name[1] : name[2]].lower(), set())
        inner = values[1]
        while inner < min(values[2], pair[2]) and seen < _MOST_VALUES:
            value = _head(reply, inner)
            if value is None:
                return found
            kept.add(reply[value[1] : value[2]])
            inner, seen = value[2], seen + 1
        at, seen = pair[2], seen + 1
    return found


def _head(data: bytes, at: int) -> tuple[int, int, int] | None:
    """A BER element's tag, and where its content starts and ends."""
    if len(data) < at + 2:
        return None
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or len(data) < start + size:
            return None
        length, start = int.from_bytes(data[start : start + size]), start + size
    return tag, start, start + length


PROBE = Probe(
    name="ldap",
    title="LDAP",
    source="RFC 4511 sections 4.5 and 4.14, RFC 4512 section 5.1",
    services=("ldap", "ldaps", "msft-gc", "msft-gc-ssl"),
    ports=(389, 3268),
    secure_ports=(636, 3269),
    programs=("slapd", "ns-slapd", "389-ds-base", "389-ds", "opendj", "glauth", "lldap"),
    commands=("org.apache.directory.server", "org.opends.server"),
    opener=_SEARCH,
    judge=judge,
)
