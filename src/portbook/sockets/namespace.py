"""Which network namespace we look at."""

from portbook.host import Host
from portbook.model import Unknown


def own_namespace(host: Host) -> int | Unknown:
    """The inode number of our network namespace (namespaces(7))."""
    try:
        return host.inode("/proc/self/ns/net")
    except OSError:
        return Unknown("denied", "network namespaces cannot be told apart without /proc")
