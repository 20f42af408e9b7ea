"""The node of Munin: the server greets; `version` is the question that every node answers."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_GREETING = b"# munin node at "
_VERSION = b"version\n"


def judge(talk: Talk) -> Found | More | Send | None:
    """`# munin node at NAME`, then `munins node on NAME version: 2.0.73`."""
    line, end, _ = talk.first[:320].partition(b"\n")
    if talk.transport != "tcp" or len(talk.turns) > 2 or not line.startswith(_GREETING):
        return None
    if not end and not talk.ended:
        return More()
    found = Found("munin", "certain", "Munin", shows=line[: len(_GREETING)].strip())
    if len(talk.turns) == 1:
        return Send(_VERSION, found)
    said, end, _ = talk.reply[:320].partition(b"\n")
    before, word, version = said.partition(b" version: ")
    if not end and not talk.ended:
        return More(found)
    if not word or not before.startswith(b"munin"):
        return found
    return found._replace(version=version[:40].decode("ascii", "replace").strip() or None)


PROBE = Probe(
    name="munin",
    title="Munin node",
    source="Munin guide, network protocol",
    services=("munin",),
    ports=(4949,),
    programs=("munin-node", "munin-node-c", "muninlite"),
    commands=("munin-node",),
    speaks_first=True,
    judge=judge,
)
