"""ZooKeeper: four-letter words, the client speaks first and the server closes after its answer."""

from portbook.identify.probe import Found, More, Probe, Talk

_VERSION = b"Zookeeper version: "


def judge(talk: Talk) -> Found | More | None:
    """`Zookeeper version: 3.8.0-...`; or it says that `srvr` is not allowed, or has no quorum."""
    if talk.transport != "tcp" or talk.opener != "zookeeper" or len(talk.turns) > 1:
        return None
    reply = talk.first
    line, end, _ = reply[:300].partition(b"\n")
    if line.startswith(_VERSION):
        if not end and not talk.ended:
            return More()
        version = line[len(_VERSION) :].partition(b",")[0].partition(b"-")[0].strip()
        told = version.decode("ascii", "replace")[:40]
        product = "Apache ZooKeeper"
        return Found("zookeeper", "certain", product, told or None, shows=line[:60])
    if line == b"srvr is not executed because it is not in the whitelist.":
        return Found("zookeeper", "certain", "Apache ZooKeeper", shows=line)
    if line == b"This ZooKeeper instance is not currently serving requests":
        return Found("zookeeper", "certain", shows=line, notes=("does not serve requests",))
    start = (_VERSION, b"srvr is not executed", b"This ZooKeeper instance")
    cut = any(each.startswith(reply) or reply.startswith(each) for each in start)
    return More() if cut and not talk.ended else None


PROBE = Probe(
    name="zookeeper",
    title="Apache ZooKeeper",
    source="ZooKeeper Administrator's Guide, The Four Letter Words",
    ports=(2181,),
    programs=("zookeeper",),
    commands=("org.apache.zookeeper.server",),
    opener=b"srvr",
    judge=judge,
)
