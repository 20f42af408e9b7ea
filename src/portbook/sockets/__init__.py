"""What the kernel says: which sockets hold which ports. No process names: see owners."""

from portbook.sockets.reach import reach_of
from portbook.sockets.reading import SOURCES, read_table
from portbook.sockets.settings import PortSettings, read_settings
from portbook.sockets.table import LISTENER_STATES, SocketTable

__all__ = [
    "LISTENER_STATES",
    "SOURCES",
    "PortSettings",
    "SocketTable",
    "reach_of",
    "read_settings",
    "read_table",
]
