"""The tools that claim: a port that is ours while the client is there.

A claim outlives the call, not the client. It is a lease of `LEASE_MS` that is renewed while the
connection lasts and ended with it; where there is no connection to watch (HTTP without a session)
it is not renewed. It is bound to no process: the server that the agent then starts is neither ours
nor our child, and with our process as the owner it would be called a squatter.
"""

import contextlib
from threading import Lock

from portbook.host import clock
from portbook.mcp.plain_text import tamed
from portbook.mcp.told import Told
from portbook.mcp.whereabouts import folder_or_own
from portbook.model import PortbookError, UsageError, document
from portbook.model.claim import Claim, ClaimRefused, ClaimRequest
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from portbook.claims.access import Access

LEASE_MS = 300_000
"""What is left of a claim, in milliseconds, where we are killed: five minutes."""

RENEW_SECONDS = 60.0

LONE_LEASE_MS = 600_000
"""The lease of a claim that nobody renews: ten minutes."""

MOST_CLAIMS = 32
"""Claims of one client."""

EVERYBODY = ""
"""The session of requests that belong to none."""


class Lease(Record):
    """A claim that a client of ours has, with the request that made it."""

    claim: Claim
    request: ClaimRequest
    session: str


class Leases:
    """The claims of all clients of this server, by id. Every method may be called in any thread."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._leases)

    def claim(self, asked: "dict[str, Any]", session: str) -> Told:
        """Claim a port for a session.

        Raises:
            ClaimRefused: it is not to be had; told is who has it.
            UsageError: both a number and a wish, no name, or too many claims.
        """
        from portbook.survey.claim_rows import People, claim_row

        request, folder = _request(asked, session)
        with self._lock:
            self._drop_ended()
            if len(self._of(session)) >= MOST_CLAIMS:
                raise UsageError(
                    f"this client has {MOST_CLAIMS} claims already", hint="release_port first"
                )
            with _opened() as access:
                claims = _obtained(access, request, folder)
                via = access.via
            for each in claims:
                self._leases[each.id] = Lease(each, request, session)
        people = People()
        rows = tuple(claim_row(each, people) for each in claims)
        told = tamed(document("claim", {"claims": rows, "via": via}))
        return Told(told, tuple(_line(each, session) for each in claims))

    def release(self, asked: "dict[str, Any]", session: str) -> Told:
        """Give back a claim of this session.

        Raises:
            UsageError: neither or both of port and claim.
            ClaimRefused: `not_found`: no claim of this session is meant.
        """
        port, name = asked.get("port"), asked.get("claim")
        if (port is None) == (name is None):
            raise UsageError("release_port needs either port or claim")
        if session == EVERYBODY and name is None:
            raise UsageError("without a session a claim is released by its id", hint="claim: ID")
        with self._lock:
            meant = [
                each.claim
                for each in self._of(session)
                if (each.claim.id == name if port is None else each.claim.port == port)
            ]
            if not meant:
                what = f"claim {name}" if port is None else f"port {port}"
                raise ClaimRefused(
                    "not_found",
                    f"{what} was not claimed over this connection",
                    hint="who claimed it releases it: portbook claims shows them",
                )
            rows = []
            with _opened() as access:
                for each in meant:
                    del self._leases[each.id]
                    ended = access.release(each.id, each.token)
                    rows.append(
                        {
                            "id": each.id,
                            "port": each.port,
                            "transport": each.transport,
                            "released": ended,
                        }
                    )
        lines = (
            f"{row['port']}/{row['transport']} "
            + ("is released" if row["released"] else "had ended before")
            for row in rows
        )
        return Told(tamed(document("release", {"released": rows})), tuple(lines))

    def renew(self) -> None:
        """Begin the leases of all sessions anew.

        One that ran out while the machine slept is taken again, if nobody took it meanwhile.
        """
        with self._lock:
            watched = [each for each in self._leases.values() if each.session != EVERYBODY]
            if not watched:
                return
            with contextlib.suppress(PortbookError), _opened() as access:
                for each in watched:
                    made = _renewed(access, each)
                    if made is not each.claim:
                        del self._leases[each.claim.id]
                    if made is not None:
                        self._leases[made.id] = each._replace(claim=made)

    def forget(self, session: str) -> None:
        """End the claims of a session whose client has gone."""
        self._end([each for each in self._leases.values() if each.session == session])

    def forget_all(self) -> None:
        """End all of them, but those that no connection keeps: these end by their time."""
        self._end([each for each in self._leases.values() if each.session != EVERYBODY])

    def give_back(self, rows: "list[dict[str, Any]]") -> None:
        """Release what an answer names: the call was cancelled, and nobody will read it."""
        ids = {row["id"] for row in rows}
        self._end([each for each in self._leases.values() if each.claim.id in ids])

    def _drop_ended(self) -> None:
        """Forget those that nobody renewed and that have run out."""
        now = clock.boot_ms()
        for each in self._of(EVERYBODY):
            if each.claim.expires_ms < now:
                del self._leases[each.claim.id]

    def _of(self, session: str) -> list[Lease]:
        return [each for each in self._leases.values() if each.session == session]

    def _end(self, leases: list[Lease]) -> None:
        if not leases:
            return
        with self._lock, contextlib.suppress(PortbookError), _opened() as access:
            for each in leases:
                self._leases.pop(each.claim.id, None)
                with contextlib.suppress(ClaimRefused):
                    access.release(each.claim.id, each.claim.token)


def _opened() -> "contextlib.closing[Access]":
    """Access for one call: sessions come from several threads, and a store is one thread's."""
    from portbook.survey.claiming import open_claims

    return contextlib.closing(open_claims())


