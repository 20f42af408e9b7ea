"""Kafka: the client speaks first; ApiVersions is what every client asks before anything else."""

from portbook.identify.probe import Found, More, Probe, Talk

_ID = b"port"
_REQUEST = b"\0\x12\0\0" + _ID + b"\xff\xff"
_API_VERSIONS = b"\0\x12"
_MOST_KEYS = 1000


def judge(talk: Talk) -> Found | More | None:
    """Our number, no error, and a list of (key, oldest, newest) that has ApiVersions in it."""
    reply = talk.first
    if talk.transport != "tcp" or talk.opener != "kafka" or len(talk.turns) > 1:
        return None
    size, count = int.from_bytes(reply[:4]), int.from_bytes(reply[10:14])
    if len(reply) < 14:
        cut = reply[:1] == b"\0" and _ID.startswith(reply[4:8])
        return More() if cut and not talk.ended else None
    error = int.from_bytes(reply[8:10])
    if reply[4:8] != _ID or error not in (0, 35) or count > _MOST_KEYS or size < 10 + 6 * count:
        return None
    if len(reply) < 4 + size:
        return None if talk.ended else More()
    keys = [reply[at : at + 2] for at in range(14, 14 + 6 * count, 6)]
    if size > 14 + 6 * count or (_API_VERSIONS not in keys and not error):
        return None
    shows = reply[:20]
    return Found("kafka", "certain", shows=shows, notes=(f"{len(keys)} kinds of requests",))


PROBE = Probe(
    name="kafka",
    title="Apache Kafka",
    source="Apache Kafka protocol guide, kafka.apache.org/protocol: ApiVersions",
    ports=(9092, 9094),
    secure_ports=(9093,),
    programs=("redpanda", "kafka"),
    commands=("kafka.kafka", "kraft/server.properties"),
    opener=len(_REQUEST).to_bytes(4) + _REQUEST,
    judge=judge,
)
