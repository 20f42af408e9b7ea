"""Who may see what this machine does: a token in a file, one-time codes, sessions of browsers.

The token is 256 random bits in a file that only its owner can read; any program of the owner's may
use it. A browser gets a session instead, for a code that `portbook open` asked for with the token:
the code is good for one minute and one use, because a browser's command line is no secret place.
"""

import errno
import hmac
import os
import re
import secrets
import stat
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING

from portbook.host import Host, clock
from portbook.host.folders import state_folder
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.record import Record

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

_COOKIE = "portbook-session"
CODE_SECONDS = 60.0
SESSION_SECONDS = 12 * 3600.0
"""A session ends when it was not used for so long."""
MOST_CODES = 64
MOST_SESSIONS = 256
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{43}")
_ELSEWHERE = "PORTBOOK_DATA_HOME names another folder"


def default_path() -> str:
    """`token` in PORTBOOK_DATA_HOME, else in `portbook` below XDG_STATE_HOME or ~/.local/state."""
    return f"{state_folder()}/token"


def kept_token(path: str) -> str:
    """The token in a file of ours, which is made if it is not there.

    Raises:
        EnvironmentFault: it is no token file, or not ours alone.
        NotPermitted: it cannot be read or made.
    """
    try:
        return read_token(path).token
    except FileNotFoundError:
        pass
    try:
        _write(path, secrets.token_urlsafe(32))
    except OSError as error:
        kind = NotPermitted if error.errno in (errno.EACCES, errno.EPERM) else EnvironmentFault
        raise kind(f"no token can be kept in {path}: {error.strerror}", hint=_ELSEWHERE) from None
    # Another server may have made it first: then it is the other's that counts.
    return read_token(path).token


def _write(path: str, token: str) -> None:
    """Put a whole file there in one step, unless there is one."""
    os.makedirs(os.path.dirname(path) or ".", 0o700, exist_ok=True)
    beside = f"{path}.{os.getpid()}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with suppress(FileNotFoundError):
        os.unlink(beside)  # of a process with our PID that was killed
    with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
        try:
            file.write(f"{token}\n".encode())
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(beside, path, follow_symlinks=False)
        finally:
            os.unlink(beside)


class Kept(Record):
    """A token that was read, and the user id that owns its file."""

    token: str
    uid: int


