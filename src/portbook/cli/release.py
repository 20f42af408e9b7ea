"""Give a claimed port back."""

import argparse

from portbook.cli import leases
from portbook.cli.finding_claims import find_claims
from portbook.cli.render import emit, emit_json
from portbook.model.record import Record


class Released(Record):
    """One claim; `released` is false where it had ended before. Port and transport if known."""

    id: str
    port: int | None
    transport: str | None
    released: bool


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook release`."""
    parser.add_argument("which", metavar="ID|PORT|NAME", nargs="+", help="what to give back")
    parser.add_argument("--token", metavar="T", type=leases.token, help="of the claim with that ID")


def main(options: argparse.Namespace) -> int:
    """Exit code 1 where one had ended before."""
    from portbook.survey.claiming import open_claims

    ended: dict[str, Released] = {}
    access = open_claims()
    try:
        for word in options.which:
            for claim_id, token, claim in find_claims(access, word, options.token):
                if claim_id in ended:
                    continue
                ended[claim_id] = Released(
                    claim_id,
                    claim and claim.port,
                    claim and claim.transport,
                    access.release(claim_id, token),
                )
    finally:
        access.close()
    rows = tuple(ended.values())
    if options.json or options.jsonl:
        from portbook.model.document import document

        emit_json(document("release", {"released": rows}), line=options.jsonl)
    else:
        emit(_line(row) for row in rows)
    return 0 if all(row.released for row in rows) else 1


def _line(row: Released) -> str:
    what = row.id if row.port is None else f"{row.port}/{row.transport}"
    return f"{what} is released" if row.released else f"{what} had ended before"
