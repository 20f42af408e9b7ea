"""Minecraft (Bedrock edition): RakNet's ping for strangers brings version and players."""

from portbook.identify.probe import Found, Probe, Talk

_MAGIC = bytes.fromhex("00ffff00fefefefefdfdfdfd12345678")
_TIME = b"portbook"
_PONG = 0x1C


def judge(talk: Talk) -> Found | None:
    """Unconnected pong: our time, the server's id, the magic, and a text with its length."""
    reply = talk.first
    if talk.transport != "udp" or len(reply) < 35 or reply[0] != _PONG:
        return None
    if reply[1:9] != _TIME or reply[17:33] != _MAGIC:
        return None
    text = reply[35 : 35 + int.from_bytes(reply[33:35])].decode("utf-8", "replace")
    fields = text.split(";")
    if fields[0] not in ("MCPE", "MCEE") or len(fields) < 6:
        return Found("raknet", "certain", shows=reply[:60])
    version = fields[3].strip()[:40] or None
    notes = (f"{fields[4]} of {fields[5]} players",)
    name = "minecraft-bedrock"
    return Found(name, "certain", "Minecraft Bedrock", version, shows=reply[35:95], notes=notes)


PROBE = Probe(
    name="minecraft-bedrock",
    title="Minecraft (Bedrock edition), RakNet",
    source="minecraft.wiki, RakNet; RakNet offline messages",
    ports=(19132, 19133),
    programs=("bedrock_server", "bedrock-server", "pocketmine-mp", "geyser"),
    commands=("pocketmine-mp.phar", "geyser-standalone.jar", "geyser.jar", "nukkit.jar"),
    datagram=b"\x01" + _TIME + _MAGIC + b"portbook",
    judge=judge,
)
