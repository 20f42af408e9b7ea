"""Messages with a length in front: MQTT, Kafka, AJP, FastCGI.

MQTT 3.1.1 and 5.0 (3.1), Kafka protocol guide (request headers), Apache JServ Protocol 1.3 and its
extensions (CPing), FastCGI specification 1.0 (3.3, 5.1).
"""

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, text

_LEVELS = {(b"\0\4MQTT", 4): "3.1.1", (b"\0\4MQTT", 5): "5.0", (b"\0\6MQIsdp", 3): "3.1"}
_KAFKA_SURE = {3: "Metadata", 18: "ApiVersions"}
_KAFKA_KEYS, _KAFKA_VERSIONS = 75, 20
_LARGEST_REQUEST = 104_857_600
_AJP = {0x02: "request", 0x08: "ping", 0x0A: "cping"}
_ROLES = {1: "responder", 2: "authorizer", 3: "filter"}


def judge_mqtt(data: bytes) -> Opener | None:
    """CONNECT: a length in one to four bytes, the protocol's name and its level."""
    if data[0] != 0x10:
        return None
    at = 1
    while at < 5 and at < len(data) and data[at] & 0x80:
        at += 1
    at += 1
    size = 8 if data[at + 1 : at + 2] == b"\6" else 6
    if len(data) < at + size + 4:
        return None
    # Brokers take bridges' level with the highest bit set for the same.
    level = _LEVELS.get((data[at : at + size], data[at + size] & 0x7F))
    if level is None or data[at + size + 1] & 1:
        return None
    shows = data[: at + size + 1]
    at += size + 4
    if level == "5.0":  # Properties, whose length takes one byte in every client seen.
        at += 1 + data[at] if at < len(data) and data[at] < 0x80 else len(data)
    length = int.from_bytes(data[at : at + 2], "big")
    identifier = data[at + 2 : at + 2 + length]
    details = [("version", level)]
    if identifier:
        details.append(("client-id", text(identifier)))
    return Opener("mqtt", "certain", tuple(details), shows=shows)


def judge_kafka(data: bytes) -> Opener | None:
    """A length, one of the calls, its version, a number, and the client's name."""
    if len(data) < 14 or data[0] > 6:
        return None
    size, named = int.from_bytes(data[:4], "big"), int.from_bytes(data[12:14], "big")
    key, version = data[4] << 8 | data[5], data[6] << 8 | data[7]
    if key > _KAFKA_KEYS or version > _KAFKA_VERSIONS or not 10 <= size <= _LARGEST_REQUEST:
        return None
    if len(data) > size + 4 or (size < 256 and len(data) < size + 4 and len(data) < 64):
        return None
    details = [("request", _KAFKA_SURE.get(key, str(key)))]
    if named != 0xFFFF:
        name = data[14 : 14 + named]
        if not 0 < named <= 255 or named > size - 10 or not (name.isascii() and _plain(name)):
            return None
        details.append(("client-id", text(name)))
    sure = "certain" if key in _KAFKA_SURE and (named != 0xFFFF or size < 64) else "likely"
    return Opener("kafka", sure, tuple(details), shows=data[:14])


def _plain(name: bytes) -> bool:
    return name.decode("ascii").isprintable()


def judge_ajp(data: bytes) -> Opener | None:
    """0x1234, a length, and what a web server asks of its application server."""
    if len(data) < 5 or data[:2] != b"\x12\x34" or data[4] not in _AJP:
        return None
    length, asked = data[2] << 8 | data[3], _AJP[data[4]]
    if not 1 <= length <= 8192 or (asked != "request") != (length == 1) or len(data) > length + 4:
        return None
    if asked == "request" and (length < 16 or (len(data) > 5 and not 1 <= data[5] <= 27)):
        return None
    return Opener("ajp", "certain", (("request", asked),), shows=data[:6])


def judge_fastcgi(data: bytes) -> Opener | None:
    """Version 1: the beginning of a request with a role, or a question for values."""
    if len(data) < 16 or data[0] != 1 or data[7] != 0:
        return None
    number, length = data[2] << 8 | data[3], data[4] << 8 | data[5]
    if data[1] == 1:
        role = _ROLES.get(data[8] << 8 | data[9])
        if role is None or not number or length != 8 or data[10] > 1 or any(data[11:16]):
            return None
        return Opener("fastcgi", "certain", (("role", role),), shows=data[:16])
    if data[1] == 9 and number == 0 and b"FCGI_" in data[8:16] and length >= 8:
        return Opener("fastcgi", "certain", (("request", "values"),), shows=data[:16])
    return None


KINDS = (
    Kind("mqtt", "tcp", judge_mqtt, b"\x10", (1883,)),
    Kind("ajp", "tcp", judge_ajp, b"\x12", (8009,)),
    Kind("fastcgi", "tcp", judge_fastcgi, b"\1", (9000,)),
    Kind("kafka", "tcp", judge_kafka, bytes(range(7)), (9092,)),
)
