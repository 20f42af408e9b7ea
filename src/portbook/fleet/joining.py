"""What a host keeps of its joining: `fleet.toml`, the seed of its nkey, the store's authority.

All are of mode 0600 from their first byte on. They are written before the token is redeemed and
put in their place after: a disk that is full costs no token, and a refused token leaves no file.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator

from portbook.fleet.enrolment import Joined, Token, new_nkey, redeem
from portbook.host.postgres import NotReached, connect
from portbook.model import EnvironmentFault, NotPermitted, PortbookError, UsageError


def join(
    token: Token, path: str, *, certificate: str | None = None, key: str | None = None
) -> Joined:
    """Redeem the token and write the settings of this host's agent to `path`.

    Args:
        token: as `read_token`.
        path: the file `fleet.toml`; what else is kept is beside it.
        certificate: this host's client certificate (PEM); then it has no password.
        key: the key of the certificate.

    Raises:
        UsageError: the host has joined already.
        NotPermitted, EnvironmentFault: as `redeem`; the files cannot be written.
    """
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.lexists(path):
        raise UsageError(f"{path} is there: this host has joined", hint="or name another --config")
    seed, public = new_nkey()
    password = None if certificate else secrets.token_urlsafe(32)
    extra: dict[str, str] = {}
    if certificate and key:
        extra |= {"sslcert": os.path.abspath(certificate), "sslkey": os.path.abspath(key)}
    # Named for the settings: two of them in a folder are two hosts.
    stem = os.path.splitext(os.path.abspath(path))[0]
    seed_path, ca_path = f"{stem}.nk", f"{stem}-ca.pem"
    if token.ca:
        extra["sslrootcert"] = ca_path
    files = {seed_path: f"{seed}\n", path: "\n" * 2_000} | ({ca_path: token.ca} if token.ca else {})
    with _fresh(folder, files) as new:
        # The authority has its place before the store is asked: the URL names it.
        if token.ca:
            os.replace(new[ca_path], ca_path)
        joined = _redeemed(token, public, password, extra)
        _write(new[path], settings_text(joined, seed_path, certificate, key))
        for target, beside in new.items():
            if target != ca_path:
                os.replace(beside, target)
    return joined


def settings_text(
    joined: Joined, seed_path: str, certificate: str | None = None, key: str | None = None
) -> str:
    """The text of fleet.toml."""
    lines = {"host": joined.host, "store": joined.store, "bus": joined.bus, "nkey": seed_path}
    if certificate and key:
        lines |= {"certificate": os.path.abspath(certificate), "key": os.path.abspath(key)}
    text = "".join(f"{name} = {_toml(value)}\n" for name, value in lines.items() if value)
    if joined.labels:
        text += "\n[labels]\n"
        text += "".join(f"{_toml(name)} = {_toml(value)}\n" for name, value in joined.labels)
    return text


def default_path() -> str:
    """Where this user's agent looks for its settings; root's are the machine's."""
    own = os.environ.get("PORTBOOK_FLEET_HOME")
    if own:
        return os.path.join(own, "fleet.toml")
    if os.geteuid() == 0:
        return "/etc/portbook/fleet.toml"
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return f"{home}/portbook/fleet.toml"


def write_new(path: str, text: str) -> None:
    """A new file with what nobody else may read.

    Raises:
        UsageError: something is there.
        EnvironmentFault, NotPermitted: it cannot be written.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _write(path, text)
    except FileExistsError:
        raise UsageError(f"{path} is there", hint="a key is never written over") from None
    except PermissionError as error:
        raise NotPermitted(f"{path}: {error.strerror}") from None
    except OSError as error:
        raise EnvironmentFault(f"{path}: {error.strerror}") from None


def _redeemed(token: Token, public: str, password: str | None, extra: dict[str, str]) -> Joined:
    """Redeem it, twice where the first answer was lost: whether it was ours, the login tells."""
    try:
        joined = redeem(token, nkey=public, password=password, extra=extra)
    except NotReached:
        joined = redeem(token, nkey=public, password=password, extra=extra, again=True)
    # What was made has to open the door now, not when the agent starts.
    try:
        connect(joined.store, name="portbook fleet join", write=False).close()
    except NotPermitted as error:
        if password is not None:
            raise
        raise NotPermitted(
            f"joined, but the store takes no certificate of {joined.login}: {error}",
            hint="pg_hba.conf: hostssl … cert; the certificate's CN is the login",
        ) from None
    return joined


@contextlib.contextmanager
def _fresh(folder: str, files: dict[str, str]) -> Iterator[dict[str, str]]:
    """Files beside their places, gone afterwards where they were not put there."""
    new = {target: f"{target}.{os.getpid()}.new" for target in files}
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for target, text in files.items():
            _write(new[target], text)
        yield new
    except PortbookError:  # NotPermitted is an OSError too
        raise
    except OSError as error:
        said = f"{error.filename or folder}: {error.strerror}"
        raise (NotPermitted if isinstance(error, PermissionError) else EnvironmentFault)(
            said
        ) from None
    finally:
        for each in new.values():
            with contextlib.suppress(OSError):
                os.unlink(each)


def _write(path: str, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _toml(text: str) -> str:
    """A basic string of TOML; every character in it is printable."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
