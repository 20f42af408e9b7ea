"""net.ipv4.ip_local_reserved_ports: numbers that the kernel gives to no outgoing connection.

A program that asks for such a number gets it; bind(0) and connect() never do. The setting belongs
to a network namespace, and is gone after a restart (ip-sysctl; net/ipv4/sysctl_net_ipv4.c).
"""

import errno
import os
from collections.abc import Iterable

from portbook.model import EnvironmentFault, NotPermitted

NAME = "net.ipv4.ip_local_reserved_ports"
_PATH = "/proc/sys/net/ipv4/ip_local_reserved_ports"
_LAST = 65_535
_PAGE = 4_000
"""The kernel takes at most a page less one byte in a write(); the next one adds to it."""

_WHOLE = 1 << 19
"""Bytes to read: it comes in one read() or is cut, and every second port is 200,000 bytes."""

Ranges = tuple[tuple[int, int], ...]


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same numbers in as few ranges as possible, lowest first; what is no port is left out."""
    made: list[tuple[int, int]] = []
    for first, last in sorted((max(first, 0), min(last, _LAST)) for first, last in ranges):
        if first > last:
            continue
        if made and first <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(made[-1][1], last))
        else:
            made.append((first, last))
    return tuple(made)


def spelled(ranges: Ranges) -> str:
    """`4173,8000-8010`, as the kernel writes it."""
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def sysctl_line(ranges: Ranges) -> str:
    """The line for a file in /etc/sysctl.d."""
    return f"{NAME} = {spelled(ranges)}"


def reserved_now() -> Ranges:
    """The numbers that this network namespace keeps back.

    Raises:
        EnvironmentFault: the setting cannot be read.
    """
    try:
        fd = os.open(_PATH, os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.read(fd, _WHOLE)
        finally:
            os.close(fd)
    except OSError as error:
        raise EnvironmentFault(f"{NAME} cannot be read: {error.strerror}") from None
    return merged(parse_ranges(text.decode("ascii", "replace")))


def parse_ranges(text: str) -> list[tuple[int, int]]:
    """`8080,9148-9150` as pairs; what is no number is left out."""
    found = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        ends = (first, last or first)
        if all(end.isascii() and end.isdigit() and len(end) < 6 for end in ends):
            found.append((int(first), int(last or first)))
    return found


def apply(ranges: Ranges) -> None:
    """Make these the reserved numbers of this network namespace, and no others.

    Raises:
        NotPermitted: it takes root, or CAP_NET_ADMIN in the namespace.
        EnvironmentFault: there is no such setting, it cannot be written here (a container), or
            the kernel has something else afterwards.
    """
    try:
        fd = os.open(_PATH, os.O_RDWR | os.O_CLOEXEC)
        try:
            for part in _parts(ranges):
                written = os.write(fd, part)
                if written != len(part):
                    raise OSError(errno.EIO, "only a part was taken")
            os.lseek(fd, 0, os.SEEK_SET)
            now = os.read(fd, _WHOLE)
        finally:
            os.close(fd)
    except PermissionError as error:
        raise NotPermitted(f"{NAME}: {error.strerror}", hint="run as root") from None
    except OSError as error:
        raise EnvironmentFault(
            f"{NAME} cannot be written: {error.strerror}",
            hint="containers have /proc/sys read-only: apply it on the host",
        ) from None
    if parse_ranges(now.decode("ascii", "replace")) != list(ranges):
        raise EnvironmentFault(f"{NAME} is {now[:100]!r} now, and should be otherwise")


def _parts(ranges: Ranges) -> list[bytes]:
    """The text in pieces that end between two ranges; an empty line clears the setting."""
    parts: list[bytes] = []
    text = b""
    for each in ranges:
        piece = spelled((each,)).encode("ascii")
        if text and len(text) + 1 + len(piece) > _PAGE:
            parts.append(text)
            text = piece
        else:
            text = text + b"," + piece if text else piece
    return [*parts, text + b"\n"]
