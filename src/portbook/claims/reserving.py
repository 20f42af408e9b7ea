"""Reservations: a number that a project and a name have for good."""

from portbook.claims.allotment import Block, Search, check_port, check_size
from portbook.claims.changes import Changes, Key, reservation_body
from portbook.claims.leases import check_texts
from portbook.claims.port_table import PortTable
from portbook.model.claim import (
    EVERY_ADDRESS,
    Caller,
    ClaimRefused,
    ClaimRequest,
    Reservation,
    ReservationRequest,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.claims.store import InUse, Numbers


def keep_number(
    request: ClaimRequest,
    own: Key,
    table: PortTable,
    changes: Changes,
    search: Search,
    numbers: "Numbers",
) -> Block:
    """The ports for a claim under a key: those reserved for it, and where there are none, new ones.

    A port that is asked for by number moves the reservation. Nothing is changed where one of the
    ports is not to be had.

    Raises:
        ClaimRefused: held, in_use, pool_empty.
    """
    found = table.reserved.get(own)
    size = request.size
    if found is not None and request.port in (None, found.port):
        search.exact(found.port, size)
        if size > found.size:
            _enter(found._replace(size=size), table, changes)
        return found.port, size
    if request.port is not None:
        search.exact(request.port, size)
        port = request.port
    else:
        ((port, size),) = search.pool(request, numbers, size, 1)
    made = Reservation(
        request.key or "", own[0], port, size, request.project, request.name, changes.wall()
    )
    if found is not None:
        made = found._replace(port=port, size=size)
    _enter(made, table, changes)
    return port, size


def reserve(
    request: ReservationRequest,
    asker: Caller,
    table: PortTable,
    changes: Changes,
    now: int,
    numbers: "Numbers",
    in_use: "InUse",
) -> Reservation:
    """See claims.store.Store.reserve.

    Raises:
        ClaimRefused: invalid, held, in_use, pool_empty.
    """
    check_size(request.size)
    check_port(request.port, request.size)
    if not request.key:
        raise ClaimRefused("invalid", "a reservation needs a key")
    check_texts(request.key, request.project, request.name)
    own = (asker.uid, request.key)
    found = table.reserved.get(own)
    if found is not None and request.port in (None, found.port) and request.size <= found.size:
        return found
    search = Search(table, None, ("tcp", "udp"), EVERY_ADDRESS, own, in_use, now)
    if request.port is not None:
        search.exact(request.port, request.size, but=asker.uid)
        port = request.port
    elif found is not None:
        search.exact(found.port, request.size, but=asker.uid)
        port = found.port
    else:
        ((port, _),) = search.pool(request, numbers, request.size, 1)
    if found is None:
        made = Reservation(
            request.key,
            asker.uid,
            port,
            request.size,
            request.project,
            request.name,
            changes.wall(),
        )
    else:
        made = found._replace(port=port, size=request.size)
    _enter(made, table, changes)
    return made


def _enter(reservation: Reservation, table: PortTable, changes: Changes) -> None:
    table.reserve(reservation)
    changes.reservations.add((reservation.uid, reservation.key))
    changes.tell("reserved", reservation_body(reservation))


def unreserve(key: str, asker: Caller, table: PortTable, changes: Changes) -> bool:
    """See claims.store.Store.unreserve; root gives back another's, if one alone has that key."""
    own = (asker.uid, key)
    if own not in table.reserved and asker.uid == 0:
        others = [each for each in table.reserved if each[1] == key]
        if len(others) == 1:
            (own,) = others
    if table.unreserve(own) is None:
        return False
    changes.reservations.add(own)
    changes.tell("unreserved", {"uid": own[0], "key": own[1]})
    return True
