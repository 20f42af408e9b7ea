"""The Python interface: a port or a permit for as long as a `with` block, or its process, lasts.

    with portbook.claim(name="web") as c:
        serve(c.socket)
    with portbook.permit("gpu", limit=2):
        train()

The lease is this process's life: nothing has to be renewed, and nothing is left of it after
SIGKILL. There is no asyncio twin: `await asyncio.to_thread(portbook.claim)` is one.
"""

import contextlib
import os

from portbook.model.claim import (
    USUAL_TTL,
    Claim,
    ClaimRefused,
    ClaimRequest,
    Permit,
    PermitRequest,
)
from portbook.model.errors import EnvironmentFault, NotPermitted
from portbook.survey.claiming import in_project, open_claims

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from socket import socket as Socket  # noqa: N812 - a property has its name
    from typing import Self

    from portbook.claims.access import Access


_given_back = contextlib.suppress(ClaimRefused, EnvironmentFault, NotPermitted)
"""Nothing stops who leaves: what cannot be released ends with our life."""


class Claimed:
    """A port that is ours until `release`, or until this process ends, however that happens.

    It is this process's: after fork() the child shares the port only through `socket`, and only
    the process that claimed it releases it. `socket` is bound on first use, to `host`.
    """

    def __init__(self, access: "Access", claims: tuple[Claim, ...], host: str) -> None:
        self._access = access
        self._host = host
        self._socket: Socket | None = None
        self._pid = os.getpid()
        self._released = False
        self.claims = claims

    @property
    def claim(self) -> Claim:
        """The claim: the first one, where several were asked for."""
        return self.claims[0]

    @property
    def port(self) -> int:
        """The number, the first one of several."""
        return self.claim.port

    @property
    def ports(self) -> tuple[int, ...]:
        """Every number, each once."""
        found = [port for each in self.claims for port in range(each.port, each.port + each.size)]
        return tuple(dict.fromkeys(found))

    @property
    def token(self) -> int:
        """The fencing number: larger than that of whoever had the port before."""
        return self.claim.token

    @property
    def id(self) -> str:
        """What the claim is called by `portbook renew` and `release`."""
        return self.claim.id

    @property
    def socket(self) -> "Socket":
        """A socket that is bound to the port, for listen() or, over UDP, for receiving.

        Where the service holds the port it is the service's own, so that there is no moment at
        which the number is free.

        Raises:
            ClaimRefused: `in_use`: somebody who did not ask has bound it; `lost`: after `release`.
        """
        if self._released:
            raise ClaimRefused("lost", f"{self.port} was released, and is no longer ours")
        if self._socket is None:
            self._socket = self._bound()
        return self._socket

    def _bound(self) -> "Socket":
        from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET
        from socket import socket as new_socket

        if self.claim.hold:
            return new_socket(fileno=self._access.fetch_socket(self.id, self.token))
        family = AF_INET6 if ":" in self._host else AF_INET
        made = new_socket(family, SOCK_STREAM if self.claim.transport == "tcp" else SOCK_DGRAM)
        try:
            if self.claim.transport == "tcp":
                made.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            made.bind((self._host, self.port))
        except OSError as error:
            made.close()
            raise ClaimRefused(
                "in_use",
                f"{self.port}/{self.claim.transport} is claimed, but bind() says: {error.strerror}",
                hint=f"portbook why {self.port}",
            ) from None
        return made

    def renew(self, ttl_ms: int | None = None) -> None:
        """Begin the leases anew: needed only where our life cannot be seen (another machine's).

        Raises:
            ClaimRefused: `lost`: it is no longer ours.
        """
        self.claims = tuple(self._access.renew(each.id, each.token, ttl_ms) for each in self.claims)

    def release(self) -> None:
        """Close the socket and give the port back; in a forked child only the former."""
        self._released = True
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if os.getpid() == self._pid:
            for each in self.claims:
                with _given_back:
                    self._access.release(each.id, each.token)
            self._access.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_raised: object) -> None:
        self.release()


def claim(
    name: str | None = None,
    *,
    port: int | None = None,
    near: int | None = None,
    between: tuple[int, int] | None = None,
    count: int = 1,
    contiguous: bool = False,
    transports: tuple[str, ...] = ("tcp",),
    project: str | None = None,
    host: str = "127.0.0.1",
    hold: bool = False,
    wait: float = 0.0,
    ttl: float = USUAL_TTL / 1000,
    labels: "Mapping[str, str] | None" = None,
) -> Claimed:
    """Claim a port for as long as this process lives, or until the `with` block ends.

    Args:
        name: the same project and name have the same number every time.
        port: exactly this one; by default a free one.
        near: the free one that is nearest to this number.
        between: one of the numbers from the first to the last.
        count: how many ports.
        contiguous: neighbours.
        transports: `tcp`, `udp` or both.
        project: a folder of the project; by default the working directory.
        host: the address that `socket` is bound to.
        hold: let the service hold the number with a socket of its own, until `socket` is asked for.
        wait: seconds to wait for a port that somebody else holds.
        ttl: seconds of the lease, which count only where our life cannot be seen.
        labels: what else to tell whoever looks at the claims.

    Raises:
        ClaimRefused: there is none to be had; `code` says why, `holder` who has it.
        EnvironmentFault: neither service nor store can be reached.
        UsageError: the name is a number, or cannot be shown.
    """
    from portbook.survey.numbers_kept import checked_name, tell_way_out, working_folder

    if name is not None:
        checked_name(name)
    folder = project or working_folder()
    first, last = between or (None, None)
    request = ClaimRequest(
        port=port,
        near=near,
        first=first,
        last=last,
        size=count,
        contiguous=contiguous,
        transports=transports,
        name=name,
        ttl_ms=round(ttl * 1000),
        watch_pid=os.getpid(),
        hold=hold,
        wait_ms=round(wait * 1000),
        labels=tuple(sorted((labels or {}).items())),
    )
    access = open_claims()
    try:
        return Claimed(access, access.claim(in_project(request, folder)), host)
    except ClaimRefused as refused:
        access.close()
        tell_way_out(refused, folder)
        raise
    except BaseException:
        access.close()
        raise


class Permitted:
    """Units of a semaphore that are ours until `release`, or until this process ends."""

    def __init__(self, access: "Access", permit: Permit) -> None:
        self._access = access
        self._pid = os.getpid()
        self.permit = permit

    @property
    def token(self) -> int:
        """The fencing number."""
        return self.permit.token

    def renew(self, ttl_ms: int | None = None) -> None:
        """As Claimed.renew."""
        self.permit = self._access.renew_permit(self.permit.id, self.permit.token, ttl_ms)

    def release(self) -> None:
        """Give the units back; nothing in a forked child."""
        if os.getpid() == self._pid:
            with _given_back:
                self._access.release_permit(self.permit.id, self.permit.token)
            self._access.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_raised: object) -> None:
        self.release()


def permit(
    name: str,
    limit: int,
    *,
    units: int = 1,
    wait: float | None = None,
    ttl: float = USUAL_TTL / 1000,
) -> Permitted:
    """Take units of the semaphore `name`, which has `limit` of them for everybody together.

    Args:
        name: which semaphore; everybody who uses it names the same limit.
        limit: its units.
        units: how many of them.
        wait: seconds to wait, None for as long as it takes.
        ttl: seconds of the lease, which count only where our life cannot be seen.

    Raises:
        ClaimRefused: `timeout` (with the holders and our place), `limit_mismatch`.
        EnvironmentFault: neither service nor store can be reached.
    """
    from portbook.survey.permitting import obtain

    access = open_claims()
    request = PermitRequest(name, limit, units, ttl_ms=round(ttl * 1000), watch_pid=os.getpid())
    try:
        return Permitted(access, obtain(access, request, wait))
    except BaseException:
        access.close()
        raise
