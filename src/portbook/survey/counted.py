"""How many listeners have which verdict, over which transport and for whom to reach."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from portbook.model import Listener

VERDICTS = ("expected", "familiar", "unregistered", "mismatch", "suspicious", "unknown")
_TRANSPORTS = ("tcp", "udp")
_REACHES = ("loopback", "link-local", "private", "any")


def counted(rows: "Iterable[Listener]") -> dict[tuple[str, str, str], int]:
    """Listeners by (verdict, transport, reach).

    What could be there and is not counts 0: a series that comes and goes is no use to an alert.
    Another network namespace, which few ask for, is counted where it is.
    """
    found = {
        (verdict, transport, reach): 0
        for verdict in VERDICTS
        for transport in _TRANSPORTS
        for reach in _REACHES
    }
    for row in rows:
        key = (row.verdict.value, str(row.socket.transport), row.reach)
        found[key] = found.get(key, 0) + 1
    return found
