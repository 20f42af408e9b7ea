"""`portbook fleet enrol HOST`: a token with which a host joins, once."""

import argparse
import sys

from portbook.cli.render import emit, emit_json, safe
from portbook.model import EnvironmentFault, UsageError, document


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet enrol`."""
    parser.add_argument("host_id", metavar="HOST", help="its id: a-z 0-9 . _ - in lower case")
    parser.add_argument(
        "--label", action="append", metavar="NAME=VALUE", help="a label of the host; again for more"
    )
    parser.add_argument(
        "--valid", default="1h", metavar="TIME", help="how long the token works (1h)"
    )
    parser.add_argument(
        "--nkey",
        metavar="PUBLICKEY",
        help="the host is on the bus alone, with this key: no token, no login",
    )
    parser.add_argument(
        "--ca", metavar="FILE", help="certificate of the store's authority (the URL's sslrootcert)"
    )


def main(options: argparse.Namespace) -> int:
    """Exit code 0: the token stands on stdout, and nothing else does.

    Raises:
        UsageError: a host id, label, time or key that is none; no store is named.
        PortbookError: as `enrol`.
    """
    from portbook.fleet.enrolment import enrol
    from portbook.fleet.settings import require_store, settings_of
    from portbook.model.moments import duration, spoken

    settings = settings_of(options)
    store = require_store(settings)
    try:
        seconds = duration(options.valid)
    except ValueError as error:
        raise UsageError(f"--valid: {error}", hint="such as 15m, 1h, 2d") from None
    if not 1 <= seconds <= 30 * 86_400:
        raise UsageError("--valid: from 1s to 30d")
    token = enrol(
        store,
        options.host_id,
        labels=dict(settings.labels) if options.label else None,
        nkey=options.nkey,
        seconds=None if options.nkey else seconds,
        bus=_bare_bus(settings.bus),
        ca=_authority(options.ca, store),
    )
    if options.json or options.jsonl:
        body = {
            "host": options.host_id,
            "token": token.text() if token else None,
            "expires": token.expires if token else None,
        }
        emit_json(document("fleet-enrol", body), line=options.jsonl)
    elif token is None:
        emit([safe(f"{options.host_id}: on the bus; portbook fleet nats-config lets it in")])
    else:
        emit([token.text()])
        print(
            f"{options.host_id} joins with it, once, within {spoken(seconds)}:"
            " portbook fleet join TOKEN",
            file=sys.stderr,
        )
    return 0


def _bare_bus(url: str | None) -> str | None:
    """The bus's URL without a user: a host has a key of its own."""
    if url is None:
        return None
    return ",".join(
        "://".join((each.partition("://")[0], each.partition("://")[2].rpartition("@")[2]))
        for each in url.split(",")
    )


def _authority(path: str | None, store: str) -> str:
    from psycopg.conninfo import conninfo_to_dict

    from portbook.fleet.enrolment import LONGEST

    path = path or str(conninfo_to_dict(store).get("sslrootcert") or "")
    if path in ("", "system"):
        return ""
    try:
        with open(path, encoding="ascii") as file:
            text = file.read(LONGEST)
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFault(f"{path}: {getattr(error, 'strerror', 'no PEM')}") from None
    if "PRIVATE KEY" in text or "BEGIN CERTIFICATE" not in text or len(text) > LONGEST // 2:
        raise UsageError(f"{path} is no certificate of an authority (PEM)")
    return text.replace("\r", "").replace("\t", " ")
