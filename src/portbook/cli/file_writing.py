"""Writing a file that the user named: whole or not at all."""

import contextlib
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
        before = os.stat(target) if os.path.lexists(target) else None
        if before is not None and not stat.S_ISREG(before.st_mode):
            raise EnvironmentFault(
                f"cannot write {what} {path}: it is no regular file", hint="name a file"
            )
        _replace(target, data, before)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise EnvironmentFault(f"cannot write {what} {path}: {said}") from error


def _replace(target: str, data: bytes, before: os.stat_result | None) -> None:
    """A new file in the place of the old one, with its mode and, where that may be, its owner."""
    beside = f"{target}.{os.getpid()}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    number = os.open(beside, flags, 0o644 if before is None else 0o600)
    try:
        if before is not None:
            # The owner first: to change it takes set-user-id bits away.
            with contextlib.suppress(PermissionError):
                os.fchown(number, before.st_uid, before.st_gid)
            os.fchmod(number, stat.S_IMODE(before.st_mode))
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise
