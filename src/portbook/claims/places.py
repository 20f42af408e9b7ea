"""Where the claims of a user are kept, and where the service answers."""

import os

from portbook.host.folders import SYSTEM_SOCKET, claims_file, state_folder

__all__ = ["PORTSERVER", "SYSTEM_SOCKET", "own_socket", "sockets", "store_path"]

PORTSERVER = "@portbook"
"""The abstract Unix socket that speaks portpicker's protocol."""


def store_path() -> str:
    """claims.sqlite in PORTBOOK_DATA_HOME, else below XDG_DATA_HOME or ~/.local/share.

    `.lock` and `.tokens` are beside it: who writes, and how far the tokens have come.
    """
    return claims_file()


def own_socket() -> str:
    """Where our own service listens: PORTBOOK_SOCKET, or portbook.sock in a folder of ours.

    The folder is PORTBOOK_DATA_HOME, else XDG_RUNTIME_DIR, /run/portbook for root, and the state
    folder for who has neither.
    """
    if named := os.environ.get("PORTBOOK_SOCKET"):
        return named
    if os.environ.get("PORTBOOK_DATA_HOME"):
        return f"{state_folder()}/portbook.sock"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        return f"{runtime}/portbook.sock"
    return SYSTEM_SOCKET if os.geteuid() == 0 else f"{state_folder()}/portbook.sock"


def sockets() -> tuple[str, ...]:
    """Where a service may answer us, the first that does first."""
    own = own_socket()
    if os.environ.get("PORTBOOK_SOCKET") or os.environ.get("PORTBOOK_DATA_HOME"):
        return (own,)
    return tuple(dict.fromkeys((own, SYSTEM_SOCKET)))
