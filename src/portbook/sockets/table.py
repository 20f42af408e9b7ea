"""What a source of sockets answers with."""

from portbook.model import Gap, Socket
from portbook.model.record import Record

LISTENER_STATES = frozenset({"listen", "bound", "unconnected"})
"""The states of a socket that serves, or keeps a port from being served."""


class SocketTable(Record):
    """Sockets as one source sees them, and what that source cannot say.

    Where the source itself names processes (psutil), `pids` has one for each socket, in order.
    """

    sockets: tuple[Socket, ...]
    source: str
    gaps: tuple[Gap, ...] = ()
    pids: tuple[int | None, ...] = ()


class SourceFailed(Exception):
    """A source cannot answer on this host. The message says why, the hint what would help."""

    def __init__(self, why: str, hint: str | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint
