"""Choosing the source that this host can answer from: netlink, then /proc/net, then psutil.

A source is a module with one function, `read(host, port)`: every socket that holds a local port
(or only those that hold `port`), in any state. What a source cannot tell is `Unknown` in the row
and a gap of the table.
"""

from portbook.host import Host
from portbook.model import EnvironmentFault, Gap, Joined, Said, UsageError
from portbook.sockets.table import SocketTable, SourceFailed

SOURCES = ("netlink", "procnet", "psutil")


def read_table(
    host: Host,
    *,
    port: int | None = None,
    every_state: bool = False,
    source: str | None = None,
) -> SocketTable:
    """The sockets of this network namespace that hold a port, from the best source that answers.

    Only listeners (listening, bound, unconnected UDP) are read, unless `every_state` asks for
    clients and closing connections too. With `port`, only those whose local port it is.

    Raises:
        EnvironmentFault: no source can answer.
        UsageError: `source` is none of SOURCES.
    """
    if source is not None and source not in SOURCES:
        raise UsageError(f"unknown socket source {source!r}", hint=f"one of {', '.join(SOURCES)}")
    reasons: list[Gap] = []
    failures: list[str] = []
    for name in (source,) if source else SOURCES if host.linux else ("psutil",):
        try:
            table = _read(name, host, port, every_state=every_state)
        except SourceFailed as failed:
            what = Said("sockets from %(source)s", source=name)
            reasons.append(Gap(what, failed.why, failed.hint))
            failures.append(Said("%(where)s: %(why)s", where=name, why=failed.why))
            continue
        return table._replace(gaps=(*reasons, *table.gaps))
    raise EnvironmentFault(
        Said("cannot read the socket table: %(reasons)s", reasons=Joined(failures)),
        hint=next((gap.hint for gap in reasons if gap.hint), None),
    )


def _read(name: str, host: Host, port: int | None, *, every_state: bool) -> SocketTable:
    """Imports only the source that is asked: start-up time is a budget."""
    if name == "netlink":
        from portbook.sockets import netlink_source

        return netlink_source.read(host, port, every_state=every_state)
    if name == "procnet":
        from portbook.sockets import procnet_source

        return procnet_source.read(host, port, every_state=every_state)
    from portbook.sockets import psutil_source

    return psutil_source.read(host, port, every_state=every_state)
