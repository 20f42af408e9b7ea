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
    return tuple(dict.fromkeys(_text(each[4]) for each in found))


def _text(place: tuple[object, ...]) -> str:
    """The address, with the interface that a link-local one needs (RFC 4007)."""
    scope = place[3] if len(place) > 3 else 0
    return f"{place[0]}%{scope}" if scope else str(place[0])


def is_ours(address: str) -> bool:
    """Whether an address is one of this machine's: only those can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    plain, _, scope = address.partition("%")
    place = (plain, 0, 0, int(scope or 0)) if family == socket.AF_INET6 else (plain, 0)
    with socket.socket(family, socket.SOCK_DGRAM) as tried:
        try:
            tried.bind(place)
        except OSError:
            return False
    return True
