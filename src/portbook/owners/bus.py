"""One conversation with systemd over D-Bus, within one deadline, with a peer that may be hostile.

jeepney writes and reads the messages. Before it reads one, `Envelope` has checked the message's
size and shape: a peer may announce gigabytes, nest types a hundred deep, or repeat an empty
structure forever, and a user's bus is as trustworthy as that user.
"""

import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from jeepney import DBusAddress, Message, MessageFlag, new_method_call
from jeepney.auth import BEGIN, AuthenticationError, Authenticator
from jeepney.bus import get_connectable_addresses

from portbook.host import clock
from portbook.model import Unknown
from portbook.model.record import Record

SYSTEMD = "org.freedesktop.systemd1"
BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
MOST_IN_MESSAGE = 1 << 19
MOST_IN_ALL = 1 << 24
AT_ONCE = 64
"""Calls under way together: a system bus allows 128 (dbus-daemon(1))."""

UNITS = "a(ssssssouso)"
_UNDERSTOOD = ("", "s", "o", "v", "as", "uoss", UNITS)
_IN_VARIANT = (b"s", b"u", b"b", b"as")
_HEADER_TYPES = {1: b"o", 2: b"s", 3: b"s", 4: b"s", 5: b"u", 6: b"s", 7: b"s", 8: b"g", 9: b"u"}
_METHOD_RETURN, _ERROR, _SIGNAL = 2, 3, 4

_REFUSED = ("AccessDenied", "InteractiveAuthorizationRequired", "AuthFailed", "NotAuthorized")
_ABSENT = ("ServiceUnknown", "NameHasNoOwner", "Disconnected", "UnknownMethod", "Spawn")


class NoAnswer(Exception):
    """The bus gave no usable answer; `why` is the value that stands for it."""

    def __init__(self, why: Unknown) -> None:
        super().__init__(why.hint or why.unknown)
        self.why = why


class Refused(Record):
    """An error that was sent in reply, by its D-Bus name: a value, for others may have worked."""

    error: str


class Envelope(Record):
    """What the header of a message says. `body` is where the body begins."""

    kind: int
    reply_to: int | None
    member: str | None
    error: str | None
    signature: str
    body: int


def size_of(data: bytes | bytearray) -> int | None:
    """How long the message that begins here is; None while fewer than 16 bytes are there.

    Raises:
        ValueError: this is no message, or a longer one than anybody needs.
    """
    if len(data) < 16:
        return None
    body, fields = struct.unpack_from(_order(data) + "I4xI", data, 4)
    size = ((16 + fields + 7) & ~7) + body
    if data[3] != 1 or size > MOST_IN_MESSAGE:
        raise ValueError("no D-Bus message, or too long a one")
    return int(size)


def envelope(data: bytes) -> Envelope:
    """The header of one whole message (D-Bus specification, "Message Format").

    Raises:
        ValueError: a field has another type than the specification gives it, or ends outside.
    """
    order = _order(data)
    end = 16 + struct.unpack_from(order + "I", data, 12)[0]
    if end > len(data):
        raise ValueError("the header is longer than the message")
    found: dict[int, str | int] = {}
    at = 16
    while at < end:
        at = (at + 7) & ~7
        code, wanted = data[at], _HEADER_TYPES.get(data[at])
        if wanted is None or data[at + 1 : at + 4] != b"\x01" + wanted + b"\0":
            raise ValueError("an unknown header field")
        at += 4
        if wanted == b"u":
            found[code] = struct.unpack_from(order + "I", data, at)[0]
            at += 4
            continue
        length = data[at] if wanted == b"g" else struct.unpack_from(order + "I", data, at)[0]
        at += 1 if wanted == b"g" else 4
        if at + length >= end + 1:
            raise ValueError("a header field ends outside")
        found[code] = data[at : at + length].decode("ascii")
        at += length + 1
    texts = {code: text for code, text in found.items() if isinstance(text, str)}
    reply_to = found.get(5)
    return Envelope(
        data[1],
        reply_to if isinstance(reply_to, int) else None,
        texts.get(3),
        texts.get(4),
        texts.get(8, ""),
        (end + 7) & ~7,
    )


def body_of(data: bytes, head: Envelope) -> tuple[Any, ...]:
    """The values in a message, of those few types that are ever asked for.

    Raises:
        ValueError: another type, or bytes that are not what the type says.
    """
    if head.signature not in _UNDERSTOOD:
        raise ValueError("an answer of another type")
    if head.signature == "v":
        length = data[head.body] if head.body < len(data) else 0
        if data[head.body + 1 : head.body + 1 + length] not in _IN_VARIANT:
            raise ValueError("a property of another type")
    try:
        return tuple(Message.from_buffer(data).body)
    except (AssertionError, IndexError, KeyError, TypeError, struct.error) as why:
        raise ValueError("the message is not what it says") from why


def _order(data: bytes | bytearray) -> str:
    if data[:1] == b"l":
        return "<"
    if data[:1] == b"B":
        return ">"
    raise ValueError("no D-Bus message")


