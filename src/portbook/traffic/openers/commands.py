"""Stores and brokers that are spoken to in lines: Redis, memcached, NATS, STOMP, beanstalkd.

RESP specification (redis.io), memcached doc/protocol.txt and its binary and UDP forms, NATS client
protocol, STOMP 1.2, beanstalkd doc/protocol.txt. Arguments are not told: AUTH has a password.
"""

import re

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, either, line, text

_RESP = re.compile(rb"\*\d{1,6}\r\n\$\d{1,9}\r\n([A-Za-z]{1,24})?")
_INLINE = re.compile(
    rb"(PING|INFO|HELLO [23]|CONFIG GET|CLIENT LIST|COMMAND|DBSIZE|KEYS \*|SLAVEOF|FLUSHALL)"
    rb"(?=\r?\n| )",
    re.IGNORECASE,
)
_MEMCACHED = re.compile(
    rb"(?:(set|add|replace|append|prepend) \S{1,250} \d{1,10} -?\d{1,10} \d{1,10}(?: noreply)?\r\n"
    rb"|(gets?|gat|mg) \S{1,250}(?: |\r\n)"
    rb"|(stats|version|verbosity|flush_all|mn)(?: [^\r\n]{1,64})?\r?\n)"
)
_NATS = re.compile(rb"CONNECT \{[\x20-\x7e]{0,512}", re.IGNORECASE)
_STOMP = re.compile(rb"(?:CONNECT|STOMP)\r?\n(?:[a-z-]{1,32}:[^\r\n]{0,255}\r?\n){0,8}")
_STOMP_FIELDS = re.compile(rb"\n(?:accept-version|host|login|heart-beat):")
_BEANSTALKD = re.compile(
    rb"(?:(put \d{1,10} \d{1,10} \d{1,10} \d{1,10}|list-tubes?(?:-used|-watched)?"
    rb"|reserve-with-timeout \d{1,10}|peek-(?:ready|delayed|buried)"
    rb"|stats-(?:tube \S{1,200}|job \d{1,20}))"
    rb"|(stats|reserve|(?:use|watch|ignore) [\w+/;.$()-]{1,200}))\r\n"
)
_OPCODES = 0x40


def judge_redis(data: bytes) -> Opener | None:
    """An array of strings; or a command on a line, which others may have as well."""
    found = _RESP.match(data)
    if found:
        said = (("command", text(found[1].upper())),) if found[1] else ()
        return Opener("redis", "certain", said, shows=found[0][:64])
    found = _INLINE.match(data)
    if found:
        details = (("command", text(found[1].upper())), ("form", "inline"))
        return Opener("redis", "likely", details, shows=found[1])
    return None


def judge_memcached(data: bytes) -> Opener | None:
    """A command with its numbers; a header of the binary form whose lengths agree."""
    if data[0] == 0x80:
        return _binary(data)
    found = _MEMCACHED.match(data)
    if found is None:
        return None
    command = found[1] or found[2] or found[3]
    sure = "certain" if found[1] else "likely"
    return Opener("memcached", sure, (("command", text(command)),), shows=line(data, 64))


def _binary(data: bytes) -> Opener | None:
    if len(data) < 24 or data[1] >= _OPCODES or data[5] != 0:
        return None
    key, extras = data[2] << 8 | data[3], data[4]
    body = int.from_bytes(data[8:12], "big")
    if not key + extras <= body <= 1 << 24 or key > 250 or extras > 32 or any(data[16:24]):
        return None
    if body < 1000 and len(data) < 24 + body:
        return None
    details = (("command", f"0x{data[1]:02x}"), ("form", "binary"))
    return Opener("memcached", "certain", details, shows=data[:24])


def judge_memcached_datagram(data: bytes) -> Opener | None:
    """The frame of a datagram (number, 0, 1 datagram, 0) before a command."""
    if len(data) < 10 or data[2:8] != b"\0\0\0\1\0\0":
        return None
    inner = judge_memcached(data[8:])
    return inner and inner._replace(confidence="certain", shows=data[:64])


def judge_nats(data: bytes) -> Opener | None:
    """CONNECT and its options in JSON; PING is Redis's word as well."""
    found = _NATS.match(data)
    if found:
        return Opener("nats", "certain", (("request", "CONNECT"),), shows=found[0][:9])
    if data in (b"PING\r\n", b"PING\n"):
        return Opener("nats", "likely", (("request", "PING"),), shows=b"PING")
    return None


def judge_stomp(data: bytes) -> Opener | None:
    """CONNECT or STOMP on a line of its own, then the headers of a client."""
    found = _STOMP.match(data)
    if found is None or not _STOMP_FIELDS.search(found[0]):
        return None
    return Opener("stomp", "certain", (("request", text(line(data))),), shows=line(data, 64))


def judge_beanstalkd(data: bytes) -> Opener | None:
    """A job with its numbers, or a command about tubes; `stats` is memcached's word as well."""
    found = _BEANSTALKD.match(data)
    if found is None:
        return None
    sure = "certain" if found[1] else "likely"
    command = text(line(data).split(b" ", 1)[0])
    return Opener("beanstalkd", sure, (("command", command),), shows=line(data, 64))


KINDS = (
    Kind("redis", "tcp", judge_redis, b"*" + either(b"cdfhikps"), (6379, 26379)),
    Kind("nats", "tcp", judge_nats, either(b"cp"), (4222,)),
    Kind("stomp", "tcp", judge_stomp, b"CS", (61613,)),
    Kind("memcached", "tcp", judge_memcached, b"\x80sarpgvfm", (11211,)),
    Kind("beanstalkd", "tcp", judge_beanstalkd, b"plrsuwi", (11300,)),
    Kind("memcached", "udp", judge_memcached_datagram, b"", (11211,)),
)
