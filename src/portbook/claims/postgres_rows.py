"""The rows of the fleet's claim book in PostgreSQL: read, written, and caught up with.

The tables are those of fleet/schema/002_claims.sql. A row has what constraints and lookups need in
columns of its own, and the whole claim, permit, waiter or reservation as JSON in `body`.
"""

import json
from functools import lru_cache

from portbook.claims.answers import caller_of
from portbook.claims.changes import (
    KEPT_EVENTS,
    claim_body,
    permit_body,
    reservation_body,
    waiter_body,
)
from portbook.claims.journal import body_text
from portbook.claims.ledger import Ledger
from portbook.claims.overlap import parts
from portbook.claims.replay import claim_from, permit_from
from portbook.model.claim import ClaimEvent, Reservation, Waiter
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from portbook.host.postgres import Link

MOST_CAUGHT_UP = 4_096
"""Events after which all is read anew instead of what they tell of."""
_SPARE_EVENTS = 4_096
_V6 = 2**32
"""Where the numbers of IPv6 addresses begin in the column `addresses`."""

_CLAIM = "SELECT number, asker, body, state, ended_ms, until_ms FROM claim"
_PERMIT = "SELECT number, asker, body, ended_ms FROM permit"
_UPSERT_CLAIM = """
INSERT INTO claim (number, asker, id, token, space, transport, port, size, state, ended_ms,
    until_ms, body, addresses)
SELECT number, asker, id, token, space, transport, port, size, state, ended_ms, until_ms, body,
    addresses
FROM json_to_recordset(%s::json) AS new (number bigint, asker bigint, id text, token bigint,
    space bigint, transport text, port integer, size integer, state text, ended_ms bigint,
    until_ms bigint, body json, addresses numrange)
ON CONFLICT (number) DO UPDATE SET token = excluded.token, state = excluded.state,
    ended_ms = excluded.ended_ms, until_ms = excluded.until_ms, body = excluded.body"""
_END_CLAIM = """
UPDATE claim SET state = new.state, ended_ms = new.ended_ms, until_ms = new.until_ms
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
    AS new (number, state, ended_ms, until_ms)
WHERE claim.number = new.number"""
_UPSERT_PERMIT = """
INSERT INTO permit (number, asker, id, token, ended_ms, body)
SELECT number, asker, id, token, ended_ms, body
FROM json_to_recordset(%s::json) AS new (number bigint, asker bigint, id text, token bigint,
    ended_ms bigint, body json)
ON CONFLICT (number) DO UPDATE SET ended_ms = excluded.ended_ms, body = excluded.body"""
_UPSERT_WAITER = """
INSERT INTO waiter (place, asker, request_id, body)
SELECT place, asker, request_id, body
FROM json_to_recordset(%s::json) AS new (place bigint, asker bigint, request_id text, body json)
ON CONFLICT (asker, request_id) DO UPDATE SET place = excluded.place, body = excluded.body"""
_UPSERT_RESERVATION = """
INSERT INTO reservation (uid, key, port, size, body)
SELECT uid, key, port, size, body
FROM json_to_recordset(%s::json) AS new (uid bigint, key text, port integer, size integer,
    body json)
ON CONFLICT (uid, key) DO UPDATE SET port = excluded.port, size = excluded.size,
    body = excluded.body"""
_EVENTS = """
INSERT INTO event (id, at, kind, body) SELECT id, at, kind, body
FROM json_to_recordset(%s::json) AS new (id bigint, at double precision, kind text, body json)"""

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Touched(Record):
    """What the events of others tell to read anew."""

    claims: tuple[str, ...]
    permits: tuple[str, ...]
    reservations: bool


