"""Begin the lease of a claim anew."""

import argparse

from portbook.cli import leases
from portbook.cli.finding_claims import find_claims
from portbook.cli.render import emit, emit_json


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook renew`."""
    parser.add_argument("which", metavar="ID", help="the claim, or its port or name")
    parser.add_argument("--token", metavar="T", type=leases.token, help="of the claim")
    parser.add_argument("--ttl", metavar="TIME", type=leases.ttl, help="10m, 2h, 7d (as before)")


def main(options: argparse.Namespace) -> int:
    """Exit code 1 where it has ended: then it is final, and the port may be somebody else's."""
    from portbook.model.moments import spoken
    from portbook.survey.claiming import open_claims

    access = open_claims()
    try:
        renewed = [
            access.renew(claim_id, token, options.ttl)
            for claim_id, token, _ in find_claims(access, options.which, options.token)
        ]
    finally:
        access.close()
    if options.json or options.jsonl:
        from portbook.cli import lease_rows
        from portbook.model.document import document

        people = lease_rows.People()
        rows = tuple(lease_rows.claim_row(each, people) for each in renewed)
        emit_json(document("renew", {"claims": rows}), line=options.jsonl)
    else:
        emit(f"{each.port}/{each.transport} for {spoken(each.ttl_ms / 1000)}" for each in renewed)
    return 0
