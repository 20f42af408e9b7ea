"""Writing a file that the user named: whole or not at all."""

import os
import stat

from portbook.model import EnvironmentFault


def write_file(path: str, data: bytes, *, what: str) -> None:
    """Put `data` at `path` in one step: what was there stays whole until the new file is.

    `what` is what an error calls it.

    Raises:
        EnvironmentFault: it cannot be written; nothing was changed.
    """
    try:
        target = os.path.realpath(path)
        mode = os.stat(target).st_mode if os.path.lexists(target) else stat.S_IFREG | 0o644
        if not stat.S_ISREG(mode):
            raise EnvironmentFault(
                f"cannot write {what} {path}: it is no regular file", hint="name a file"
            )
        _replace(target, data, stat.S_IMODE(mode))
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise EnvironmentFault(f"cannot write {what} {path}: {said}") from error


def _replace(target: str, data: bytes, mode: int) -> None:
    beside = f"{target}.{os.getpid()}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    number = os.open(beside, flags, mode)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise
