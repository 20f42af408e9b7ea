"""Access to the claims of this machine, what a project asks for, and what the kernel shows."""

import os

from portbook.claims import places
from portbook.claims.either import Either
from portbook.model import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from portbook.claims.access import Access
    from portbook.host import Host
    from portbook.model.claim import Claim, ClaimRequest, ReservationRequest


def open_claims() -> "Access":
    """Access to the claims of this machine: by the service where it answers, else by the store.

    Nothing is opened before the first call, and each call decides anew. PORTBOOK_CLAIMS may name
    the claim book of a fleet instead, by its postgresql:// URL.
    """
    if url := os.environ.get("PORTBOOK_CLAIMS"):
        from portbook.claims.direct import SCHEMES, Direct

        if not url.startswith(SCHEMES):
            raise UsageError("PORTBOOK_CLAIMS is no postgresql:// URL")
        return Direct(url, _numbers, _in_use)
    return Either(places.sockets(), places.store_path(), _numbers, _in_use)


def _numbers(request: "ClaimRequest | ReservationRequest") -> "Iterable[int]":
    from portbook.survey.choosing import numbers_for

    return numbers_for(request)


def _in_use(transport: str, address: str, port: int) -> str | None:
    from portbook.survey.choosing import in_use

    return in_use(transport, address, port)


def in_project(request: "ClaimRequest", folder: str, *, durable: bool = True) -> "ClaimRequest":
    """The request as one of the project that `folder` belongs to.

    A name has the same number every time, reserved for it (`durable`); without one the search
    begins at a number that is the project's own. Numbers that its files name are left alone.
    """
    from portbook.host import Host
    from portbook.survey.choosing import project_key, start_for
    from portbook.survey.project import read_project

    project = read_project(Host(), os.path.abspath(folder))
    made = request._replace(project=project.root)
    if request.port is not None:
        return made
    made = made._replace(avoid=tuple(sorted({*request.avoid, *project.named})))
    if request.name is not None and durable:
        return made._replace(key=project_key(project.root, request.name))
    if request.near is None and request.first is None and request.last is None:
        made = made._replace(start=start_for(project.root))
    return made


def seen(claims: "Iterable[Claim]", host: "Host | None" = None) -> "tuple[Claim, ...]":
    """The claims with the state that the kernel shows now: `reserved`, `bound` or `squatted`.

    `bound` is then the listener, its owner's or the squatter's. Claims in other network
    namespaces stay as they are. Only the sockets on the ports in question are looked at.

    Raises:
        EnvironmentFault: the socket table cannot be read.
    """
    from portbook.survey.squatting import seen as looked_at

    return looked_at(tuple(claims), host)
