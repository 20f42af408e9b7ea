"""SPICE (remote display of virtual machines): a link message is answered with the server's key."""

from portbook.identify.probe import Found, More, Probe, Talk

_MAGIC = b"REDQ"
_ERRORS = {0: "", 5: "requires TLS", 6: "forbids TLS"}


def judge(talk: Talk) -> Found | More | None:
    """A link reply: magic, version, and a size that its body has."""
    reply = talk.first
    if talk.transport != "tcp" or not reply.startswith(_MAGIC):
        return None
    size = int.from_bytes(reply[12:16], "little")
    if len(reply) < 20 or len(reply) < 16 + size:
        return None if talk.ended else More()
    major, minor = int.from_bytes(reply[4:8], "little"), int.from_bytes(reply[8:12], "little")
    if major > 9 or not 4 <= size <= 4096:
        return None
    note = _ERRORS.get(int.from_bytes(reply[16:20], "little"), "refuses the link")
    note = note if talk.opener == "spice" else ""
    notes = (f"protocol {major}.{minor}", *((note,) if note else ()))
    return Found("spice", "certain", shows=reply[:20], notes=notes)


PROBE = Probe(
    name="spice",
    title="SPICE",
    source="SPICE protocol, spice-space.org/spice-protocol.html, section 11 (link)",
    ports=(5930,),
    programs=("xspice", "spice-server"),
    commands=("-spice port={port}", "-spice addr=", "-spice tls-port={port}", "spiceqxl"),
    # Main channel, no capabilities; the ticket (the password) would come after the reply.
    opener=_MAGIC
    + bytes.fromhex("02000000 02000000 12000000 00000000 0100 00000000 00000000 12000000"),
    reacts_to=("http", "rdp", "redis", "x11"),
    judge=judge,
)
