"""Take, renew, give back and list permits of semaphores; see `sem`."""

import argparse
import os
import sys

from portbook.cli import leases
from portbook.cli.lease_rows import SHORTEST_ID
from portbook.cli.render import emit, emit_json, style_of
from portbook.model.claim import ClaimRefused, Permit, PermitRequest
from portbook.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.claims.access import Access


def main(options: argparse.Namespace) -> int:
    """Exit code 1: not in time, had ended before, or no such semaphore is in use."""
    from portbook.survey.claiming import open_claims

    access = open_claims()
    try:
        return _DO[options.action](access, options)
    finally:
        access.close()


def _acquire(access: "Access", options: argparse.Namespace) -> int:
    from portbook.survey.permitting import obtain

    request = PermitRequest(
        options.name, options.limit, options.n, ttl_ms=options.ttl, watch_pid=options.pid
    )
    permit = obtain(access, request, options.wait, leases.teller())
    try:
        if options.json or options.jsonl:
            _print_permit(permit, options)
        else:
            emit([permit.id])
    except OSError:
        # Who asked has not been told what to give back.
        access.release_permit(permit.id, permit.token)
        raise
    if not (options.json or options.jsonl):
        _tell(permit)
    return 0


def _renew(access: "Access", options: argparse.Namespace) -> int:
    permit_id, token = _find(access, options)
    permit = access.renew_permit(permit_id, token, options.ttl)
    if options.json or options.jsonl:
        _print_permit(permit, options)
    else:
        emit([permit.id])
        _tell(permit)
    return 0


def _release(access: "Access", options: argparse.Namespace) -> int:
    permit_id, token = _find(access, options)
    released = access.release_permit(permit_id, token)
    if options.json or options.jsonl:
        _print({"released": released}, options)
    else:
        emit([f"{permit_id} is released" if released else f"{permit_id} had ended before"])
    return 0 if released else 1


def _list(access: "Access", options: argparse.Namespace) -> int:
    from portbook.cli import lease_rows

    people = lease_rows.People()
    rows = [
        lease_rows.semaphore_row(each, people)
        for each in access.semaphores()
        if options.name in (None, each.name)
    ]
    if options.json or options.jsonl:
        _print({"semaphores": rows}, options)
    else:
        from portbook.cli.claims_text import semaphore_lines

        style = style_of(options.color)
        emit(semaphore_lines(rows, style) if rows else ["no semaphore is in use"])
    return 0 if rows or options.name is None else 1


_DO = {"acquire": _acquire, "renew": _renew, "release": _release, "list": _list}


def _find(access: "Access", options: argparse.Namespace) -> tuple[str, int]:
    """Id and token of the permit that is meant; our only one needs neither.

    Raises:
        ClaimRefused: `not_found`, `not_yours`.
        UsageError: we have several.
    """
    begins = options.id or ""
    if len(begins) == 16 and options.token is not None:
        return options.id, options.token
    held = [
        permit
        for state in access.semaphores()
        if state.name == options.name
        for permit in state.held
        if (options.id is None or (len(begins) >= SHORTEST_ID and permit.id.startswith(begins)))
        and options.token in (None, permit.token)
    ]
    ours = [each for each in held if os.geteuid() in (0, each.owner.uid)]
    if not held:
        raise ClaimRefused(
            "not_found", f"there is no such permit of {options.name!r}", hint="portbook sem list"
        )
    if not ours:
        raise ClaimRefused("not_yours", f"{options.name!r} is held by another user")
    if len(ours) > 1:
        ids = ", ".join(each.id for each in ours[:8])
        raise UsageError(f"there are {len(ours)} permits of {options.name!r}", hint=f"one of {ids}")
    return ours[0].id, ours[0].token


def _print_permit(permit: Permit, options: argparse.Namespace) -> None:
    from portbook.cli import lease_rows

    _print({"permit": lease_rows.permit_row(permit, lease_rows.People())}, options)


def _print(body: dict[str, object], options: argparse.Namespace) -> None:
    from portbook.model.document import document

    emit_json(document("sem", body), line=options.jsonl)


def _tell(permit: Permit) -> None:
    from portbook.model.moments import spoken

    if permit.owner.pid is not None:
        until = f"for as long as process {permit.owner.pid} lives"
    else:
        until = f"for {spoken(permit.ttl_ms / 1000)}"
    sys.stdout.flush()
    print(f"a permit {until}: token {permit.token}", file=sys.stderr)