class Rows:
    """Writes what a ledger noted, in an open transaction, and reads what others wrote."""

    def __init__(self) -> None:
        self._known_claims: set[str] = set()
        self._places: dict[tuple[int, str], int] = {}
        self._place = 0

    # Reading

    def load(self, link: "Link", ledger: Ledger) -> None:
        """Fill an empty ledger."""
        self._known_claims.clear()
        self.load_claims(link, ledger, None)
        self.load_permits(link, ledger, None)
        self.load_waiters(link, ledger)
        self.load_reservations(link, ledger)
        ledger.sort_ended()

    def load_claims(self, link: "Link", ledger: Ledger, ids: "tuple[str, ...] | None") -> None:
        """Take all claims into the ledger, or these, in place of what it knows of them."""
        for each in ids or ():
            ledger.forget_claim(each)
        if ids is None:
            found = link.execute(f"{_CLAIM} ORDER BY number")
        else:
            found = link.execute(f"{_CLAIM} WHERE id = ANY(%s) ORDER BY number", (list(ids),))
        for number, asker, body, state, ended, until in found.fetchall():
            claim = claim_from({**body, "state": state})
            self._known_claims.add(claim.id)
            ledger.load_claim(claim, asker, number, None if ended is None else (ended, until))

    def load_permits(self, link: "Link", ledger: Ledger, ids: "tuple[str, ...] | None") -> None:
        """As `load_claims`."""
        for each in ids or ():
            ledger.sems.forget_permit(each)
        if ids is None:
            found = link.execute(f"{_PERMIT} ORDER BY number")
        else:
            found = link.execute(f"{_PERMIT} WHERE id = ANY(%s) ORDER BY number", (list(ids),))
        for number, asker, body, ended in found.fetchall():
            ledger.sems.load_permit(permit_from(body), asker, number, ended)

    def load_waiters(self, link: "Link", ledger: Ledger) -> None:
        """Take who waits, in place of all that were known."""
        ledger.sems.forget_waiters()
        self._places.clear()
        self._place = 0
        rows = link.execute("SELECT place, asker, body FROM waiter ORDER BY place").fetchall()
        for place, asker, body in rows:
            waiter = Waiter(**{**body, "owner": caller_of(body["owner"]), "position": 0})
            self._places[asker, waiter.request_id] = self._place = place
            ledger.sems.load_waiter(asker, waiter)

    def load_reservations(self, link: "Link", ledger: Ledger) -> None:
        """Take every reservation, in place of all that were known."""
        for key in list(ledger.ports.reserved):
            ledger.ports.unreserve(key)
        for (body,) in link.execute("SELECT body FROM reservation ORDER BY port").fetchall():
            ledger.ports.reserve(Reservation(**body))

    def catch_up(self, link: "Link", ledger: Ledger, event: int, *, waiters: bool) -> bool:
        """Take in what others wrote until `event`; False: it is too much, all is to be read."""
        since = ledger.changes.last
        if event - since > MOST_CAUGHT_UP:
            return False
        news = read_events(link, since, MOST_CAUGHT_UP)
        if len(news) != event - since:
            return False
        touched = _touched(news)
        if touched.claims:
            self.load_claims(link, ledger, touched.claims)
        if touched.permits:
            self.load_permits(link, ledger, touched.permits)
        if touched.reservations:
            self.load_reservations(link, ledger)
        if waiters:
            self.load_waiters(link, ledger)
        ledger.changes.last = event
        ledger.changes.recent.extend(news)
        return True

    # Writing

    def write(self, link: "Link", ledger: Ledger) -> None:
        """Write what was noted."""
        changes = ledger.changes
        texts = [body_text(each) for each in changes.events]
        if changes.claims:
            self._write_claims(link, ledger, texts)
        if changes.permits:
            self._write_permits(link, ledger)
        if changes.waiters:
            self._write_waiters(link, ledger)
        if changes.reservations:
            self._write_reservations(link, ledger)
        if changes.events:
            _insert(link, _EVENTS, map(_event_row, changes.events, texts))

    def _write_claims(self, link: "Link", ledger: Ledger, texts: list[str]) -> None:
        live, ended, born = ledger.ports.live, ledger.ended, ledger.requests.born
        # The event of a new claim has the very text that its row gets.
        told = {
            event.body["id"]: text
            for event, text in zip(ledger.changes.events, texts, strict=True)
            if event.kind == "claimed"
        }
        first: list[str] = []
        rows: list[str] = []
        over, gone = [], []
        for name in ledger.changes.claims:
            claim, at, until = live.get(name), None, 0
            if claim is None and name in ended:
                claim, at, until = ended[name].record, ended[name].at, ended[name].until
            if claim is None:
                if name in self._known_claims:
                    self._known_claims.discard(name)
                    gone.append(name)
                continue
            asker, number = born[name]
            if at is not None and name in ledger.changes.over and name in self._known_claims:
                over.append((number, claim.state, at, until))
                continue
            self._known_claims.add(name)
            changed = name not in told or claim.renewed != claim.created or claim.token != number
            text = _encode(claim_body(claim)) if changed or claim.bound or at else told[name]
            (rows if at is None else first).append(
                f'{{"number":{number},"asker":{asker},"id":"{name}","token":{claim.token},'
                f'"space":{ledger.ports.namespace(claim.owner.netns) or 0},'
                f'"transport":"{claim.transport}","port":{claim.port},"size":{claim.size},'
                f'"state":"{claim.state}","ended_ms":{"null" if at is None else at},'
                f'"until_ms":{until},"addresses":"{_addresses(claim.address)}","body":{text}}}'
            )
        if gone:
            link.execute("DELETE FROM claim WHERE id = ANY(%s)", (gone,))
        # What ends makes room for what is new.
        if over:
            link.execute(_END_CLAIM, list(map(list, zip(*over, strict=True))))
        if first or rows:
            _insert(link, _UPSERT_CLAIM, [*first, *rows])

    @staticmethod
    def _write_permits(link: "Link", ledger: Ledger) -> None:
        sems = ledger.sems
        rows, gone = [], []
        for name in ledger.changes.permits:
            permit, at = sems.permits.get(name), None
            if permit is None and name in sems.ended:
                permit, at = sems.ended[name].record, sems.ended[name].at
            if permit is None:
                gone.append(name)
                continue
            asker, number = sems.requests.born[name]
            row = {"number": number, "asker": asker, "id": name, "token": permit.token}
            rows.append({**row, "ended_ms": at, "body": permit_body(permit)})
        if gone:
            link.execute("DELETE FROM permit WHERE id = ANY(%s)", (gone,))
        if rows:
            _insert(link, _UPSERT_PERMIT, map(_encode, rows))

    def _write_waiters(self, link: "Link", ledger: Ledger) -> None:
        waiting, changed = ledger.sems.waiting, ledger.changes.waiters
        gone = [key for key in changed if key not in waiting]
        rows = []
        for key in gone:
            self._places.pop(key, None)
        # In the order of `waiting`: who came later stands behind.
        for key in [each for each in waiting if each in changed]:
            if key not in self._places:
                self._place += 1
                self._places[key] = self._place
            rows.append(
                {
                    "place": self._places[key],
                    "asker": key[0],
                    "request_id": key[1],
                    "body": waiter_body(waiting[key]),
                }
            )
        for asker, request_id in gone:
            link.execute(
                "DELETE FROM waiter WHERE asker = %s AND request_id = %s", (asker, request_id)
            )
        if rows:
            _insert(link, _UPSERT_WAITER, map(_encode, rows))

    @staticmethod
    def _write_reservations(link: "Link", ledger: Ledger) -> None:
        rows = []
        for uid, key in ledger.changes.reservations:
            found = ledger.ports.reserved.get((uid, key))
            if found is None:
                link.execute("DELETE FROM reservation WHERE uid = %s AND key = %s", (uid, key))
                continue
            row = {"uid": uid, "key": key, "port": found.port, "size": found.size}
            rows.append({**row, "body": reservation_body(found)})
        if rows:
            _insert(link, _UPSERT_RESERVATION, map(_encode, rows))


