"""Numbers for tests that need one before anything is bound to it: free, and nobody else's soon."""

import random
import socket
from contextlib import ExitStack
from itertools import cycle

# The kernel gives numbers up to 60999 to whoever asks for any (ip-sysctl, ip_local_port_range), and
# portbook chooses below 49152: these are nobody's by chance. In an order that is drawn, so that
# two runs beside each other differ, and each once before any comes again: a claim that a test left
# behind is no other test's obstacle.
_NUMBERS = cycle(random.sample(range(61_000, 65_536), 4_536))


def free_port() -> int:
    """A number that TCP and UDP can have on every address of both families."""
    return next(port for port in _NUMBERS if _free(port))


def _free(port: int) -> bool:
    family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    with ExitStack() as held:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            probe = held.enter_context(socket.socket(family, kind))
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True
