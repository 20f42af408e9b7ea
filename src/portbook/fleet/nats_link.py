"""How NATS is entered: the server's address, the credentials, TLS; and its errors in one line.

nats-py is imported where a server is really asked. It never reconnects by itself here: whatever
goes wrong ends the client, and fleet.nats_bus makes another one. That is one way to be right, and
credentials, addresses and subscriptions are always those of the settings.
"""

import asyncio
import re

from portbook.fleet.settings import HOST_ID, FleetSettings, require_bus
from portbook.model import EnvironmentFault, NotPermitted, PortbookError, UsageError
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from typing import Any

    from nats.aio.client import Client

INBOX = "_INBOX"
"""Where answers go: `_INBOX_<who>.`, so that permissions can name whose they are."""
_PATIENCE = 5.0
"""Seconds until a server that does not answer is given up."""
_PING = 10
"""Seconds between two pings; a server that missed two is gone."""
_DENIED = re.compile(
    r'permissions violation for (publish|subscription) to "([^"]*)"', re.IGNORECASE
)
_INBOX_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._=-]{0,61}[A-Za-z0-9])?")


class Place(Record):
    """Where to connect and as whom; `servers` have no credentials: every error may say them.

    Of a URL's user without a password the text is a token, as in NATS's own programs.
    """

    servers: tuple[str, ...]
    shown: str
    user: str | None
    password: str | None
    token: str | None
    seed: str | None
    tls: "ssl.SSLContext | None"
    inbox: str
    """The prefix of the subjects that answers to questions go to."""
    reports: str
    """The same for answers to reports: those of a host have its name."""


def subject_of(prefix: str, host: str) -> str:
    """The subject of a host.

    Raises:
        UsageError: it is no host id, or one that a subject cannot have.
    """
    if HOST_ID.fullmatch(host) is None or ".." in host:
        raise UsageError(f"{host[:80]!r} cannot be a host on a bus", hint="no two dots in a row")
    return f"{prefix}.{host}"


def place_of(settings: FleetSettings, inbox: str | None) -> Place:
    """What the settings say about the bus, read and checked.

    Raises:
        UsageError: no bus is named, or its URL is none.
        EnvironmentFault, NotPermitted: a file of it cannot be read.
    """
    from urllib.parse import unquote, urlsplit

    servers, user, password, token, secure = [], None, None, None, False
    for url in require_bus(settings).split(","):
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname, parts.port or 4222
        except ValueError:
            host = None
        if host is None or parts.scheme not in ("nats", "tls") or not host.isprintable():
            # Not the text itself: a password may stand in it.
            raise UsageError("the bus's URL is none", hint="nats://HOST:4222 or tls://HOST:4222")
        servers.append(f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}")
        secure |= parts.scheme == "tls"
        if parts.username and parts.password is not None:
            user, password, token = unquote(parts.username), unquote(parts.password), None
        elif parts.username:
            user, password, token = None, None, unquote(parts.username)
    if inbox is not None and _INBOX_NAME.fullmatch(inbox) is None:
        raise UsageError(f"{inbox[:80]!r} cannot name an inbox")
    own = inbox or settings.host
    return Place(
        tuple(servers),
        ",".join(each.partition("://")[2] for each in servers),
        user,
        password,
        token,
        _seed(settings.nkey) if settings.nkey else None,
        _tls(settings) if secure or settings.ca or settings.certificate else None,
        f"{INBOX}_{inbox}" if inbox else INBOX,
        f"{INBOX}_{own}" if own else INBOX,
    )


async def connect(
    place: Place, *, name: str, told: "Callable[[Exception], None]", closed: "Callable[[], None]"
) -> "Client":
    """One connection; each server is tried once.

    Args:
        place: where, and as whom.
        name: shown in the server's list of connections.
        told: gets what goes wrong later on.
        closed: is called when the connection is over, however it ended.

    Raises:
        NotPermitted: the credentials are refused.
        EnvironmentFault: no server answers; nats-py is not installed.
    """
    client, failed = _client(place), 0

    async def on_error(error: Exception) -> None:
        nonlocal failed
        if client.is_connected:
            told(error)
            return
        # nats-py would try for ever: raising out of its callback ends that.
        failed += 1
        if failed >= len(place.servers):
            raise error

    async def on_closed() -> None:
        closed()

    options: dict[str, Any] = {"tls": place.tls} if place.tls is not None else {}
    try:
        await client.connect(
            list(place.servers),
            name=name,
            error_cb=on_error,
            closed_cb=on_closed,
            allow_reconnect=False,
            connect_timeout=_PATIENCE,  # type: ignore[arg-type] # seconds: it is passed to wait_for
            ping_interval=_PING,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0,
            user=place.user,
            password=place.password,
            token=place.token,
            nkeys_seed_str=place.seed,
            inbox_prefix=place.reports,
            **options,
        )
    except Exception as error:  # noqa: BLE001 - see below
        # Whatever it was, also what nats-py did not foresee: nothing stays open.
        transport = getattr(client, "_transport", None)
        if transport is not None:
            transport.close()
        raise fault_of(error, place) from None
    return client


