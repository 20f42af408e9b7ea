"""SCGI: the web server sends headers as a netstring; the application answers like a CGI program.

There is no question but a request, so this asks for / as a browser would.
"""

from portbook.identify.probe import Found, More, Probe, Talk

_HEADERS = (
    b"CONTENT_LENGTH\x000\x00SCGI\x001\x00REQUEST_METHOD\x00GET\x00REQUEST_URI\x00/\x00"
    b"SCRIPT_NAME\x00\x00PATH_INFO\x00/\x00SERVER_NAME\x00localhost\x00SERVER_PORT\x0080\x00"
)
_BEGINNINGS = (b"status: ", b"content-type: ")
_ASK = b"%d:%b," % (len(_HEADERS), _HEADERS)


def judge(talk: Talk) -> Found | More | None:
    """CGI headers (RFC 3875 section 6.3), `Status: NNN` or a type, in answer to our request."""
    if len(talk.turns) > 1 or talk.opener != "scgi" or talk.transport != "tcp":
        return None
    reply = talk.first[:4096].replace(b"\r\n", b"\n")
    first = _BEGINNINGS[0] if reply.startswith(b"S") else _BEGINNINGS[1]
    if reply[: len(first)].lower() != first[: len(reply)] or not reply:
        return None
    head, end, _ = reply.partition(b"\n\n")
    lines = head.split(b"\n")
    if not end:
        return None if talk.ended else More()
    status = lines[0][8:12].rstrip() if first == _BEGINNINGS[0] else b"200"
    if all(b":" in line for line in lines) and len(status) == 3 and status.isdigit():
        return Found("scgi", "certain", shows=lines[0][:60])
    return None


PROBE = Probe(
    name="scgi",
    title="SCGI",
    source="SCGI: A Simple Common Gateway Interface alternative (python.ca/scgi/protocol.txt)",
    ports=(4000,),
    programs=("rtorrent", "quixote-scgi"),
    commands=(".scgi", "scgi_server"),
    opener=_ASK,
    judge=judge,
)
