"""A2S_INFO: what Source, GoldSource and many other Steam game servers tell of themselves."""

from portbook.identify.probe import Found, Probe, Send, Talk

_QUESTION = b"\xff\xff\xff\xffTSource Engine Query\0"
_HEAD = b"\xff\xff\xff\xff"
_INFO, _CHALLENGE = b"I", b"A"
_MOST = 1400
_BETWEEN = 9
"""Bytes between the texts and the version: id, players, most, bots, kind, system, password, VAC."""


def judge(talk: Talk) -> Found | Send | None:
    """The information, or a challenge that has to be given back before it comes."""
    if talk.transport != "udp" or talk.opener != "a2s":
        return None
    reply = talk.reply
    if reply.startswith(_HEAD + _INFO):
        return _information(reply[:_MOST])
    if len(talk.first) != 9 or not talk.first.startswith(_HEAD + _CHALLENGE):
        return None
    found = Found("a2s", "likely", shows=talk.first)
    if len(talk.turns) == 1:
        return Send(_QUESTION + talk.first[5:], found)
    return found


def _information(reply: bytes) -> Found | None:
    """Protocol, four texts that end in zero, nine bytes, and the version as text."""
    texts = reply[6:].split(b"\0", 4)
    if len(texts) < 5 or len(texts[4]) < _BETWEEN + 2:
        return None
    rest = texts[4]
    # Kind of server, its system, and two flags have few values.
    if rest[5:6] not in b"dlpDLP" or rest[6:7] not in b"lwmoLWMO" or max(rest[7:9]) > 1:
        return None
    version = rest[_BETWEEN:].partition(b"\0")[0].decode("utf-8", "replace")[:40]
    game = texts[3].decode("utf-8", "replace").strip()[:80]
    notes = ("asks for a password",) if rest[7] else ()
    return Found("a2s", "certain", game or None, version or None, shows=reply[:80], notes=notes)


PROBE = Probe(
    name="a2s",
    title="Steam game server (A2S)",
    source="Valve developer wiki, Server queries",
    ports=(27015, 27016),
    programs=(
        *("srcds_linux", "srcds_run", "hlds_linux", "hlds_run", "valheim_server", "rustdedicated"),
        *("arma3server", "shootergameserver", "7daystodieserve", "unturned_headles"),
    ),
    datagram=_QUESTION,
    judge=judge,
)
