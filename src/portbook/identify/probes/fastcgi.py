"""FastCGI: the web server asks first; FCGI_GET_VALUES asks for nothing but a limit."""

from portbook.identify.probe import Found, More, Probe, Talk

_NAME = b"FCGI_MPXS_CONNS"
_ASK = b"\x01\x09\x00\x00\x00\x11\x00\x00\x0f\x00" + _NAME
_RESULT = b"\x01\x0a\x00\x00"
_UNKNOWN = b"\x01\x0b\x00\x00\x00\x08"


def judge(talk: Talk) -> Found | More | None:
    """A management record of version 1: the values, or that their type is unknown."""
    if len(talk.turns) > 1 or talk.opener != "fastcgi" or talk.transport != "tcp":
        return None
    reply = talk.first[:320]
    if len(reply) < 8:
        known = reply in (_RESULT[: len(reply)], (_UNKNOWN + b"\0\0")[: len(reply)])
        return More() if known and not talk.ended else None
    if reply.startswith(_UNKNOWN) and reply[8:9] == b"\x09":
        return Found("fastcgi", "certain", shows=reply[:16])
    if not reply.startswith(_RESULT):
        return None
    length = int.from_bytes(reply[4:6])
    content = reply[8 : 8 + length]
    if length > 256 or (len(content) < length and talk.ended):
        return None
    if len(content) < length:
        return More()
    if not content:
        return Found("fastcgi", "certain", shows=reply[:8])
    if content[0] == len(_NAME) and content[2:17] == _NAME and len(content) == 17 + content[1]:
        return Found("fastcgi", "certain", shows=content)
    return None


PROBE = Probe(
    name="fastcgi",
    title="FastCGI",
    source="FastCGI Specification 1.0, section 4.1",
    ports=(9000,),
    programs=("php-fpm", "php-cgi", "fcgiwrap", "spawn-fcgi", "php-fcgi"),
    commands=("php-fpm: master process", "php-fpm: pool ", ".fcgi"),
    opener=_ASK,
    judge=judge,
)
