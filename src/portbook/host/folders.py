"""Where portbook keeps what is its user's own (XDG base directory specification)."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection


def data_folder() -> str:
    """PORTBOOK_DATA_HOME, else `portbook` in XDG_DATA_HOME or ~/.local/share."""
    return _folder("XDG_DATA_HOME", "~/.local/share")


SYSTEM_SOCKET = "/run/portbook/portbook.sock"
"""Where the service of the machine listens, that of contrib/portbook.socket."""


def claims_file() -> str:
    """The store of a user's claims, claims.sqlite in the data folder."""
    return f"{data_folder()}/claims.sqlite"


def any_claims(ports: "Collection[int] | None" = None) -> bool:
    """Whether there can be claims, on these ports if some are named; cheap, with little imported.

    A service of our own has the store open, so that its files tell of it too. Of another user's
    service nothing is known before it is asked.
    """
    if os.environ.get("PORTBOOK_SOCKET"):
        return True
    if not os.environ.get("PORTBOOK_DATA_HOME") and os.path.lexists(SYSTEM_SOCKET):
        return True
    path = claims_file()
    if not os.path.lexists(path):
        return False
    if ports is None:
        return True
    from portbook.host.port_marks import SUFFIX, any_marked

    return any_marked(path + SUFFIX, ports)


SYSTEM_STATE = "/var/lib/portbook-serve"
"""The state folder of the service of the machine, that of contrib/portbook.service."""
_FEW = 8


def hour_files(ports: "Collection[int]") -> list[tuple[int, str]]:
    """(port, path) of what watching services may have written of these ports' last hour.

    For a few ports every path that there can be: to open one that is not there takes 3 us.
    """
    own = state_folder()
    folders = (own,) if os.environ.get("PORTBOOK_DATA_HOME") else (own, SYSTEM_STATE)
    found = []
    for folder in folders:
        wanted = ports
        if len(ports) > _FEW:
            try:
                names = set(os.listdir(f"{folder}/traffic"))
            except OSError:
                continue
            wanted = [port for port in ports if f"{port}.json" in names]
        found += [(port, f"{folder}/traffic/{port}.json") for port in wanted]
    return found


def open_hour(path: str) -> int:
    """A descriptor of such a file; -1 where there is none or it cannot be read."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return -1


def state_folder() -> str:
    """PORTBOOK_DATA_HOME, else `portbook` in XDG_STATE_HOME or ~/.local/state."""
    return _folder("XDG_STATE_HOME", "~/.local/state")


def _folder(variable: str, usual: str) -> str:
    own = os.environ.get("PORTBOOK_DATA_HOME")
    if own:
        return own
    found = os.environ.get(variable)
    # A relative path is invalid by the specification, and is ignored.
    if not found or not found.startswith("/"):
        found = os.path.expanduser(usual)
    return f"{found}/portbook"
