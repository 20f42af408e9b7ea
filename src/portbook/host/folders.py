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
