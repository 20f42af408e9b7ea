"""gRPC over HTTP/2: the health question of every gRPC client library, answered with grpc-status.

A server without that service answers `unimplemented`, which is as telling. The question changes
nothing, and no reflection is asked for.
"""

from portbook.identify.probe import Found, More, Probe, Talk
from portbook.identify.probes.http2_frames import (
    DATA,
    GOAWAY,
    HEADERS,
    PREFACE,
    Answer,
    answer_on,
    frame,
    frames_of,
    greets,
)

# POST /grpc.health.v1.Health/Check of localhost, with the content type and te: trailers; names of
# RFC 7541 appendix A, values in its Huffman code.
_CHECK = bytes.fromhex(
    "8386"
    "0495626b2b22f394742675fb857c651d099d8bd3949d7f"
    "4186a0e41d139d09"
    "0f108b1d75d0620d263d4c4d6564"
    "0002746586" + "4d833505b11f"
)


def health(stream: int) -> bytes:
    """The health question on a stream of an open connection, with its empty message."""
    return frame(HEADERS, 0x04, stream, _CHECK) + frame(DATA, 0x01, stream, bytes(5))


def told(answer: Answer) -> Found:
    """The word on an answer that is gRPC's."""
    shows = answer.shows or b"content-type: application/grpc"
    return Found("grpc", "certain", shows=shows)


def judge(talk: Talk) -> Found | More | None:
    """SETTINGS, then a header section of type application/grpc; without that it is mere HTTP/2."""
    if talk.transport != "tcp" or talk.opener != "grpc" or len(talk.turns) > 1:
        return None
    if not greets(talk.first, asked=True):
        return None if talk.ended or not b"\0".startswith(talk.first[:1]) else More()
    answer = answer_on(talk, 1)
    if answer.grpc:
        return told(answer)
    found = Found("http2", "certain", *answer.software, shows=answer.shows or talk.first[:24])
    over = any(each.kind == GOAWAY for each in frames_of(talk.first))
    return found if talk.ended or over or answer.came or answer.reset else More(found)


PROBE = Probe(
    name="grpc",
    title="gRPC",
    source="gRPC over HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md), GRPC Health Checking Protocol",
    ports=(50051,),
    programs=("containerd", "buildkitd"),
    opener=PREFACE + health(1),
    alpn=("h2",),
    judge=judge,
)
