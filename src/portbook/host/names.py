"""Host names, resolved by the system (files, DNS, whatever nsswitch.conf says)."""

import socket

from portbook.model.errors import EnvironmentFault


def addresses_of(name: str) -> tuple[str, ...]:
    """The addresses of a host name or address, in the system's order (RFC 6724).

    Raises:
        EnvironmentFault: there is no such name, or nobody who could tell.
    """
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no host name"
        raise EnvironmentFault(f"the host {name!r} cannot be resolved: {reason}") from None
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))
