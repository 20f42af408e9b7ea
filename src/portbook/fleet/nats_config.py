"""The configuration of the bus: every host speaks for itself alone.

A host publishes reports on its own subject, hears questions for everyone and for itself, and
answers whom it was asked by. A hub hears reports and answers them. An asker asks. Each is known by
its nkey; the server keeps the public half. It is written whole, from the store's hosts: run it
again and reload the server when a host joined.
"""

from portbook.fleet.bus import ASK, HUBS, REPORT
from portbook.fleet.enrolment import check_nkey
from portbook.fleet.migrating import open_store
from portbook.fleet.settings import HOST_ID
from portbook.host.postgres import faults
from portbook.model import UsageError
from portbook.model.record import Record

INBOX = "_INBOX"
PARTS = 1_000
"""Messages that one question may be answered with: 200,000 rows in parts of 200."""
ANSWERING = "2m"
"""For how long an answer may be given."""


class BusHost(Record):
    """A host with a key on the bus."""

    id: str
    nkey: str


class BusTls(Record):
    """PEM files of the server; with `ca` clients need a certificate of it too."""

    certificate: str
    key: str
    ca: str | None = None


def hosts_of(url: str) -> tuple[tuple[BusHost, ...], tuple[str, ...]]:
    """(the store's hosts with a key, the ids of those without one).

    Raises:
        NotReached, NotPermitted, EnvironmentFault: as `open_store`.
    """
    with faults(url), open_store(url, name="portbook fleet nats-config", write=False) as link:
        found = link.execute("SELECT id, nkey FROM portbook.host ORDER BY id").fetchall()
    return (
        tuple(BusHost(each, key) for each, key in found if key),
        tuple(each for each, key in found if not key),
    )


def configuration(
    hosts: tuple[BusHost, ...],
    *,
    hubs: tuple[str, ...] = (),
    askers: tuple[str, ...] = (),
    listen: str = "0.0.0.0:4222",
    tls: BusTls | None = None,
) -> str:
    """The text of a nats-server configuration file (2.9 and later).

    Args:
        hosts: their ids and public keys.
        hubs: public keys of hubs.
        askers: public keys of who may ask.
        listen: address and port of the server.
        tls: its certificate.

    Raises:
        UsageError: a key is none or stands twice.
    """
    users = [_hub(key) for key in hubs] + [_asker(key) for key in askers]
    users += [_host(each, hosts) for each in hosts]
    keys = [*hubs, *askers, *(each.nkey for each in hosts)]
    for key in keys:
        check_nkey(key)
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UsageError(f"the nkey {twice} stands for two", hint="each has a key of its own")
    lines = [
        "# The bus of a portbook fleet. Written by: portbook fleet nats-config",
        f"listen: {_quoted(listen)}",
        "max_payload: 1048576",
        'write_deadline: "10s"',
    ]
    if tls is not None:
        lines += ["tls {", f"  cert_file: {_quoted(tls.certificate)}"]
        lines += [f"  key_file: {_quoted(tls.key)}"]
        if tls.ca is not None:
            lines += [f"  ca_file: {_quoted(tls.ca)}", "  verify: true"]
        lines += ["}"]
    return "\n".join([*lines, "authorization {", "  users = [", *users, "  ]", "}", ""])


def _host(host: BusHost, hosts: tuple[BusHost, ...]) -> str:
    if HOST_ID.fullmatch(host.id) is None:
        raise UsageError(f"{host.id[:80]!r} is no host id")
    # `web` and `web.a` are two hosts, and `_INBOX_web.>` would be of both.
    others = [each.id for each in hosts if each.id.startswith(f"{host.id}.")]
    deny = f", deny: [{', '.join(_quoted(f'{INBOX}_{each}.>') for each in others)}]"
    heard = (ASK, f"{ASK}.{host.id}", f"{INBOX}_{host.id}.>")
    return _user(
        host.nkey,
        f"{{ allow: [{_quoted(f'{REPORT}.{host.id}')}] }}",
        f"{{ allow: [{', '.join(map(_quoted, heard))}]{deny if others else ''} }}",
        answers=True,
    )


def _hub(key: str) -> str:
    heard = (f"{REPORT}.> {HUBS}", f"{INBOX}.>", f"{INBOX}_hub.>")
    return _user(key, None, f"{{ allow: [{', '.join(map(_quoted, heard))}] }}", answers=True)


def _asker(key: str) -> str:
    asked = f"{{ allow: [{_quoted(ASK)}, {_quoted(f'{ASK}.>')}] }}"
    return _user(key, asked, f"{{ allow: [{_quoted(f'{INBOX}.>')}] }}", answers=False)


def _user(key: str, publish: str | None, subscribe: str, *, answers: bool) -> str:
    parts = [f"publish: {publish}"] if publish else []
    parts += [f"subscribe: {subscribe}"]
    if answers:
        parts += [f'allow_responses: {{ max: {PARTS}, expires: "{ANSWERING}" }}']
    return f"    {{ nkey: {key}, permissions: {{ {', '.join(parts)} }} }}"


def _quoted(text: str) -> str:
    """A text of the file; what could end it is refused."""
    if not text.isprintable() or '"' in text or "\\" in text or "'" in text:
        raise UsageError(f"{text[:80]!r} cannot stand in a configuration file")
    return f'"{text}"'
