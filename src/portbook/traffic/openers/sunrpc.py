"""ONC RPC calls, to the portmapper, to NFS and others (RFC 5531, sections 9 and 11)."""

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind

_PROGRAMS = {100000: "portmapper", 100003: "nfs", 100005: "mountd", 100021: "nlockmgr"}
_PROGRAMS |= {100024: "status", 100227: "nfs_acl"}
_LARGEST = 1 << 20


def judge_datagram(data: bytes) -> Opener | None:
    """A call of version 2: program, version, procedure, and how the caller proves itself."""
    if len(data) < 28 or data[4:12] != b"\0\0\0\0\0\0\0\2":
        return None
    program, version, procedure, flavor = (
        int.from_bytes(data[at : at + 4], "big") for at in (12, 16, 20, 24)
    )
    # Version numbers beyond any that exists are asked on purpose, to hear the range that is served.
    if not 0 < program < 0x60000000 or procedure > 256:
        return None
    if flavor > 6 or int.from_bytes(data[28:32], "big") > 400:
        return None
    name = _PROGRAMS.get(program, str(program))
    sure = "certain" if version < 256 or name in _PROGRAMS.values() else "likely"
    details = (("program", name), ("version", str(version)), ("procedure", str(procedure)))
    return Opener("sunrpc", sure, details, shows=data[4:24])


def judge_stream(data: bytes) -> Opener | None:
    """The same behind a record mark: the last fragment, and its length."""
    length = int.from_bytes(data[1:4], "big")
    if len(data) < 32 or not 40 <= length <= _LARGEST:
        return None
    return judge_datagram(data[4:])


KINDS = (
    Kind("sunrpc", "tcp", judge_stream, b"\x80", (111, 2049)),
    Kind("sunrpc", "udp", judge_datagram, b"", (111, 2049)),
)
