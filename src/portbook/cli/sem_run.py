"""Run a program while holding a permit of a semaphore; see `sem`."""

import argparse
import os
import sys

from portbook.cli import leases
from portbook.host.children import Attention, Child, end_as, start
from portbook.model.claim import Permit, PermitRequest
from portbook.model.errors import PortbookError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.claims.access import Access

_TTL = 30_000
_HEARTBEAT = 10.0
"""Seconds between two renewals of a permit whose keeper cannot see our process."""


def main(options: argparse.Namespace) -> int:
    """Ends as the program does."""
    from portbook.survey.claiming import open_claims
    from portbook.survey.permitting import obtain

    program = options.program
    if not program:
        raise UsageError("what to run is missing", hint=f"sem run {options.name} … -- PROGRAM")
    request = PermitRequest(
        options.name,
        options.limit,
        options.n,
        ttl_ms=_TTL,
        watch_pid=os.getpid(),
        label=os.path.basename(program[0])[:100] or None,
    )
    access = open_claims()
    permit = obtain(access, request, options.wait, leases.teller())
    try:
        with Attention() as attention:
            environment = {
                **os.environ,
                "PORTBOOK_PERMIT": permit.id,
                "PORTBOOK_TOKEN": str(permit.token),
            }
            child = start(program, environment, attention)
            _until_it_ends(child, attention, access, permit)
    finally:
        _give_back(access, permit)
    end_as(child)


def _until_it_ends(child: Child, attention: Attention, access: "Access", permit: Permit) -> None:
    while not attention.wait(child, _HEARTBEAT):
        if permit.owner.pid != os.getpid():
            try:
                permit = access.renew_permit(permit.id, permit.token)
            except PortbookError as error:
                print(f"portbook: the permit could not be renewed: {error}", file=sys.stderr)


def _give_back(access: "Access", permit: Permit) -> None:
    """Release it; where that fails it is free as soon as we have ended."""
    try:
        access.release_permit(permit.id, permit.token)
    except PortbookError as error:
        print(f"portbook: the permit ends with this process: {error}", file=sys.stderr)
    access.close()