def read_events(link: "Link", since: int, limit: int) -> list[ClaimEvent]:
    """Committed events after `since`, oldest first."""
    found = link.execute(
        "SELECT id, at, kind, body FROM event WHERE id > %s ORDER BY id LIMIT %s", (since, limit)
    )
    return [ClaimEvent(*row) for row in found.fetchall()]


def wrote(link: "Link", writer: str, events: list[ClaimEvent]) -> bool:
    """Whether the commit of that name, with these events, is in the tables.

    The lock on the row waits until the server is done with that transaction, either way.
    """
    row = link.execute("SELECT writer FROM book FOR UPDATE").fetchone()
    if row == (writer,):
        return True
    if not events:
        return False
    found = read_events(link, events[0].id - 1, 1)
    return [(each.at, each.body) for each in found] == [(events[0].at, events[0].body)]


def drop_events(link: "Link", first: int, last: int) -> int:
    """Delete events that need no longer be kept, many at once; gives the oldest that is left."""
    if last - first < KEPT_EVENTS + _SPARE_EVENTS:
        return first
    link.execute("DELETE FROM event WHERE id < %s", (last - KEPT_EVENTS,))
    return last - KEPT_EVENTS


def _insert(link: "Link", statement: str, rows: "Iterable[str]") -> None:
    link.execute(statement.encode(), (f"[{','.join(rows)}]",))


def _event_row(event: ClaimEvent, body: str) -> str:
    return f'{{"id":{event.id},"at":{event.at!r},"kind":"{event.kind}","body":{body}}}'


@lru_cache(1024)
def _addresses(address: str) -> str:
    """What of all addresses it takes, as a range of numbers: see claims.overlap and the table."""
    v4, v6 = parts(address)
    if v6 == "::":
        return f"[0,{_V6 + 2**128})"
    if v4 == "0.0.0.0":
        return f"[0,{_V6})"
    from ipaddress import ip_address

    number = int(ip_address(v4 or v6)) + (0 if v4 else _V6)
    return f"[{number},{number}]"


def _touched(events: "list[ClaimEvent]") -> Touched:
    claims: dict[str, Any] = {}
    permits: dict[str, Any] = {}
    reservations = False
    for event in events:
        body = event.body
        if event.kind in ("reserved", "unreserved"):
            reservations = True
        elif "id" in body:
            (permits if "semaphore" in body else claims)[body["id"]] = None
    return Touched(tuple(claims), tuple(permits), reservations)
