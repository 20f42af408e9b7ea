"""Where portbook keeps what is its user's own (XDG base directory specification)."""

import os


def data_folder() -> str:
    """PORTBOOK_DATA_HOME, else `portbook` in XDG_DATA_HOME or ~/.local/share."""
    return _folder("XDG_DATA_HOME", "~/.local/share")


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
