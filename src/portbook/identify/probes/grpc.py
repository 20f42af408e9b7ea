"""gRPC over HTTP/2: the health question of every gRPC client library, answered with grpc-status.

A server without that service answers `unimplemented`, which is as telling. The question changes
nothing, and no reflection is asked for.
"""

from portbook.identify.probe import Found, More, Probe, Talk
from portbook.identify.wire.grpc_health import health, told
from portbook.identify.wire.http2_frames import (
    GOAWAY,
    PREFACE,
    answer_on,
    frames_of,
    greets,
)


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
