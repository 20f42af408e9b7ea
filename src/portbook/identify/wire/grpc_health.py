"""gRPC's health question, in frames of HTTP/2, and the word on an answer to it."""

from portbook.identify.probe import Found
from portbook.identify.wire.http2_frames import DATA, HEADERS, Answer, frame

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
