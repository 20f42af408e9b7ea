"""Minecraft (Java edition): a handshake for status brings version and players as JSON."""

import json

from portbook.identify.probe import Found, More, Probe, Talk

_MOST_LENGTH_BYTES = 3


def judge(talk: Talk) -> Found | More | None:
    """A packet 0 with one text, a JSON object; the lengths agree."""
    if talk.transport != "tcp" or talk.opener != "minecraft":
        return None
    reply = talk.first
    packet = _number(reply, 0)
    text = _number(reply, packet[1] + 1) if packet else None
    if packet is None or text is None:
        return More() if len(reply) < 7 and not talk.ended and _may_begin(reply) else None
    if reply[packet[1]] != 0 or packet[0] != text[0] + text[1] - packet[1]:
        return None
    body = reply[text[1] : text[1] + text[0]]
    if not body.startswith(b"{") and body:
        return None
    if len(body) < text[0]:
        # Those with large pictures say more than is read.
        found = Found("minecraft", "likely", shows=reply[:60])
        return found if talk.ended else More(found)
    return _status(body)


def _may_begin(reply: bytes) -> bool:
    return len(reply) < 2 or reply[0] > 0x7F or reply[1] == 0


def _status(body: bytes) -> Found | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    version = said.get("version") if isinstance(said, dict) else None
    if not isinstance(version, dict) or not isinstance(version.get("protocol"), int):
        return None
    name = version.get("name")
    words = name.split() if isinstance(name, str) else []
    product, number = "Minecraft", None
    if words and words[-1][:1].isdigit():
        product, number = " ".join(words[:-1]) or product, words[-1]
    return Found("minecraft", "certain", product, number, shows=body[:80])


def _number(data: bytes, at: int) -> tuple[int, int] | None:
    """A VarInt and where it ends; None where it is cut or too large."""
    value = 0
    for shift, byte in enumerate(data[at : at + _MOST_LENGTH_BYTES]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    return None


def _question() -> bytes:
    # Version -1: only the status is wanted. Then the request, an empty packet 0.
    handshake = b"\x00\xff\xff\xff\xff\x0f\x09localhost" + (25565).to_bytes(2) + b"\x01"
    return bytes((len(handshake),)) + handshake + b"\x01\x00"


PROBE = Probe(
    name="minecraft",
    title="Minecraft (Java edition)",
    source="minecraft.wiki, Java Edition protocol/Server List Ping",
    ports=(25565,),
    programs=("minecraft-server", "velocity-proxy"),
    commands=(
        *(
            "minecraft_server",
            "paper.jar",
            "paper-1.",
            "spigot.jar",
            "spigot-1.",
            "craftbukkit.jar",
        ),
        *("craftbukkit-1.", "net.minecraft.server", "velocity.jar", "waterfall.jar"),
        *("bungeecord.jar", "fabric-server-launch.jar", "fabric-server-mc.", "io.papermc"),
    ),
    opener=_question(),
    judge=judge,
)
