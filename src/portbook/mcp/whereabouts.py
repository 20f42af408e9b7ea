"""The folder that a call is about: the server's own, unless one is given."""

import os

from portbook.model import EnvironmentFault


def folder_or_own(folder: str | None) -> str:
    """The given folder, else the server's working folder.

    Raises:
        EnvironmentFault: it is, or is below, the server's working folder, which was removed.
    """
    if folder is not None and os.path.isabs(folder):
        return folder
    try:
        own = os.getcwd()
    except OSError:
        raise EnvironmentFault(
            "the server's working folder is gone", hint="give folder, an absolute one"
        ) from None
    return own if folder is None else folder
