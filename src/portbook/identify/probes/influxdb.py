"""InfluxDB: every HTTP response has its version in a header."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page, upstream


def judge(talk: Talk) -> Found | None:
    """X-Influxdb-Version."""
    response = page(talk)
    if response is None or "x-influxdb-version" not in response.headers:
        return None
    said = response.header("x-influxdb-version")
    shows = b"X-Influxdb-Version: " + said.encode("latin-1")
    return Found("http", "certain", "InfluxDB", upstream(said), shows)


PROBE = Probe(
    name="influxdb",
    title="InfluxDB",
    source="InfluxDB documentation, /ping HTTP API",
    ports=(8086,),
    programs=("influxd", "influxdb"),
    reacts_to=("http",),
    judge=judge,
)
