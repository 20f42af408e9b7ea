"""The Unix socket of the service: where it listens, and only one of us at a time.

A socket file that nobody answers on is what a killed service left behind, and is replaced; one
that answers is another service's. A path longer than the 107 bytes of sockaddr_un (unix(7)) is
reached through its folder's descriptor in /proc.
"""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator

from portbook.claims.places import SYSTEM_SOCKET
from portbook.model import EnvironmentFault, NotPermitted

_LONGEST = 107 - len(".4194304")
_BACKLOG = 2048


class UnixListener:
    """A listening socket at a path, whose file goes when we do.

    Anybody may connect to that of the machine, which asks the kernel who each of them is; to a
    user's own, the user and root.

    Raises:
        EnvironmentFault: another service answers there, or no socket can be made.
        NotPermitted: the folder cannot be written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        mode = 0o666 if path == SYSTEM_SOCKET else 0o600
        try:
            folder_mode = 0o755 if path == SYSTEM_SOCKET else 0o700
            os.makedirs(os.path.dirname(path) or ".", folder_mode, exist_ok=True)
            with _reached(path) as near:
                self.socket = _listening(path, near, mode)
                self._file = _identity(near)
        except PermissionError as error:
            raise NotPermitted(f"no socket can be made at {path}: {error.strerror}") from None
        except OSError as error:
            raise EnvironmentFault(f"no socket can be made at {path}: {error.strerror}") from None

    def close(self) -> None:
        """Listen no more; the file is removed if it is still ours."""
        with contextlib.suppress(OSError), _reached(self.path) as near:
            if _identity(near) == self._file:
                os.unlink(near)
        self.socket.close()


@contextlib.contextmanager
def _reached(path: str) -> Iterator[str]:
    """A path of the same file that fits into an address."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield path
        return
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"
    finally:
        os.close(folder)


def _identity(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino


def _listening(path: str, near: str, mode: int) -> socket.socket:
    """Bind under a name of our own and rename it: nobody finds it before it listens.

    Raises:
        EnvironmentFault: somebody answers there already, or another kind of file is there.
        OSError: as bind(2) and rename(2).
    """
    try:
        kind = os.lstat(near).st_mode
    except FileNotFoundError:
        pass
    else:
        if not stat.S_ISSOCK(kind):
            raise EnvironmentFault(f"{path} is there and no socket", hint="--socket PATH")
        if _answers(near):
            raise EnvironmentFault(
                f"another service answers at {path}", hint="--socket PATH, or end the other"
            )
    beside = f"{near}.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)  # of a process with our PID that was killed
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # bind(2) makes the file with what the umask leaves; connecting needs to write it. It
        # could be connected to only from listen(2) on, after chmod(2).
        made.bind(beside)
        try:
            os.chmod(beside, mode)
            made.listen(_BACKLOG)
            os.rename(beside, near)
        except BaseException:
            os.unlink(beside)
            raise
    except BaseException:
        made.close()
        raise
    return made


def _answers(path: str) -> bool:
    """Whether anybody takes connections at the socket file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(2.0)
        try:
            link.connect(path)
        except OSError as error:
            if error.errno in (errno.ECONNREFUSED, errno.ENOENT, errno.EPROTOTYPE):
                return False
            if isinstance(error, (TimeoutError, BlockingIOError)):
                return True
            raise
        return True
