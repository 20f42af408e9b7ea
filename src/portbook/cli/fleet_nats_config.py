"""`portbook fleet nats-config`: the bus's configuration, from the hosts that the store knows."""

import argparse
import sys

from portbook.cli.render import emit, emit_json, safe
from portbook.model import UsageError, document


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet nats-config`."""
    parser.add_argument("--out", metavar="FILE", help="write it there; then reload nats-server")
    parser.add_argument(
        "--hub", action="append", default=[], metavar="NKEY", help="public key of a hub"
    )
    parser.add_argument(
        "--asker", action="append", default=[], metavar="NKEY", help="public key of who may ask"
    )
    parser.add_argument("--listen", default="0.0.0.0:4222", metavar="ADDRESS:PORT")
    parser.add_argument("--tls-certificate", metavar="FILE", help="the server's, in its own paths")
    parser.add_argument("--tls-key", metavar="FILE", help="its key")
    parser.add_argument(
        "--tls-ca", metavar="FILE", help="clients need a certificate of this authority (mTLS)"
    )
    parser.add_argument(
        "--new-nkey", metavar="FILE", help="make a key: its seed to FILE, the public half printed"
    )


def main(options: argparse.Namespace) -> int:
    """Exit code 0: the configuration is written.

    Raises:
        UsageError: a key or path that is none; no store is named.
        PortbookError: as `hosts_of`; the file cannot be written.
    """
    from portbook.fleet.enrolment import new_nkey

    if options.new_nkey:
        from portbook.fleet.joining import write_new

        seed, public = new_nkey()
        write_new(options.new_nkey, f"{seed}\n")
        emit([public])
        return 0
    from portbook.fleet.nats_config import BusTls, configuration, hosts_of
    from portbook.fleet.settings import require_store, settings_of

    if bool(options.tls_certificate) != bool(options.tls_key):
        raise UsageError("--tls-certificate and --tls-key belong together")
    if options.tls_ca and not options.tls_certificate:
        raise UsageError("--tls-ca needs --tls-certificate and --tls-key")
    tls = (
        BusTls(options.tls_certificate, options.tls_key, options.tls_ca)
        if options.tls_certificate
        else None
    )
    hosts, without = hosts_of(require_store(settings_of(options)))
    text = configuration(
        hosts,
        hubs=tuple(options.hub),
        askers=tuple(options.asker),
        listen=options.listen,
        tls=tls,
    )
    if options.out:
        from portbook.cli.file_writing import write_file

        write_file(options.out, text.encode(), what="the configuration")
    if options.json or options.jsonl:
        body = {
            "configuration": text,
            "hosts": [each.id for each in hosts],
            "without_key": without,
        }
        emit_json(document("fleet-nats-config", body), line=options.jsonl)
    elif options.out:
        emit([safe(f"{options.out}: {len(hosts)} hosts; reload nats-server")])
    else:
        emit([text.rstrip("\n")])
    if without:
        shown = ", ".join(without[:5]) + (" …" if len(without) > 5 else "")
        print(f"not on the bus, they have no key yet: {safe(shown)}", file=sys.stderr)
    return 0
