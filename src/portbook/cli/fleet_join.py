"""`portbook fleet join TOKEN`: let this host into the fleet, and write its settings."""

import argparse
import sys

from portbook.cli.render import emit, emit_json, safe
from portbook.model import UsageError, document


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet join`."""
    parser.add_argument("token", metavar="TOKEN", help="from `fleet enrol`; - reads it from stdin")
    parser.add_argument("--config", metavar="PATH", help="the settings file that is written")
    parser.add_argument(
        "--certificate", metavar="FILE", help="this host's certificate instead of a password"
    )
    parser.add_argument("--key", metavar="FILE", help="the key of that certificate")


def main(options: argparse.Namespace) -> int:
    """Exit code 0: joined; 4: the token is unknown, used or expired.

    Raises:
        UsageError: that is no token; this host has joined already.
        PortbookError: as `join`.
    """
    from portbook.fleet.enrolment import LONGEST, read_token
    from portbook.fleet.joining import default_path, join
    from portbook.host.postgres import place

    if bool(options.certificate) != bool(options.key):
        raise UsageError("--certificate and --key belong together")
    given = options.token
    text = sys.stdin.read(LONGEST + 1) if given == "-" else given
    path = options.config or default_path()
    joined = join(read_token(text), path, certificate=options.certificate, key=options.key)
    if options.json or options.jsonl:
        body = {
            "host": joined.host,
            "login": joined.login,
            "store": place(joined.store),
            "bus": joined.bus,
            "settings": path,
        }
        emit_json(document("fleet-join", body), line=options.jsonl)
    else:
        emit([safe(f"{joined.host} joined {place(joined.store)} as {joined.login}: {path}")])
    return 0
