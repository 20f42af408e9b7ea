"""NBD, the network block device: the server greets with its magic numbers."""

from portbook.identify.probe import Found, More, Probe, Talk

_MAGIC = b"NBDMAGIC"
_NEW, _OLD = b"IHAVEOPT", b"\x00\x00\x42\x02\x81\x86\x12\x53"


def judge(talk: Talk) -> Found | More | None:
    """NBDMAGIC, then IHAVEOPT with flags, or the old magic number with the size of the device."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1 or not reply.startswith(_MAGIC):
        return None
    if len(reply) < 16:
        return None if talk.ended else More()
    if reply[8:16] not in (_NEW, _OLD):
        return None
    notes = () if reply[8:16] == _NEW else ("old style",)
    return Found("nbd", "certain", shows=reply[:18], notes=notes)


PROBE = Probe(
    name="nbd",
    title="NBD (network block device)",
    source="NBD protocol, github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md",
    services=("nbd",),
    ports=(10809,),
    programs=("nbd-server", "nbdkit", "qemu-nbd", "xnbd-server"),
    speaks_first=True,
    judge=judge,
)