def fault_of(error: BaseException, place: Place) -> PortbookError:
    """An error of nats-py, of the system or of TLS as one of ours, one line without secrets."""
    import ssl

    if isinstance(error, PortbookError):
        return error
    said = " ".join(str(error).split()).removeprefix("nats: ").strip("'")[:200]
    denied = _DENIED.search(said)
    if denied:
        return denial(place, denied[1], denied[2])
    if "authorization" in said.lower() or "authentication" in said.lower():
        return NotPermitted(
            f"the bus {place.shown} refuses the credentials",
            hint="a user or token in PORTBOOK_FLEET_BUS, or nkey in fleet.toml",
        )
    if isinstance(error, ssl.SSLError):
        why = getattr(error, "verify_message", "") or error.reason or "it failed"
        return EnvironmentFault(f"the bus {place.shown}: TLS: {str(why).replace('_', ' ')}")
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return EnvironmentFault(f"the bus {place.shown} does not answer in time")
    if isinstance(error, OSError):
        why = (error.strerror or said or "it cannot be reached").partition(": ")[0]
        if isinstance(error, ConnectionRefusedError):
            why = "connection refused"
        return EnvironmentFault(f"the bus {place.shown} cannot be reached: {why}")
    for secret in (place.password, place.token, place.seed):
        if secret:
            said = said.replace(secret, "…")
    return EnvironmentFault(f"the bus {place.shown}: {said or type(error).__name__}")


def denied_subject(error: BaseException) -> tuple[str, str] | None:
    """What the server's permissions forbid, if the error says so: the deed and the subject."""
    found = _DENIED.search(str(error))
    return (found[1], found[2]) if found else None


def denial(place: Place, deed: str, subject: str) -> NotPermitted:
    """The error of who may not do that."""
    verb = "publish to" if deed.lower() == "publish" else "subscribe to"
    return NotPermitted(
        f"the bus {place.shown} does not let us {verb} {subject[:120]}",
        hint="its permissions are made by: portbook fleet nats-config",
    )


def _client(place: Place) -> "Client":
    try:
        from nats import errors
        from nats.aio.client import Client
    except ModuleNotFoundError:
        raise EnvironmentFault(
            "a fleet's bus needs nats-py, which is not installed",
            hint='pip install "portbook[fleet]"',
        ) from None
    import logging

    # It writes tracebacks there; what matters comes through its callbacks.
    logging.getLogger("nats").setLevel(logging.CRITICAL + 1)

    class Checked(Client):
        """It tells no credentials to a server that was to speak TLS and does not."""

        def _connect_command(self) -> bytes:
            if place.tls is not None and not self._server_info.get("tls_required"):
                raise errors.Error("it offers no TLS, which tls:// or a certificate asks for")
            return super()._connect_command()

    return Checked()


def _seed(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(1_000)
    except PermissionError as error:
        raise NotPermitted(f"{path}: {error.strerror}") from None
    except OSError as error:
        raise EnvironmentFault(f"{path}: {error.strerror}") from None
    found = re.search(rb"\bSU[A-Z2-7]{56}\b", data)
    if found is None:
        raise EnvironmentFault(f"{path} has no seed of a user's nkey", hint="a line with SU…")
    try:
        import nkeys

        nkeys.from_seed(bytearray(found[0]))
    except ModuleNotFoundError:
        raise EnvironmentFault(
            "an nkey needs the package nkeys", hint='pip install "portbook[fleet]"'
        ) from None
    except Exception:  # noqa: BLE001 - nkeys, PyNaCl, binascii: all say that it is none
        raise EnvironmentFault(f"{path} has no seed of a user's nkey") from None
    return found[0].decode()


def _tls(settings: FleetSettings) -> "ssl.SSLContext":
    import ssl

    where = settings.ca or "the system's certificates"
    try:
        context = ssl.create_default_context(cafile=settings.ca)
        if settings.certificate:
            where = settings.certificate
            context.load_cert_chain(settings.certificate, settings.key)
    except PermissionError as error:
        raise NotPermitted(f"{where}: {error.strerror}") from None
    except ssl.SSLError:
        raise EnvironmentFault(f"{where} is no certificate, or its key does not fit") from None
    except OSError as error:
        raise EnvironmentFault(f"{where}: {error.strerror}") from None
    return context
