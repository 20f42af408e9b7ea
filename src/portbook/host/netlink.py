"""Asking the kernel over sock_diag netlink (sock_diag(7), linux/inet_diag.h).

Only the question and the raw answer: what the bytes mean is read in `sockets`.
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start (measured)
import errno
import struct
from contextlib import closing

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST_DUMP = 0x301
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_DUMP_INTR = 0x10
INET_DIAG_REQ_BYTECODE = 1
INET_DIAG_BC_S_GE = 2
INET_DIAG_BC_S_LE = 3

_HEADER = struct.Struct("=IHHII")
_CLOSING = struct.pack("=IH", 20, NLMSG_DONE)
# nlmsghdr, then inet_diag_req_v2 up to its states; the socket id that follows stays zero.
_QUESTION = struct.Struct("=IHHIIBBBxI48x")
# Netlink never sends more than 32 KiB at once in a dump (what the reader offers counts up to that,
# netlink_recvmsg()), and from 128 KiB on each bytes object is mapped anew: a fifth more time.
_BUFFER = 1 << 16
_PATIENCE = 2.0


def question(family: int, protocol: int, states: int, port: int | None) -> bytes:
    """One dump request: sockets of `family` and `protocol` in any state of the mask `states`.

    With `port`, a filter program lets the kernel pass only that local port (the two-instruction
    form that inet_diag_bc_run() has understood since 2.6).
    """
    program = b""
    if port is not None:
        # Each instruction is followed by one that carries the port; "no" jumps past the end.
        program = struct.pack(
            "=HHBBHBBHBBHBBH",
            *(20, INET_DIAG_REQ_BYTECODE),
            *(INET_DIAG_BC_S_GE, 8, 20, 0, 0, port),
            *(INET_DIAG_BC_S_LE, 8, 12, 0, 0, port),
        )
    length = _QUESTION.size + len(program)
    return (
        _QUESTION.pack(
            *(length, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 1, 0),
            *(family, protocol, 0, states),
        )
        + program
    )


def dump(
    family: int, protocol: int, states: int, port: int | None = None, *, tries: int = 3
) -> list[bytes]:
    """The kernel's answer as a list of raw netlink datagrams, the closing one included.

    A dump that the kernel marks as interrupted (the table changed under it) is asked again.

    Raises:
        OSError: netlink is refused (EPERM, EACCES), unknown (EPROTONOSUPPORT), the diag module is
            not there (ENOENT), or the answer never comes (ETIMEDOUT).
    """
    datagrams: list[bytes] = []
    for _ in range(tries):
        datagrams, interrupted = _ask(question(family, protocol, states, port))
        if not interrupted:
            break
    return datagrams


def _ask(request: bytes) -> tuple[list[bytes], bool]:
    with closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)) as link:
        link.settimeout(_PATIENCE)
        link.sendto(request, (0, 0))
        datagrams: list[bytes] = []
        interrupted = False
        while True:
            try:
                data = link.recv(_BUFFER)
            except TimeoutError:
                raise OSError(errno.ETIMEDOUT, "sock_diag does not answer") from None
            datagrams.append(data)
            offset = 0
            # Only the closing datagram is walked through; any other is at most an error.
            end = len(data) if _CLOSING in data else 16
            while offset + 16 <= end:
                length, kind, flags, _, _ = _HEADER.unpack_from(data, offset)
                if flags & NLM_F_DUMP_INTR:
                    interrupted = True
                if kind in (NLMSG_DONE, NLMSG_ERROR) and offset + 20 <= len(data):
                    # The end of a dump carries its result: -ENOENT where the module is missing.
                    code = -struct.unpack_from("=i", data, offset + 16)[0]
                    if kind == NLMSG_DONE and code <= 0:
                        return datagrams, interrupted
                    raise OSError(code, f"sock_diag: {errno.errorcode.get(code, code)}")
                if length < 16:
                    raise OSError(errno.EBADMSG, "sock_diag: a message without length")
                offset += (length + 3) & ~3