def read_token(path: str, *, foreign: bool = False) -> Kept:
    """The token in a file, and whose it is.

    A file that others can read is refused: what is in it is known. One that is another user's is
    refused unless `foreign`, which makes sense for root.

    Raises:
        FileNotFoundError: there is no file.
        EnvironmentFault: it is no token file, or not its owner's alone.
        NotPermitted: it cannot be read.
    """
    try:
        # Opening a FIFO that somebody put there must not wait.
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise NotPermitted(f"the token file {path}: {error.strerror}") from None
    except OSError as error:
        said = "it is a link" if error.errno == errno.ELOOP else str(error.strerror)
        raise EnvironmentFault(f"the token file {path}: {said}", hint=_ELSEWHERE) from None
    try:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise EnvironmentFault(f"the token file {path} is no plain file", hint=_ELSEWHERE)
        if found.st_uid != os.geteuid() and not foreign:
            raise EnvironmentFault(
                f"the token file {path} belongs to user {Host().user(found.st_uid)}",
                hint=_ELSEWHERE,
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise EnvironmentFault(
                f"others can read the token file {path}, so it is no secret any more",
                hint=f"remove it, and a new one is made: rm {path}",
            )
        text = os.read(number, 64).strip()
    finally:
        os.close(number)
    if not _TOKEN.fullmatch(text):
        raise EnvironmentFault(
            f"the token file {path} holds no token",
            hint=f"remove it, and a new one is made: rm {path}",
        )
    return Kept(text.decode(), found.st_uid)


class Tokens:
    """The token, the codes and the sessions of one server.

    Codes and sessions are known by their hashes alone, so looking one up takes no longer the more
    of it was guessed; they end with the process. `secure`: the server speaks TLS. Without a path
    the token is one that nobody knows. `port` is the server's: browsers send a cookie to every port
    of a host, so it is in the name of ours, `cookie`, or two servers would take it from each other.

    Raises:
        EnvironmentFault, NotPermitted: as `kept_token`.
    """

    def __init__(self, path: str = "", *, secure: bool = False, port: int = 0) -> None:
        self.secure = secure
        self.cookie = f"{_COOKIE}-{port}" if port else _COOKIE
        self._path = path
        self._token = (kept_token(path) if path else secrets.token_urlsafe(32)).encode()
        self._codes: dict[bytes, tuple[float, bytes]] = {}
        self._sessions: dict[bytes, float] = {}

    def keep_file(self) -> None:
        """Put the token's file back if it is gone, as with a data folder that was removed.

        Whatever stands in its place is left alone. Where nothing can be written nothing happens:
        who looks for the file says so.
        """
        if self._path and not os.path.lexists(self._path):
            with suppress(OSError):
                _write(self._path, self._token.decode())

    def admits(self, request: "HTTPConnection") -> bool:
        """Whether a request carries the token or the cookie of a session."""
        for name, value in request.scope["headers"]:
            if name == b"authorization" and self.is_bearer(value):
                return True
            if name == b"cookie" and self.in_session(value):
                return True
        return False

    def is_bearer(self, authorization: bytes) -> bool:
        """Whether an Authorization field has the token: `Bearer TOKEN` (RFC 6750)."""
        scheme, _, token = authorization.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token)

    def make_code(self) -> str:
        """A new code, for one session."""
        now = clock.monotonic()
        for old in [each for each, (until, _) in self._codes.items() if until < now]:
            del self._codes[old]
        while len(self._codes) >= MOST_CODES:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_urlsafe(24)
        self._codes[_hash(code)] = now + CODE_SECONDS, b""
        return code

    def enter(self, secret: str) -> str | None:
        """A new session for a code or the token; None for anything else.

        A code that comes twice was seen by somebody else: the session it opened ends.
        """
        if hmac.compare_digest(secret.encode("utf-8", "replace"), self._token):
            return self._session()[0]
        key = _hash(secret)
        until, opened = self._codes.get(key, (0.0, b""))
        if opened:
            self._sessions.pop(opened, None)
        if opened or until < clock.monotonic():
            return None
        session, opened = self._session()
        self._codes[key] = until, opened
        return session

    def leave(self, request: "HTTPConnection") -> None:
        """End the session whose cookie the request carries."""
        for name, value in request.scope["headers"]:
            if name == b"cookie":
                for session in self._sessions_in(value):
                    self._sessions.pop(_hash(session), None)

    def _session(self) -> tuple[str, bytes]:
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        session = secrets.token_urlsafe(32)
        key = _hash(session)
        self._sessions[key] = clock.monotonic()
        return session, key

    def in_session(self, cookies: bytes) -> bool:
        """Whether a Cookie field has one of our sessions, which is then used anew."""
        for session in self._sessions_in(cookies):
            key = _hash(session)
            used = self._sessions.pop(key, None)
            now = clock.monotonic()
            if used is not None and now - used < SESSION_SECONDS:
                # Put back at the end: the one that is longest unused is dropped first.
                self._sessions[key] = now
                return True
        return False

    def _sessions_in(self, cookies: bytes) -> list[str]:
        """The values of our cookie; a browser may send two, of different paths."""
        name = f"{self.cookie}=".encode()
        return [
            each.strip()[len(name) :].decode("latin-1")
            for each in cookies.split(b";")[:50]
            if each.strip().startswith(name)
        ]


def _hash(secret: str) -> bytes:
    return blake2b(secret.encode("utf-8", "replace"), digest_size=32).digest()
