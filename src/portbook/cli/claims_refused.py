"""A claim that is waited for or refused: who has the port, by name, and the way out."""

import os

from portbook.cli import leases
from portbook.model.claim import Claim, ClaimRefused, ClaimRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from portbook.claims.access import Access

_WORTH_WAITING = ("held", "in_use", "pool_empty", "timeout")
_PATIENCE_MS = 1_000
"""Milliseconds of waiting before a person is told what for."""


def obtain(access: "Access", request: ClaimRequest, folder: str) -> tuple[Claim, ...]:
    """The claims; on a terminal it is said after a second who is waited for.

    Raises:
        ClaimRefused: they are not to be had; said is who has the port.
    """
    try:
        if request.wait_ms > _PATIENCE_MS and leases.is_watched():
            try:
                return access.claim(request._replace(wait_ms=_PATIENCE_MS))
            except ClaimRefused as error:
                if error.code not in _WORTH_WAITING:
                    raise
                _tell(named(error, access, request, folder))
            request = request._replace(wait_ms=request.wait_ms - _PATIENCE_MS)
        return access.claim(request)
    except ClaimRefused as error:
        raise named(error, access, request, folder) from None


def _tell(error: ClaimRefused) -> None:
    from portbook.cli.telling import say

    say(f"waiting: {error}")


def named(
    error: ClaimRefused, access: "Access", request: ClaimRequest, folder: str
) -> ClaimRefused:
    """The refusal with the holder's name: program and PID, user, claim; and what can be done."""
    if error.code == "in_use" and access.via != "book":
        from portbook.cli import run_text

        return run_text.refused(error, access, request)
    if error.code != "held" or error.holder is None:
        return error
    if error.holder.get("kind") == "claim":
        return _held(error, error.holder)
    from portbook.survey.numbers_kept import tell_way_out

    return tell_way_out(error, folder)


def _held(error: ClaimRefused, holder: "dict[str, Any]") -> ClaimRefused:
    from shlex import quote

    from portbook.claims.answers import caller_of
    from portbook.cli.lease_rows import People

    people = People()
    owner = caller_of(holder["owner"])
    user = people.user(owner.uid)
    who = f"user {user}"
    if owner.pid is not None:
        who = f"{people.process(owner) or 'process'} (pid {owner.pid}), user {user}"
    last = f"-{holder['port'] + holder['count'] - 1}" if holder["count"] > 1 else ""
    name = f" {holder['name']}" if holder["name"] else ""
    hint = "--wait 10s waits for it"
    if owner.uid == os.geteuid():
        word = quote(holder["name"] or holder["id"])
        hint = f"portbook renew {word}, or portbook release {word}"
    return ClaimRefused(
        error.code,
        f"{holder['port']}{last}/{holder['transport']} is held by {who}:"
        f" claim{name} {holder['id']}",
        holder=error.holder,
        retry_after_ms=error.retry_after_ms,
        hint=error.hint or hint,
    )