class Conversation:
    """A connection to a bus, or to systemd itself, until the moment `until`."""

    def __init__(self, path: str, until: float, *, bus: bool) -> None:
        self._until = until
        self.path = path
        self._data = bytearray()
        self._received = 0
        self._serial = 0
        self._link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            with self._explained():
                self._link.settimeout(self._left())
                self._link.connect(path)
                self._authenticate(bus=bus)
            if bus:
                self._greet()
        except BaseException:
            self._link.close()
            raise

    def _greet(self) -> None:
        (hello,) = self.ask([new_method_call(BUS, "Hello")])
        if isinstance(hello, Refused):
            raise refusal(hello, self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def ask(self, calls: Sequence[Message]) -> list[tuple[Any, ...] | Refused]:
        """The replies to `calls`, in their order, with many calls under way at once.

        Raises:
            NoAnswer: the peer is silent, gone, or makes no sense.
        """
        replies: list[tuple[Any, ...] | Refused] = [()] * len(calls)
        waiting: dict[int, int] = {}
        sent = 0
        with self._explained():
            while sent < len(calls) or waiting:
                burst = b""
                while sent < len(calls) and len(waiting) < AT_ONCE:
                    # A bus without systemd must not try to start one for us.
                    calls[sent].header.flags |= MessageFlag.no_auto_start
                    self._serial += 1
                    burst += calls[sent].serialise(serial=self._serial)
                    waiting[self._serial] = sent
                    sent += 1
                if burst:
                    self._send(burst)
                data, head = self._receive()
                if head.kind in (_METHOD_RETURN, _ERROR) and head.reply_to in waiting:
                    answer = Refused(head.error or "") if head.kind == _ERROR else None
                    replies[waiting.pop(head.reply_to)] = answer or body_of(data, head)
        return replies

    def signal(self, member: str) -> tuple[Any, ...]:
        """The next signal of that name.

        Raises:
            NoAnswer: none comes in time.
        """
        with self._explained():
            while True:
                data, head = self._receive()
                if head.kind == _SIGNAL and head.member == member:
                    return body_of(data, head)

    def _authenticate(self, *, bus: bool) -> None:
        # systemd itself never sees a message that arrives together with BEGIN (v252: it waits for
        # more bytes, measured one time in six). Sent early, BEGIN is read before the message.
        speaker = Authenticator()
        for line in speaker:
            if line:
                self._send(line if bus else line + BEGIN)
            speaker.feed(self._more(512))
        if bus:
            self._send(BEGIN)

    def _send(self, data: bytes) -> None:
        self._link.settimeout(self._left())
        self._link.sendall(data)

    def _receive(self) -> tuple[bytes, Envelope]:
        while True:
            size = size_of(self._data)
            if size is not None and len(self._data) >= size:
                data = bytes(self._data[:size])
                del self._data[:size]
                return data, envelope(data)
            self._data += self._more(1 << 16)

    def _more(self, most: int) -> bytes:
        self._link.settimeout(self._left())
        data = self._link.recv(most)
        self._received += len(data)
        if not data:
            raise ConnectionResetError
        if self._received > MOST_IN_ALL:
            raise ValueError("more than anybody needs")
        return data

    def _left(self) -> float:
        left = self._until - clock.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Whatever goes wrong as `NoAnswer`, in one line."""
        try:
            yield
        except TimeoutError:
            why = Unknown("unreadable", f"{self.path} did not answer in time")
        except PermissionError:
            why = Unknown("denied", "run as root")
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            why = Unknown("unsupported", f"no bus answers at {self.path}")
        except OSError:
            why = Unknown("unreadable", f"{self.path} closed the connection")
        except AuthenticationError as error:
            why = (
                Unknown("denied", "run as root")
                if bytes(error.data[:8]) == b"REJECTED"
                else Unknown("unreadable", f"what answers at {self.path} does not speak D-Bus")
            )
        except (ValueError, IndexError, struct.error):
            why = Unknown("unreadable", f"what answers at {self.path} does not speak D-Bus")
        else:
            return
        raise NoAnswer(why)


def refusal(reply: Refused, what: str) -> NoAnswer:
    """An error reply to the call without which the others make no sense."""
    name = reply.error.rpartition(".")[2]
    if name in _REFUSED:
        return NoAnswer(Unknown("denied", "run as root"))
    if name in _ABSENT or name.startswith("Spawn"):
        return NoAnswer(Unknown("unsupported", f"no systemd answers at {what}"))
    return NoAnswer(Unknown("unreadable", f"{what} answered {reply.error[:80]}"))


def watch_call(member: str) -> Message:
    """The question to be sent systemd's signals of that name; systemd itself sends them anyway."""
    rule = f"type='signal',interface='{SYSTEMD}.Manager',member='{member}'"
    return new_method_call(BUS, "AddMatch", "s", (rule,))


def talk(scope: str, until: float) -> Conversation:
    """A conversation with the systemd of `scope`: `system`, `user` (our own) or `user:UID`.

    It is looked for on its bus, and then, where there is none, at the socket that systemd keeps
    for root and for its own user.

    Raises:
        NoAnswer: none of them answers.
    """
    failed: NoAnswer | None = None
    for path, bus in _places(scope):
        try:
            return Conversation(path, until, bus=bus)
        except NoAnswer as error:
            # The first says most; only a missing or closed bus is worth another try.
            failed = failed or error
            if error.why.unknown not in ("unsupported", "denied"):
                break
    raise failed or NoAnswer(Unknown("unsupported", "no address of a bus is known"))


def _places(scope: str) -> Iterator[tuple[str, bool]]:
    uid = os.geteuid()
    if scope == "system":
        given = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
        try:
            for path in get_connectable_addresses(given or "unix:path=/run/dbus/system_bus_socket"):
                yield path, True
        except (ValueError, RuntimeError):
            why = "DBUS_SYSTEM_BUS_ADDRESS names no Unix socket"
            raise NoAnswer(Unknown("unsupported", why)) from None
        if uid == 0 and not given:
            yield "/run/systemd/private", False
        return
    number = scope.partition(":")[2] or str(uid)
    if uid not in (0, int(number)):
        raise NoAnswer(Unknown("denied", "run as root"))
    yield f"/run/user/{number}/bus", True
    yield f"/run/user/{number}/systemd/private", False
