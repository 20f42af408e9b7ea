"""The door to PostgreSQL: a connection with one-line errors, and no password in any of them.

psycopg is imported only where a server is really asked: it costs 60 ms of a start.
"""

import contextlib
import re
from collections.abc import Iterator

from portbook.model import EnvironmentFault, NotPermitted, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import psycopg

    Link = psycopg.Connection[tuple[Any, ...]]

SCHEMA = "portbook"
"""The schema that holds every table."""
_PATIENCE = 5
"""Seconds until a server that does not answer is given up."""
_NOISE = re.compile(
    r"connection failed: |connection to server at \S+ port \d+ failed: |"
    r" Is the server running on that host and accepting TCP/IP connections\?"
)
"""What libpq says around the reason; the place is named by ourselves."""
_DENIED = "28"
_FORBIDDEN = "42501"
"""SQLSTATE: a class, invalid authorization; insufficient privilege (PostgreSQL, appendix A)."""


class NotReached(EnvironmentFault):
    """The server is away, restarts, or the connection broke; it may work again later.

    What was asked for may have happened or not, where the connection broke during a commit.
    """


class NotPrimary(NotReached):
    """The server is a standby or was overtaken by a newer primary: nothing is written there."""


def connect(url: str, *, name: str, write: bool = True, autocommit: bool = True) -> "Link":
    """A connection to the database that `url` names (libpq connection URI or keywords).

    Args:
        url: `postgresql://user@host/database?sslmode=verify-full…`.
        name: shown in pg_stat_activity.
        write: only a primary will do (target_session_attrs=read-write).
        autocommit: each statement is its own transaction unless one is begun.

    Raises:
        NotReached, NotPermitted, EnvironmentFault: as `faults`; psycopg is not installed.
    """
    try:
        import psycopg
    except ModuleNotFoundError:
        raise EnvironmentFault(
            "a fleet's store needs psycopg, which is not installed",
            hint='pip install "portbook[fleet]"',
        ) from None
    _check_url(url)
    with faults(url):
        return psycopg.connect(
            url,
            autocommit=autocommit,
            application_name=name,
            connect_timeout=_PATIENCE,
            target_session_attrs="read-write" if write else "any",
            options=f"-c search_path={SCHEMA},public -c timezone=UTC",
            # Half-open connections end after 20 s, not after the kernel's two hours.
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=2,
            tcp_user_timeout=20_000,
        )


@contextlib.contextmanager
def closed_on_error(link: "Link") -> Iterator[None]:
    """A connection that cannot be used is closed, and the error goes on."""
    try:
        yield
    except BaseException:
        link.close()
        raise


def place(url: str) -> str:
    """Where a store is, without what is secret of it: `db.example:5432/portbook`."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "the store"
    host = parts.get("host") or parts.get("hostaddr") or "a local socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{host}{port}/{parts.get('dbname') or ''}".rstrip("/")


@contextlib.contextmanager
def faults(url: str) -> Iterator[None]:
    """psycopg's errors as portbook's own, each one line, without the URL's password.

    Raises:
        NotReached: no connection, or it broke.
        NotPermitted: the server refuses the user, or what it asked for.
        EnvironmentFault: anything else, also a URL that is none.
    """
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise fault_of(error, url) from None


def fault_of(error: "psycopg.Error", url: str) -> EnvironmentFault | NotPermitted:
    """As `faults`, for an error at hand."""
    import psycopg

    state = error.sqlstate or ""
    said = _NOISE.sub("", " ".join(str(error).split()))[:300] or type(error).__name__
    where = place(url)
    password = _password(url)
    if password:
        said = said.replace(password, "…")
    if state in ("25006", "57P04") or "read-only" in said or "in recovery" in said:
        return NotPrimary(f"{where} is no primary: {said}")
    if state == _FORBIDDEN:
        hint = "as a member of another role, such as portbook_operator: docs/fleet-security.md"
        return NotPermitted(f"{where}: {said}", hint=hint)
    if state.startswith(_DENIED):
        return NotPermitted(f"{where}: {said}")
    if isinstance(error, psycopg.OperationalError) or state.startswith(("08", "57P", "53")):
        return NotReached(f"{where} does not answer: {said}")
    return EnvironmentFault(f"{where}: {said}")


def _check_url(url: str) -> None:
    """Refuse what is no URL of a store, without showing it: libpq's error has all of it.

    Raises:
        UsageError: it is none.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        port = conninfo_to_dict(url).get("port") or "0"
        is_one = all(each.isdecimal() for each in str(port).split(","))
    except psycopg.Error:
        is_one = False
    if not is_one:
        raise UsageError(
            "the store's URL cannot be understood", hint="postgresql://user@host/database"
        )


def _password(url: str) -> str:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        return str(conninfo_to_dict(url).get("password") or "")
    except psycopg.Error:
        return ""
