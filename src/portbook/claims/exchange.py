"""One HTTP/1.1 exchange after the other with the service, over its Unix socket.

A small client of our own: importing http.client costs 19 ms of a start (measured). What the
service sends is not trusted: every answer is bounded in time and size.
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start (measured)
import json
import os
import sys

from portbook.host import clock
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_HEAD = 16_384
MOST_BODY = 32 << 20
"""Bytes of an answer; a claim takes 600."""
_CHUNK = 1 << 16
_LONGEST_PATH = 107
"""Bytes of sun_path (unix(7)) without its end."""
_MOST_FDS = 8


class Gone(Exception):
    """The service went away, or was never there; `sent`: it may have done what it was asked."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__(sent)
        self.sent = sent


class Answer(Record):
    """What came back: a JSON object, and descriptors where they were expected."""

    status: int
    found: "dict[str, Any]"
    fds: tuple[int, ...] = ()


def connect(path: str, seconds: float = 2.0) -> "socket.socket | None":
    """A connection to the Unix socket at `path`; None where nobody answers.

    Raises:
        NotPermitted: it is not ours to ask.
        EnvironmentFault: its backlog has been full for all that time.
    """
    place, folder = path, -1
    if len(os.fsencode(path)) > _LONGEST_PATH:
        try:
            folder = os.open(os.path.dirname(path), os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
        except OSError:
            return None
        place = f"/proc/self/fd/{folder}/{os.path.basename(path)}"
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    deadline = clock.monotonic() + seconds
    try:
        while True:
            link.settimeout(max(0.001, deadline - clock.monotonic()))
            try:
                link.connect(place)
            except BlockingIOError:  # the backlog is full
                if clock.monotonic() > deadline:
                    raise EnvironmentFault(f"the service at {path} takes no connection") from None
                clock.sleep(0.005)
            else:
                return link
    except PermissionError as error:
        link.close()
        raise NotPermitted(f"{path}: {error.strerror}") from None
    except OSError:
        link.close()
        return None
    except BaseException:
        link.close()
        raise
    finally:
        if folder >= 0:
            os.close(folder)


class Link:
    """The connection to the service behind one socket, made anew where it was lost."""

    def __init__(self, path: str, link: "socket.socket | None" = None) -> None:
        self.path = path
        self._link = link

    def close(self) -> None:
        """Hang up."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def __del__(self) -> None:
        # Who asks once, `open_claims().claims()`, need not think of hanging up.
        self.close()

    def exchange(
        self,
        method: str,
        target: str,
        body: "dict[str, Any] | None",
        seconds: float,
        *,
        again: bool = True,
        fds: bool = False,
    ) -> Answer:
        """One request and its answer; where the connection is lost, once more on a new one.

        Every call may be repeated: a request_id gives the same claims, and to renew or to release
        twice is what was asked for.
        """
        text = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        message = head.encode("ascii") + text
        try:
            return self._once(message, seconds, fds=fds)
        except Gone:
            if not again:
                raise
        return self._once(message, seconds, fds=fds)

    def _once(self, message: bytes, seconds: float, *, fds: bool) -> Answer:
        if self._link is None:
            self._link = connect(self.path)
            if self._link is None:
                raise Gone(sent=False)
        until = clock.monotonic() + seconds
        came: list[int] = []
        try:
            self._link.settimeout(seconds)
            self._link.sendall(message)
            answer = self._answer(until, came if fds else None)
        except TimeoutError:
            self._let_go(came)
            raise EnvironmentFault(
                f"the service at {self.path} does not answer",
                hint="is it stopped? portbook why 3255/tcp",
            ) from None
        except OSError:
            self._let_go(came)
            raise Gone(sent=True) from None
        except BaseException:
            # An interrupted answer would be taken for that of the next request.
            self._let_go(came)
            raise
        return answer._replace(fds=tuple(came))

    def _let_go(self, fds: list[int]) -> None:
        for fd in fds:
            os.close(fd)
        fds.clear()
        self.close()

    def _answer(self, until: float, fds: list[int] | None) -> Answer:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > MOST_HEAD:
                raise malformed("too long a head")
            data += self._more(until, fds)
        status, length, closes = read_head(data[:end])
        parts, have = [data[end + 4 :]], len(data) - end - 4
        while have < length:
            part = self._more(until, fds)
            parts.append(part)
            have += len(part)
        whole = b"".join(parts)
        if closes or len(whole) > length:  # more than was asked for: whose would it be?
            self.close()
        return Answer(status, read_body(whole[:length]))

    def _more(self, until: float, fds: list[int] | None) -> bytes:
        """The next bytes, and descriptors where they are expected.

        Raises:
            TimeoutError: none in time.
            OSError: the service hung up.
        """
        link = self._link
        left = until - clock.monotonic()
        if left <= 0 or link is None:
            raise TimeoutError
        link.settimeout(left)
        if fds is None:
            part = link.recv(_CHUNK)
        else:
            part, ancillary, _, _ = link.recvmsg(
                _CHUNK, socket.CMSG_SPACE(4 * _MOST_FDS), socket.MSG_CMSG_CLOEXEC
            )
            for level, kind, data in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds += [
                        int.from_bytes(data[at : at + 4], sys.byteorder)
                        for at in range(0, len(data) - 3, 4)
                    ]
        if not part:
            raise ConnectionResetError
        return part


def read_head(head: bytes) -> tuple[int, int, bool]:
    """Status, length of the body and whether the connection ends, of an answer's head.

    Raises:
        EnvironmentFault: it is no HTTP/1.1 answer with a length (RFC 9112).
    """
    first, *lines = head.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    status = rest[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not status.isdigit() or len(status) != 3:
        raise malformed("no HTTP")
    lengths: list[bytes] = []
    closes = version == b"HTTP/1.0"
    for line in lines:
        name, colon, value = line.partition(b":")
        name, value = name.lower(), value.strip()
        if not colon or not name or name != name.strip():
            raise malformed("no header")
        if name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            raise malformed("a body without a length")
        elif name == b"connection":
            closes = closes or value.lower() == b"close"
    if len(lengths) != 1 or not lengths[0].isdigit() or len(lengths[0]) > 9:
        raise malformed("a body without a length")
    length = int(lengths[0])
    if length > MOST_BODY:
        raise malformed("too long a body")
    return int(status), length, closes


def read_body(body: bytes) -> "dict[str, Any]":
    """The object in an answer.

    Raises:
        EnvironmentFault: it is none.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise malformed("no JSON") from None
    if not isinstance(found, dict):
        raise malformed("no object")
    return found


def malformed(what: str) -> EnvironmentFault:
    """The fault of an answer that is not what it should be."""
    return EnvironmentFault(
        f"the answer of the service cannot be read: {what}",
        hint="is it another version of portbook? restart it: portbook serve",
    )
