"""Minetest/Luanti: an empty packet makes the server assign a peer id; we give it back."""

from portbook.identify.probe import Found, Probe, Talk

_MAGIC = b"\x4f\x45\x74\x03"
_RELIABLE, _CONTROL, _SET_PEER_ID, _DISCONNECT = 3, 0, 1, 3


def judge(talk: Talk) -> Found | None:
    """A reliable control packet, SET_PEER_ID; then DISCO, as the game's own server list does."""
    reply = talk.first
    if talk.transport != "udp" or len(reply) != 14 or not reply.startswith(_MAGIC):
        return None
    if reply[7] != _RELIABLE or reply[10:12] != bytes((_CONTROL, _SET_PEER_ID)):
        return None
    if len(talk.turns) > 1:
        return None
    leave = _MAGIC + reply[12:14] + bytes((0, _CONTROL, _DISCONNECT))
    return Found("minetest", "certain", shows=reply, parting=leave)


PROBE = Probe(
    name="minetest",
    title="Minetest (Luanti)",
    source="Minetest network protocol (doc/protocol.txt)",
    ports=(30000,),
    programs=("minetestserver", "minetest-server", "luantiserver", "luanti", "minetest"),
    datagram=_MAGIC + b"\x00\x00\x00\x01",
    judge=judge,
)
