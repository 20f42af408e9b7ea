"""Databases: PostgreSQL, MySQL, Microsoft SQL Server, Oracle, MongoDB, Cassandra.

PostgreSQL manual (Message Formats), MySQL internals (Connection Phase), MS-TDS (2.2.6.5, 2.2.6.4),
Oracle Net (TNS connect packet, as seen on the wire), MongoDB wire protocol, Cassandra
native_protocol_v4.spec. Names of users and databases are told, passwords never.
"""

import re

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, text

_PG_REQUESTS = {80877102: "cancel", 80877103: "SSLRequest", 80877104: "GSSENCRequest"}
_PG_VERSION = 3
_PROTOCOL_41, _SSL = 0x0200, 0x0800
_CONNECT_DATA = re.compile(rb"\((SERVICE_NAME|SID|COMMAND)=([^()]{1,128})\)", re.IGNORECASE)
_MONGO = {2004: "OP_QUERY", 2010: "OP_COMMAND", 2012: "OP_COMPRESSED", 2013: "OP_MSG"}
_LARGEST_MESSAGE = 48_000_000
_CQL = {1: "STARTUP", 5: "OPTIONS"}


def judge_postgresql(data: bytes) -> Opener | None:
    """A length and a code: a startup with the user's name, or one of three requests."""
    if len(data) < 8 or data[0] != 0:
        return None
    length, code = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
    asked = _PG_REQUESTS.get(code)
    if asked is not None:
        if not (length == 8 or (asked == "cancel" and 16 <= length <= 268)):
            return None
        return Opener("postgresql", "certain", (("request", asked),), shows=data[:8])
    if code >> 16 != _PG_VERSION or not 9 <= length <= 10_000:
        return None
    words = data[8:length].split(b"\0", 33)
    pairs = dict(zip(words[::2], words[1::2], strict=False))
    if b"user" not in pairs:
        return None
    names = (b"user", b"database", b"application_name")
    told = tuple((text(name), text(pairs[name])) for name in names if pairs.get(name))
    return Opener("postgresql", "certain", told, shows=data[:16])


def judge_mysql(data: bytes) -> Opener | None:
    """The answer to a server's greeting: packet 1, abilities, a character set, 19 zeros."""
    if len(data) < 36 or data[3] != 1 or any(data[13:32]):
        return None
    length = int.from_bytes(data[:3], "little")
    abilities, largest = int.from_bytes(data[4:8], "little"), int.from_bytes(data[8:12], "little")
    # A server or a client of MySQL never takes packets of more than 1 GiB.
    if not abilities & _PROTOCOL_41 or largest > 1 << 30 or not 32 <= length <= 1 << 16:
        return None
    if length == 32:
        if not abilities & _SSL:
            return None
        return Opener("mysql", "certain", (("request", "SSLRequest"),), shows=data[:36])
    user = data[36:100].split(b"\0", 1)[0]
    return Opener("mysql", "certain", (("user", text(user)),) if user else (), shows=data[:13])


def judge_mssql(data: bytes) -> Opener | None:
    """TDS: a prelogin whose first option is the version, or a login of version 7."""
    if len(data) < 13 or data[0] not in (0x10, 0x12) or data[1] > 1 or data[4:6] != b"\0\0":
        return None
    length = data[2] << 8 | data[3]
    if data[0] == 0x12:
        offset = data[9] << 8 | data[10]
        # Each option takes five bytes before the first value: so many bytes, and an end.
        if data[8] != 0 or data[11:13] != b"\0\6" or offset % 5 != 1 or offset + 8 > length:
            return None
        return Opener("mssql", "certain", (("request", "prelogin"),), shows=data[:13])
    if len(data) < 16 or int.from_bytes(data[8:12], "little") != length - 8 or data[15] > 0x74:
        return None
    return Opener("mssql", "certain", (("request", "login"),), shows=data[:16])


def judge_oracle(data: bytes) -> Opener | None:
    """A TNS connect packet: versions about 300, and where its connect data lie."""
    if len(data) < 28 or data[4] != 1 or data[2:4] != b"\0\0" or data[6:8] != b"\0\0":
        return None
    length, version, oldest = (data[at] << 8 | data[at + 1] for at in (0, 8, 10))
    said, offset = (data[at] << 8 | data[at + 1] for at in (24, 26))
    if not (300 <= version <= 330 and 256 <= oldest <= version and 26 <= offset <= 128):
        return None
    if length not in (offset, offset + said):
        return None
    found = _CONNECT_DATA.search(data, offset)
    details = ((text(found[1]).lower(), text(found[2])),) if found else ()
    return Opener("oracle", "certain", details, shows=data[:12])


def judge_mongodb(data: bytes) -> Opener | None:
    """A header whose operation is a question, no answer; and the command that it asks for."""
    if len(data) < 16 or data[14:16] != b"\0\0" or any(data[8:12]):
        return None
    length = int.from_bytes(data[:4], "little")
    name = _MONGO.get(int.from_bytes(data[12:16], "little"))
    if name is None or not 21 <= length <= _LARGEST_MESSAGE or len(data) > length + 16:
        return None
    details = [("operation", name)]
    if name == "OP_MSG":
        if len(data) > 20 and data[20] > 1:
            return None
        body = data[26:90]
    else:
        at = data.find(b"\0", 20, 160)
        body = data[at + 14 : at + 78] if at > 0 else b""
        if name == "OP_QUERY" and b"." not in data[20:at]:
            return None
    command = body.split(b"\0", 1)[0]
    if command.isalnum():
        details.append(("command", text(command)))
    return Opener("mongodb", "certain", tuple(details), shows=data[:16])


def judge_cassandra(data: bytes) -> Opener | None:
    """A frame of CQL: OPTIONS without a body, or STARTUP with a version of CQL."""
    if len(data) < 9 or data[0] not in (3, 4, 5, 0x41, 0x42) or data[1] & 0xE1:
        return None
    name, length = _CQL.get(data[4]), int.from_bytes(data[5:9], "big")
    if name is None:
        return None
    if name == "OPTIONS" and (length or len(data) > 9):
        return None
    if name == "STARTUP" and (not 2 <= length <= 1024 or b"CQL_VERSION" not in data[9:]):
        return None
    details = (("request", name), ("version", str(data[0] & 0x3F)))
    return Opener("cassandra", "certain", details, shows=data[:9])


KINDS = (
    Kind("postgresql", "tcp", judge_postgresql, b"\0", (5432, 6432)),
    Kind("mssql", "tcp", judge_mssql, b"\x10\x12", (1433,)),
    Kind("oracle", "tcp", judge_oracle, bytes(range(0x10)), (1521,)),
    Kind("cassandra", "tcp", judge_cassandra, b"\3\4\5AB", (9042,)),
    Kind("mongodb", "tcp", judge_mongodb, b"", (27017,)),
    Kind("mysql", "tcp", judge_mysql, b"", (3306,)),
)
