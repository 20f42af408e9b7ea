"""ClickHouse's HTTP interface: the root says Ok, its headers say ClickHouse."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page


def judge(talk: Talk) -> Found | None:
    """An X-ClickHouse header; the version is told to queries only, and none is made."""
    response = page(talk)
    if response is None:
        return None
    header = next((name for name, _ in response.pairs if name.lower().startswith(_PREFIX)), None)
    if header is None:
        return None
    locked = response.header("x-clickhouse-exception-code") in ("194", "516")
    notes = ("asks for a password",) if locked else ()
    return Found("http", "certain", "ClickHouse", shows=header.encode("ascii"), notes=notes)


_PREFIX = "x-clickhouse-"

PROBE = Probe(
    name="clickhouse-http",
    title="ClickHouse over HTTP",
    source="ClickHouse documentation, HTTP interface",
    ports=(8123,),
    secure_ports=(8443,),
    programs=("clickhouse-server", "clickhouse"),
    reacts_to=("http",),
    judge=judge,
)
