"""Sphinx and Manticore search over their own protocol: the server greets with its number, 1.

It names neither itself nor its version, except over MySQL's protocol.
"""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_GREETING = b"\x00\x00\x00\x01"
_COOKIE = b"port"
# Our version; then SEARCHD_COMMAND_PING, its version 1.0, and four bytes to send back.
_PING = _GREETING + b"\x00\x09\x01\x00\x00\x00\x00\x04" + _COOKIE
_ERROR = b"invalid command (code="


def judge(talk: Talk) -> Found | More | Send | None:
    """The four bytes; then our cookie in an answer with status 0, or an error about the command."""
    first = talk.first
    if talk.transport != "tcp" or not first.startswith(_GREETING):
        return None
    if len(talk.turns) > 1:
        status, version, rest = talk.reply[:2], talk.reply[2:4], talk.reply[4:16]
        pong = status == b"\0\0" and version[:1] == b"\1" and rest == b"\0\0\0\4" + _COOKIE
        return Found("sphinx", "certain" if pong else "guess", shows=(talk.reply or first)[:16])
    if talk.opener == "" and first == _GREETING:
        return Send(_PING, Found("sphinx", "guess", shows=first))
    # To what is no command: status 1, its version, the length, and a text with its length.
    size, length = int.from_bytes(first[8:12]), int.from_bytes(first[12:16])
    wrong = first[4:6] == b"\0\1" and size == length + 4 and len(_ERROR) < length < 200
    if not wrong:
        return More() if first == _GREETING and not talk.ended else None
    text = first[16 : 16 + length]
    if text.startswith(_ERROR):
        return Found("sphinx", "certain", shows=text)
    return More() if _ERROR.startswith(text) and not talk.ended else None


PROBE = Probe(
    name="sphinx",
    title="Sphinx / Manticore search",
    source="Sphinx source, api/sphinxapi.php and searchd.cpp",
    services=("sphinxapi",),
    ports=(9312,),
    programs=("searchd", "sphinxsearch", "manticore"),
    speaks_first=True,
    reacts_to=("http", "redis"),
    judge=judge,
)
