"""Sockets from psutil: the backend on macOS and Windows. It names one process per socket.

psutil tells neither inode, nor v6only, nor cgroup, and leaves out sockets that are bound without
listening. Without root on macOS other users' sockets are missing; the gap says so.
"""

from socket import AF_INET6, SOCK_STREAM

from portbook.host import Host
from portbook.model import Gap, Said, Socket, Transport, Unknown, Verbatim
from portbook.sockets.table import LISTENER_STATES, SocketTable, SourceFailed

_UNTOLD = Unknown("unsupported", "psutil does not tell")
_GAP = Gap(
    Said("sockets bound without listening, whether [::] also takes IPv4, and who shares a socket"),
    Said("psutil does not tell"),
)
_STATES = {
    "LISTEN": "listen",
    "ESTABLISHED": "established",
    "SYN_SENT": "syn-sent",
    "SYN_RECV": "syn-received",
    "FIN_WAIT1": "fin-wait-1",
    "FIN_WAIT2": "fin-wait-2",
    "TIME_WAIT": "time-wait",
    "CLOSE": "bound",
    "CLOSE_WAIT": "close-wait",
    "LAST_ACK": "last-ack",
    "CLOSING": "closing",
}


def read(host: Host, port: int | None = None, *, every_state: bool = False) -> SocketTable:
    """Listeners of this machine; with `every_state` every socket that holds a port.

    Raises:
        SourceFailed: psutil is not installed, or the system refuses.
    """
    if not host.live:
        raise SourceFailed(Said("psutil cannot read a recorded host"))
    try:
        import psutil
    except ImportError:
        raise SourceFailed(Said("psutil is not installed"), Said("pip install psutil")) from None
    try:
        connections = psutil.net_connections(kind="inet")
    except (psutil.AccessDenied, PermissionError):
        raise SourceFailed(Said("the system refuses"), Said("run as root")) from None
    except (psutil.Error, OSError) as error:
        raise SourceFailed(Verbatim(error)) from error
    sockets: list[Socket] = []
    pids: list[int | None] = []
    for connection in connections:
        if not connection.laddr or (port is not None and connection.laddr.port != port):
            continue
        tcp = connection.type == SOCK_STREAM
        if tcp:
            state = _STATES.get(connection.status, connection.status.lower())
        else:
            state = "established" if connection.raddr else "unconnected"
        if not every_state and state not in LISTENER_STATES:
            continue
        address = connection.laddr.ip
        sockets.append(
            Socket(
                Transport.TCP if tcp else Transport.UDP,
                address,
                connection.laddr.port,
                "ipv6" if connection.family == AF_INET6 else "ipv4",
                _UNTOLD if address == "::" else False,
                state,
                _UNTOLD,
                _UNTOLD,
                _UNTOLD,
                _UNTOLD if state == "listen" else None,
                _UNTOLD if state in ("listen", "unconnected") else None,
                None,
                _UNTOLD,
                f"{connection.raddr.ip}:{connection.raddr.port}" if connection.raddr else None,
            )
        )
        pids.append(connection.pid)
    return SocketTable(tuple(sockets), "psutil", (_GAP,), tuple(pids))
