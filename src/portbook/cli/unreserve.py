"""Give a reserved number back, by its name in this project or by the number."""

import argparse
import os

from portbook.claims.answers import reservation_document
from portbook.cli.arguments import port_number
from portbook.cli.render import emit, emit_json, safe
from portbook.cli.telling import say
from portbook.model import NotPermitted, document
from portbook.model.claim import Reservation
from portbook.survey.choosing import project_key
from portbook.survey.claiming import open_claims
from portbook.survey.numbers_kept import checked_name, project_of


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook unreserve`."""
    parser.add_argument("what", metavar="NAME|PORT", help="web, or 4173")
    parser.add_argument("--project", metavar="DIR", default=".", help="NAME of the project of DIR")


def main(options: argparse.Namespace) -> int:
    """Exit code 0: given back, 1: there was no such reservation, 4: another user's."""
    access = open_claims()
    try:
        found = _found(options, access.reservations())
        done = found is not None and access.unreserve(found.key)
    finally:
        access.close()
    if options.json or options.jsonl:
        given = (reservation_document(found),) if found is not None and done else ()
        body = {"reservations": given, "incomplete": ()}
        emit_json(document("unreserve", body), line=options.jsonl)
    elif found is not None and done:
        emit([safe(f"{found.port} was {found.name or found.key}'s, and is nobody's now")])
    else:
        say(f"nothing is reserved as {options.what}")
    return 0 if done else 1


def _found(
    options: argparse.Namespace, reservations: tuple[Reservation, ...]
) -> Reservation | None:
    """The reservation that is meant.

    Raises:
        NotPermitted: it is another user's.
    """
    uid = os.geteuid()
    if options.what.isascii() and options.what.isdigit():
        port = port_number(options.what)
        there = [each for each in reservations if each.port <= port < each.port + each.size]
    else:
        key = project_key(project_of(options.project).root, checked_name(options.what))
        there = [each for each in reservations if each.key == key and each.uid == uid]
    for each in there:
        if each.uid == uid:
            return each
    if there:
        raise NotPermitted(f"{options.what} is reserved by uid {there[0].uid}")
    return None
