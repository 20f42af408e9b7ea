"""Quake III and the many games on its engine: getstatus brings the server's variables."""

from portbook.identify.probe import Found, Probe, Talk

_REPLY = b"\xff\xff\xff\xffstatusResponse\n\\"
_MOST = 4096
_ENGINES = {
    "ioq3": "ioquake3",
    "Q3": "Quake III Arena",
    "ET": "Wolfenstein: Enemy Territory",
    "RTCW": "Return to Castle Wolfenstein",
}


def judge(talk: Talk) -> Found | None:
    """The answer's name, and variables on one line: key and value, each after a backslash."""
    if talk.transport != "udp" or not talk.first.startswith(_REPLY):
        return None
    line = talk.first[len(_REPLY) : _MOST].partition(b"\n")[0]
    fields = line.decode("latin-1").split("\\")
    if len(fields) < 2:
        return None
    said = dict(zip(fields[::2], fields[1::2], strict=False))
    words = said.get("version", "").split()
    product = version = None
    if words:
        product = _ENGINES.get(words[0], words[0])
        numbered = next((word for word in words[1:3] if word[0].isdigit()), "")
        version = numbered.partition("+")[0].partition("_")[0] or None
    game = said.get("gamename") or said.get("com_gamename")
    notes = (f"game {game}",) if game else ()
    return Found("quake3", "certain", product, version, shows=talk.first[4:80], notes=notes)


PROBE = Probe(
    name="quake3",
    title="Quake III engine (game server)",
    source="ioquake3 sources (sv_main.c, getstatus); Quake III network protocol",
    services=("quake",),
    ports=(27960, 26000, 27950),
    programs=(
        *("ioq3ded", "ioquake3-server", "openarena-server", "oa_ded", "q3ded", "etded", "etlded"),
        *("xonotic-dedicated", "darkplaces-dedicated", "tremded", "unvanquished-server"),
    ),
    datagram=b"\xff\xff\xff\xffgetstatus",
    judge=judge,
)
