"""HTTP/2 with prior knowledge, in the clear or inside TLS: both sides begin with SETTINGS."""

from portbook.identify.probe import Again, Found, More, Probe, Send, Talk
from portbook.identify.wire.grpc_health import health, told
from portbook.identify.wire.http2_frames import (
    ACKNOWLEDGED,
    GOAWAY,
    HEADERS,
    PREFACE,
    Answer,
    answer_on,
    frame,
    frames_of,
    greets,
)

# GET / of localhost: three fields of the static table, two literals (RFC 7541 appendix A).
_GET = ACKNOWLEDGED + frame(HEADERS, 0x05, 1, b"\x82\x86\x84\x41\x09localhost\x7a\x08portbook")
_GRPC_CORE = b"\xfe\x03\0\0\0\x01"
"""A setting of its own: binary metadata is understood."""
_STREAM = 3
_HEALTH = health(_STREAM)


def judge(talk: Talk) -> Found | More | Send | Again | None:
    """SETTINGS first of all; then GET / for the Server header, and a question for gRPC if reset."""
    if talk.transport != "tcp" or talk.opener == "grpc":
        return None
    asked = talk.opener == "http2"
    if not greets(talk.first, asked=asked):
        cut = asked and len(talk.first) > 2 and b"\x04\0\0\0\0\0".startswith(talk.first[3:9])
        return More() if cut and talk.first[:2] == b"\0\0" and not talk.ended else None
    if len(talk.turns) > 1 or (asked and talk.sent.endswith((_GET, _HEALTH))):
        return _read(talk)
    found = Found("http2", "certain", shows=talk.first[:24])
    # Who greets unasked is gRPC, or inside TLS a web server in Go. grpc-core may never refuse GET.
    unasked = not talk.opener and not talk.secure
    question = _HEALTH if unasked or _GRPC_CORE in talk.first[9:99] else _GET
    if asked:
        return Send(question, found)
    return Again(PREFACE + question, found) if talk.opener else Send(PREFACE + question, found)


def _read(talk: Talk) -> Found | More | Send:
    """The answer to the last question; the one for gRPC follows where GET is not answered."""
    answer = answer_on(talk, _STREAM if talk.sent.endswith(_HEALTH) else 1)
    if answer.grpc:
        return told(answer)
    found = _found(talk, answer if answer.came else answer_on(talk, 1))
    over = talk.closed or any(each.kind == GOAWAY for each in frames_of(talk.reply))
    if answer.came or over:
        return found
    if talk.sent.endswith(_HEALTH):
        return found if answer.reset or talk.ended else More(found)
    # Servers that know only gRPC reset GET (grpc-go), or take their time for that (grpc-core).
    return Send(_HEALTH, found) if answer.reset or talk.ended else More(found)


def _found(talk: Talk, answer: Answer) -> Found:
    shows = answer.shows or talk.first[:24]
    return Found("http2", "certain", *answer.software, shows=shows)


PROBE = Probe(
    name="http2",
    title="HTTP/2 (prior knowledge)",
    source="RFC 9113 section 3.3",
    services=("http", "http-alt", "https", "www", "www-http"),
    programs=("nghttpd", "h2o"),
    opener=PREFACE,
    reacts_to=("http",),
    alpn=("h2",),
    judge=judge,
)
