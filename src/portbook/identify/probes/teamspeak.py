"""TeamSpeak 3: ServerQuery greets on TCP; the voice port answers the first step of its puzzle."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_GREETING = b"TS3\n\rWelcome to the TeamSpeak 3 ServerQuery interface"
_INIT = b"TS3INIT1"


def judge(talk: Talk) -> Found | More | Send | None:
    """The greeting, then the command that tells the version and needs no login."""
    if talk.transport == "udp":
        return _voice(talk)
    if not talk.first.startswith(_GREETING[: max(len(talk.first), 5)]):
        return None
    if len(talk.first) < len(_GREETING):
        return None if talk.ended else More()
    found = Found("teamspeak", "certain", "TeamSpeak 3", shows=_GREETING[:3], notes=("query",))
    if talk.opener:
        return found
    if len(talk.turns) == 1:
        # The welcome is two lines; the second one may still be on its way.
        done = talk.first.endswith(b"\n\r") and talk.first.count(b"\n\r", 0, 1024) >= 2
        return Send(b"version\n", found) if done or talk.ended else More(found)
    return _versioned(talk, found)


def _versioned(talk: Talk, found: Found) -> Found | More:
    line, end, _ = talk.reply[:512].partition(b"\n\r")
    if not end and not talk.ended:
        return More(found)
    for part in line.split(b" "):
        if part.startswith(b"version="):
            version = part[8:40].decode("ascii", "replace")
            return found._replace(version=version or None, shows=line)
    return found


def _voice(talk: Talk) -> Found | None:
    """Step 1 of the connection's puzzle: nothing is kept by the server before it is solved."""
    reply = talk.first
    if talk.opener != "teamspeak" or len(reply) != 32 or not reply.startswith(_INIT):
        return None
    if reply[8:12] != b"\x00\x65\x88\x01":
        return None
    return Found("teamspeak", "certain", "TeamSpeak 3", shows=reply[:12], notes=("voice",))


PROBE = Probe(
    name="teamspeak",
    title="TeamSpeak 3",
    source="TeamSpeak 3 ServerQuery manual; ts3protocol.md (community)",
    ports=(10011, 9987),
    programs=("ts3server", "teamspeak3-server", "teamspeak-serve", "teamspeak3"),
    speaks_first=True,
    # Packet id, no client, flags; the client's version, step 0, time, random bytes, reserved.
    datagram=_INIT + bytes.fromhex("0065000088 06ebd9c2 00 5f000000 706f7274 0000000000000000"),
    judge=judge,
)
