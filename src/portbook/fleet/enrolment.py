"""How a host joins a fleet: a token that works once, and what is made of it on the host.

A token is text that begins with `pbe1.`: what it carries is where the store is, the login that may
do nothing but redeem tokens, and a secret for one host. Of that secret the store keeps a hash.
Redeeming sends it masked with what is asked for (see `redeem` in schema/003_enrolment.sql), and the
host's password as the verifier that the server would make of it: no log has either of them.
"""

import base64
import binascii
import contextlib
import hashlib
import json

from portbook.fleet import roles
from portbook.fleet.migrating import open_store
from portbook.fleet.settings import check_host, check_labels
from portbook.host.postgres import connect, faults
from portbook.model import EnvironmentFault, NotPermitted, UsageError
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PREFIX = "pbe1."
LONGEST = 64_000
"""Characters of a token: most of it is the certificate of an authority, where there is one."""
_KEPT = ("host", "hostaddr", "port", "dbname", "sslmode", "channel_binding")
"""What of the store's URL is in a token: where it is, never who asks or with which password."""
_PLAIN = {*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"}
_WORDS = {
    "unknown": ("the token is not known to the store", "a later one for this host replaced it?"),
    "used": ("the token was used before", "a token works once: portbook fleet enrol HOST"),
    "expired": ("the token has expired", "portbook fleet enrol HOST makes another"),
    "refused": ("the store refuses to make this host's login", "is a role of that name there?"),
}


class Token(Record):
    """What a token carries. `store` has no user; `ca` is PEM text, "" where none is needed.

    `labels` are those of the host, as `name=value` with a space between.
    """

    host: str
    store: str
    password: str
    secret: bytes
    bus: str | None
    ca: str
    expires: str
    labels: str = ""

    def text(self) -> str:
        """As one word."""
        body = {**self._asdict(), "secret": self.secret.hex()}
        packed = json.dumps(body, separators=(",", ":")).encode()
        return PREFIX + base64.urlsafe_b64encode(packed).decode().rstrip("=")


class Joined(Record):
    """What a host has after joining: its URL of the store, and its login there."""

    host: str
    store: str
    login: str
    bus: str | None
    labels: tuple[tuple[str, str], ...] = ()


def read_token(text: str) -> Token:
    """A token from its text.

    Raises:
        UsageError: it is none, or not whole.
    """
    fault = UsageError("that is no token", hint="one word that begins with pbe1.")
    text = text.strip()
    if not text.startswith(PREFIX) or len(text) > LONGEST or not text.isascii():
        raise fault
    body = text.removeprefix(PREFIX)
    try:
        packed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        found = json.loads(packed)
    except (binascii.Error, ValueError, RecursionError):
        raise fault from None
    if not isinstance(found, dict) or set(found) != set(Token._fields):
        raise fault
    for name, value in found.items():
        if not isinstance(value, str) and not (name == "bus" and value is None):
            raise fault
        # Nothing of it may break out of a line of a file or of a connection string.
        if isinstance(value, str) and not value.replace("\n", "").isprintable():
            raise fault
        if name != "ca" and "\n" in (value or ""):
            raise fault
    try:
        secret = bytes.fromhex(found["secret"])
    except ValueError:
        raise fault from None
    if len(secret) != 32:
        raise fault
    check_host(found["host"])
    labels_of(found["labels"])
    return Token(**{**found, "secret": secret})


def labels_of(text: str) -> tuple[tuple[str, str], ...]:
    """The labels of a token.

    Raises:
        UsageError: they are none.
    """
    return check_labels(dict(pair.partition("=")[::2] for pair in text.split()))


def enrol(
    url: str,
    host: str,
    *,
    labels: "dict[str, str] | None" = None,
    nkey: str | None = None,
    seconds: float | None = 3600.0,
    bus: str | None = None,
    ca: str = "",
) -> Token | None:
    """Let a host join: a token for it, and its row in the store.

    Args:
        url: the store, as an operator.
        host: its id.
        labels: its labels, which the token takes to the host; None: those that it has.
        nkey: its public key on the bus, where it is known.
        seconds: for how long the token is valid; None: no token, the host is on the bus alone.
        bus: the bus's URL, for the host's settings.
        ca: the certificate of the store's authority (PEM).

    Raises:
        UsageError: an nkey that is none.
        NotReached, NotPermitted, EnvironmentFault: as `open_store`.
    """
    check_host(host)
    if nkey is not None:
        check_nkey(nkey)
    with faults(url), open_store(url, name="portbook fleet enrol") as link, link.transaction():
        made = link.execute(
            "SELECT portbook.enrol(%s, %s::jsonb, %s, %s * interval '1 second'), password,"
            " to_char(now() AT TIME ZONE 'UTC' + %s * interval '1 second',"
            """ 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM portbook.enrolling""",
            (host, None if labels is None else json.dumps(labels), nkey, seconds, seconds),
        ).fetchone()
        known = link.execute("SELECT labels FROM host WHERE id = %s", (host,)).fetchone() or ({},)
    if made is None:
        raise EnvironmentFault("the store has no password for enrolment")
    if made[0] is None:
        return None
    told = " ".join(f"{name}={value}" for name, value in sorted(known[0].items()))
    return Token(host, bare(url), str(made[1]), bytes(made[0]), bus, ca, str(made[2]), told)


def redeem(
    token: Token,
    *,
    nkey: str,
    password: str | None,
    extra: "dict[str, str]",
    again: bool = False,
) -> Joined:
    """Redeem a token: the host has a login afterwards.

    Args:
        token: as `read_token`.
        nkey: the host's public key on the bus.
        password: the host's own; None: it has a client certificate.
        extra: more of the URL (`sslrootcert`, `sslcert`, `sslkey`).
        again: an answer to the same was lost: a token that was used may have been used by us.

    Raises:
        NotPermitted: the token is unknown, used or expired.
        NotReached, EnvironmentFault: as `connect`.
    """
    door = place_url(token.store, user=roles.ENROL, password=token.password, **extra)
    with faults(door), connect(door, name="portbook fleet join") as link:
        # The name that salts nothing: SCRAM's verifier does not depend on it.
        verifier = None if password is None else roles.verifier_of(link, "host", password)
        found = link.execute(
            "SELECT outcome, login FROM portbook.redeem(%s, %s, %s, %s)",
            (token.host, proof(token.secret, verifier, nkey), verifier, nkey),
        ).fetchone()
    outcome, login = found or ("unknown", None)
    if outcome != "joined" and not (again and outcome == "used" and login):
        said, hint = _WORDS[outcome]
        raise NotPermitted(said, hint=hint)
    own = {} if password is None else {"password": password}
    own_url = place_url(token.store, user=login, **own, **extra)
    return Joined(token.host, own_url, str(login), token.bus, labels_of(token.labels))


def proof(secret: bytes, verifier: str | None, nkey: str) -> bytes:
    """The secret, masked with what is asked for; only who has its hash can take the mask off."""
    mask = hashlib.sha256(
        hashlib.sha256(secret).digest() + f"{verifier or ''}\n{nkey}".encode()
    ).digest()
    return bytes(a ^ b for a, b in zip(secret, mask, strict=True))


def new_nkey() -> tuple[str, str]:
    """(seed, public key) of a new user of the bus.

    Raises:
        EnvironmentFault: the package nkeys is not installed.
    """
    try:
        import nkeys
    except ModuleNotFoundError:
        raise EnvironmentFault(
            "a key for the bus needs nkeys, which is not installed",
            hint='pip install "portbook[fleet]"',
        ) from None
    import secrets

    seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
    pair = nkeys.from_seed(bytearray(seed))
    return bytes(seed).decode(), bytes(pair.public_key).decode()


def check_nkey(text: str) -> str:
    """The public key of a user of the bus: `U` and 55 of A-Z, 2-7, with its own check sum.

    Raises:
        UsageError: it is none; a seed is refused without being repeated.
    """
    if text.startswith("S"):
        raise UsageError("that is a seed, which nobody else may see", hint="the key with U…")
    raw = b""
    if len(text) == 56 and text.startswith("U"):
        with contextlib.suppress(binascii.Error, ValueError):
            raw = base64.b32decode(text)
    # The last two bytes are a CRC-16 (XMODEM) of the rest.
    if not raw or binascii.crc_hqx(raw[:-2], 0) != int.from_bytes(raw[-2:], "little"):
        raise UsageError(f"{text[:80]!r} is no public nkey of a user")
    return text


def bare(url: str) -> str:
    """Where a store is, as a URL without a user, a password or a file of this machine."""
    from psycopg.conninfo import conninfo_to_dict

    parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    return _joined({key: value for key, value in parts.items() if key in _KEPT})


def place_url(store: str, **more: str) -> str:
    """That URL with a user, a password, and files.

    Raises:
        UsageError: `store` is no URL of a store.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(store)
    except psycopg.Error:
        raise UsageError("the token does not say where the store is") from None
    return _joined({key: str(value) for key, value in parts.items() if value} | more)


def _joined(parts: "dict[str, Any]") -> str:
    from urllib.parse import quote

    rest = dict(parts)
    user, password = rest.pop("user", ""), rest.pop("password", "")
    host, port, name = rest.pop("host", ""), rest.pop("port", ""), rest.pop("dbname", "")
    who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    # A folder with a socket is no host of a URL; libpq takes it from the query. Nor are several.
    if not set(host) <= _PLAIN:
        rest["host"], host = host, ""
        if port:
            rest["port"], port = port, ""
    query = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in sorted(rest.items()))
    place = f"{host}:{port}" if port else host
    return f"postgresql://{who}{'@' if who else ''}{place}/{quote(name, safe='')}" + (
        f"?{query}" if query else ""
    )