def _request(asked: "dict[str, Any]", session: str) -> tuple[ClaimRequest, str]:
    from portbook.survey.claiming import in_project
    from portbook.survey.numbers_kept import checked_name, project_of

    port, near, name = asked.get("port"), asked.get("near"), asked.get("name")
    if port is not None and near is not None:
        raise UsageError("either port or near, not both")
    if name is not None:
        checked_name(name)
    folder = asked.get("folder")
    where = folder_or_own(folder)
    if folder is not None:
        project_of(folder)
    request = ClaimRequest(
        port=port,
        near=near,
        transports=(asked["transport"],),
        name=name,
        ttl_ms=LONE_LEASE_MS if session == EVERYBODY else LEASE_MS,
        label="agent",
    )
    if port is None or folder is not None:
        request = in_project(request, where)
    return request, where


def _obtained(access: "Access", request: ClaimRequest, folder: str) -> tuple[Claim, ...]:
    """The claims; a refusal says who listens there, or how a reserved number is had."""
    try:
        return access.claim(request)
    except ClaimRefused as refused:
        if refused.code == "held":
            from portbook.survey.numbers_kept import tell_way_out

            raise tell_way_out(refused, folder) from None
        if refused.code == "in_use" and refused.hint is None:
            refused.hint = "who_holds_port says who listens there"
        raise


def _renewed(access: "Access", lease: Lease) -> Claim | None:
    claim = lease.claim
    try:
        return access.renew(claim.id, claim.token, lease.request.ttl_ms)
    except ClaimRefused:
        pass
    try:
        again = lease.request._replace(port=claim.port, near=None, key=None, request_id=None)
        return access.claim(again)[0]
    except ClaimRefused:
        return None


def _line(claim: Claim, session: str) -> str:
    kept = "as long as this connection lasts, or until release_port"
    if session == EVERYBODY:
        kept = f"{LONE_LEASE_MS // 60_000} minutes: without a session nobody renews it"
    return (
        f"{claim.port}/{claim.transport} is claimed for {kept}"
        f" (claim {claim.id}, token {claim.token})"
    )
