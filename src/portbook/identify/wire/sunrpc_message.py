"""Messages of ONC RPC (RFC 5531): a call of the procedure that does nothing, and its reply."""

from portbook.identify.probe import More, Talk
from portbook.model.record import Record

PORTMAPPER, NFS = 100000, 100003
SUCCESS, NO_PROGRAM, NO_VERSION, NO_PROCEDURE, GARBAGE, SYSTEM_ERROR = range(6)
_LAST = 0x80000000


PORTMAPPER_ID, NFS_ID = b"pbR1", b"pbN1"
"""Each call has one name, whoever asks: the same bytes are sent once."""


class Reply(Record):
    """What came: the state of an accepted call, None where it was denied; versions it knows."""

    state: int | None
    lowest: int = 0
    highest: int = 0
    shows: bytes = b""


def call(identifier: bytes, program: int, version: int) -> bytes:
    """A NULL call (section 11) without credentials; TCP wants it `framed`."""
    numbers = (0, 2, program, version, 0, 0, 0, 0, 0)
    return identifier + b"".join(number.to_bytes(4) for number in numbers)


def framed(message: bytes, talk: Talk | None = None) -> bytes:
    """With the record mark of section 11, unless the talk is over UDP."""
    if talk is not None and talk.transport == "udp":
        return message
    return (_LAST | len(message)).to_bytes(4) + message


def reply_to(identifier: bytes, talk: Talk) -> Reply | More | None:
    """The reply to a call with that identifier, in the newest turn."""
    message = talk.reply
    if talk.transport == "tcp":
        mark, message = int.from_bytes(message[:4]), message[4:]
        if not mark & _LAST or message[:4] != identifier[: len(message[:4])]:
            return None
        length = mark ^ _LAST
        if len(message) < length and length <= 400 and not talk.ended:
            return More()
        if len(message) != length:
            return None
    if message[:4] != identifier or not 20 <= len(message) <= 436:
        return None
    if message[4:8] != b"\0\0\0\1":
        return None
    if message[8:12] == b"\0\0\0\1" and message[12:16] in (b"\0\0\0\0", b"\0\0\0\1"):
        return Reply(None, shows=message[4:20])
    verifier = int.from_bytes(message[16:20])
    at = 20 + verifier
    if message[8:12] != bytes(4) or verifier > 400 or len(message) < at + 4:
        return None
    state = int.from_bytes(message[at : at + 4])
    rest = len(message) - at - 4
    if state == NO_VERSION and rest == 8:
        lowest, highest = message[at + 4 : at + 8], message[at + 8 : at + 12]
        return Reply(state, int.from_bytes(lowest), int.from_bytes(highest), message[4:])
    return Reply(state, shows=message[4:]) if state <= SYSTEM_ERROR and not rest else None
