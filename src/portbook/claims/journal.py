"""The tables in which a store of claims lies on the disk, and how its rows are read and written.

Times are milliseconds of CLOCK_BOOTTIME and mean something only in the boot that `meta` names;
`at`, `created` and `renewed` are seconds since 1970. `number` is the token with which a claim or
permit was first given, so that new rows come at the end of the table. Of one that has ended,
`ended_ms` is when, and `until_ms` is when its lock-delay is over.
"""

import json
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring

from portbook.claims.changes import KEPT_EVENTS, Key
from portbook.claims.ledger import Ledger
from portbook.host.database import Kind
from portbook.model import EnvironmentFault
from portbook.model.claim import (
    Bound,
    Caller,
    Claim,
    ClaimEvent,
    Permit,
    Reservation,
    Waiter,
)
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

_OWNER = """uid INTEGER NOT NULL, pid INTEGER, start INTEGER, pidns INTEGER, netns INTEGER,
        label TEXT"""
_LEASE = """ttl_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, created REAL NOT NULL,
        renewed REAL NOT NULL, request_id TEXT, ended_ms INTEGER"""
KIND = Kind(
    "store of portbook's claims",
    0x50624331,
    1,
    f"""
    CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL,
        boot TEXT NOT NULL, secret BLOB NOT NULL, token INTEGER NOT NULL);
    CREATE TABLE claim (number INTEGER PRIMARY KEY, asker INTEGER NOT NULL, id TEXT NOT NULL,
        token INTEGER NOT NULL, epoch INTEGER NOT NULL, transport TEXT NOT NULL,
        address TEXT NOT NULL, port INTEGER NOT NULL, size INTEGER NOT NULL, {_OWNER}, name TEXT,
        key TEXT, state TEXT NOT NULL, hold INTEGER NOT NULL, bound_pid INTEGER,
        bound_inode INTEGER, seq INTEGER NOT NULL, labels TEXT, {_LEASE},
        until_ms INTEGER NOT NULL);
    CREATE TABLE permit (number INTEGER PRIMARY KEY, asker INTEGER NOT NULL, id TEXT NOT NULL,
        token INTEGER NOT NULL, epoch INTEGER NOT NULL, semaphore TEXT NOT NULL,
        most INTEGER NOT NULL, units INTEGER NOT NULL, {_OWNER}, {_LEASE});
    CREATE TABLE waiter (asker INTEGER NOT NULL, request_id TEXT NOT NULL,
        place INTEGER NOT NULL, semaphore TEXT NOT NULL, most INTEGER NOT NULL,
        units INTEGER NOT NULL, {_OWNER}, ttl_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
        created REAL NOT NULL, PRIMARY KEY (asker, request_id));
    CREATE TABLE reservation (uid INTEGER NOT NULL, key TEXT NOT NULL, port INTEGER NOT NULL,
        size INTEGER NOT NULL, project TEXT, name TEXT, created REAL NOT NULL,
        PRIMARY KEY (uid, key));
    CREATE TABLE event (id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL,
        body TEXT NOT NULL);
    """,
)
_SPARE_EVENTS = 4_096
"""Events that are deleted at once: one in so many commits takes 3 ms longer."""
_COLUMNS = {"claim": 30, "permit": 20, "waiter": 15, "reservation": 7, "event": 4}
_INSERT = {
    table: f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * count)})"  # noqa: S608 - both are constants above, and no value is in it
    for table, count in _COLUMNS.items()
}
_OVER = "UPDATE claim SET state = ?, ended_ms = ?, until_ms = ? WHERE number = ?"
_EVERY_CLAIM = "SELECT * FROM claim ORDER BY number"
_LIVE_CLAIMS = "SELECT * FROM claim WHERE ended_ms IS NULL ORDER BY number"
_EVERY_PERMIT = "SELECT * FROM permit ORDER BY number"
_LIVE_PERMITS = "SELECT * FROM permit WHERE ended_ms IS NULL ORDER BY number"
_META = "INSERT OR REPLACE INTO meta VALUES (1, ?, ?, ?, ?)"
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Meta(Record):
    """What is known of the store as a whole; every token that was told is below `token`."""

    epoch: int
    boot: str
    secret: bytes
    token: int


def read_meta(link: "sqlite3.Connection") -> Meta | None:
    """The store as a whole; None if it is new."""
    row = link.execute("SELECT epoch, boot, secret, token FROM meta").fetchone()
    return None if row is None else Meta(*row)


class Journal:
    """Writes what a ledger noted, and knows the row of everything in it."""

    def __init__(self, link: "sqlite3.Connection") -> None:
        self._link = link
        self._claims: dict[str, int] = {}
        self._permits: dict[str, int] = {}
        self._places: dict[Key, int] = {}
        self._place = 0
        self._first_event = 0

    def load(self, ledger: Ledger) -> None:
        """Fill an empty ledger with what is on the disk."""
        for number, asker, claim, ended in _claims(self._link):
            self._claims[claim.id] = number
            ledger.load_claim(claim, asker, number, ended)
        for number, asker, permit, permit_ended in _permits(self._link):
            self._permits[permit.id] = number
            ledger.sems.load_permit(permit, asker, number, permit_ended)
        for asker, place, waiter in _waiters(self._link):
            self._places[asker, waiter.request_id] = self._place = place
            ledger.sems.load_waiter(asker, waiter)
        for reservation in read_reservations(self._link):
            ledger.ports.reserve(reservation)
        ledger.sort_ended()
        first, last = self._link.execute(
            "SELECT (SELECT min(id) FROM event), (SELECT max(id) FROM event)"
        ).fetchone()
        self._first_event = first or 1
        ledger.changes.last = last or 0

    def write(self, ledger: Ledger, meta: Meta | None) -> None:
        """Write what was noted, in one transaction; `meta` too where it changed."""
        link = self._link
        changes = ledger.changes
        link.execute("BEGIN IMMEDIATE")
        try:
            if meta is not None:
                link.execute(_META, meta)
            if changes.claims:
                self._write_claims(ledger)
            if changes.permits:
                self._write_permits(ledger)
            if changes.waiters:
                self._write_waiters(ledger)
            if changes.reservations:
                self._write_reservations(ledger)
            if changes.events:
                link.executemany(
                    _INSERT["event"],
                    [(each.id, each.at, each.kind, body_text(each)) for each in changes.events],
                )
                if changes.last - self._first_event >= KEPT_EVENTS + _SPARE_EVENTS:
                    first = changes.last - KEPT_EVENTS
                    link.execute("DELETE FROM event WHERE id < ?", (first,))
                    self._first_event = first
            link.execute("COMMIT")
        except BaseException:
            if link.in_transaction:
                link.execute("ROLLBACK")
            raise

    def _write_claims(self, ledger: Ledger) -> None:
        rows, over, gone = [], [], []
        live, ended, born = ledger.ports.live, ledger.ended, ledger.requests.born
        for name in ledger.changes.claims:
            claim = live.get(name)
            if claim is not None:
                asker, number = born[name]
                rows.append(_claim_row(number, asker, claim, None, 0))
            elif name in ended:
                asker, number = born[name]
                found = ended[name]
                if name in ledger.changes.over and name in self._claims:
                    over.append((found.record.state, found.at, found.until, number))
                    continue
                rows.append(_claim_row(number, asker, found.record, found.at, found.until))
            else:
                number = self._claims.pop(name, 0)
                if number:
                    gone.append((number,))
                continue
            self._claims[name] = number
        if rows:
            self._link.executemany(_INSERT["claim"], rows)
        if over:
            self._link.executemany(_OVER, over)
        if gone:
            self._link.executemany("DELETE FROM claim WHERE number = ?", gone)

    def _write_permits(self, ledger: Ledger) -> None:
        sems = ledger.sems
        rows, gone = [], []
        for name in ledger.changes.permits:
            permit, at = sems.permits.get(name), None
            if permit is None and name in sems.ended:
                permit, at = sems.ended[name].record, sems.ended[name].at
            if permit is None:
                number = self._permits.pop(name, 0)
                if number:
                    gone.append((number,))
                continue
            asker, number = sems.requests.born[name]
            self._permits[name] = number
            rows.append(_permit_row(number, asker, permit, at))
        self._link.executemany(_INSERT["permit"], rows)
        if gone:
            self._link.executemany("DELETE FROM permit WHERE number = ?", gone)

    def _write_waiters(self, ledger: Ledger) -> None:
        rows = []
        gone = [key for key in ledger.changes.waiters if key not in ledger.sems.waiting]
        for key in gone:
            self._places.pop(key, None)
        for key, waiter in ledger.sems.waiting.items():
            if key in ledger.changes.waiters:
                if key not in self._places:
                    self._place += 1
                    self._places[key] = self._place
                rows.append(_waiter_row(key[0], self._places[key], waiter))
        self._link.executemany("DELETE FROM waiter WHERE asker = ? AND request_id = ?", gone)
        self._link.executemany(_INSERT["waiter"], rows)

    def _write_reservations(self, ledger: Ledger) -> None:
        reserved = ledger.ports.reserved
        for key in ledger.changes.reservations:
            found = reserved.get(key)
            if found is None:
                self._link.execute("DELETE FROM reservation WHERE uid = ? AND key = ?", key)
            else:
                self._link.execute(_INSERT["reservation"], _reservation_row(found))

    def events(self, since: int, limit: int) -> list[ClaimEvent]:
        """Committed events after `since`, oldest first."""
        rows = self._link.execute(
            "SELECT id, at, kind, body FROM event WHERE id > ? ORDER BY id LIMIT ?", (since, limit)
        )
        return [ClaimEvent(number, at, kind, json.loads(body)) for number, at, kind, body in rows]

    @property
    def first_event(self) -> int:
        """The oldest event that is kept, or the next where there is none."""
        return self._first_event


def body_text(event: ClaimEvent) -> str:
    """The body of an event as JSON; the two kinds that come most often are written by hand.

    That takes 3 us for a claim and its release instead of 12 (measured, Python 3.11).
    """
    body = event.body
    if event.kind == "released":
        return (
            f'{{"id":"{body["id"]}","token":{body["token"]},"port":{body["port"]},'
            f'"size":{body["size"]},"transport":"{body["transport"]}"}}'
        )
    if event.kind == "claimed" and body["bound"] is None:
        owner = body["owner"]
        return (
            f'{{"id":"{body["id"]}","token":{body["token"]},"epoch":{body["epoch"]},'
            f'"transport":"{body["transport"]}","address":{_text(body["address"])},'
            f'"port":{body["port"]},"size":{body["size"]},"owner":{{"uid":{owner["uid"]},'
            f'"pid":{_number(owner["pid"])},"start":{_number(owner["start"])},'
            f'"pidns":{_number(owner["pidns"])},"netns":{_number(owner["netns"])},'
            f'"label":{_text(owner["label"])}}},"name":{_text(body["name"])},'
            f'"key":{_text(body["key"])},"state":"{body["state"]}","ttl_ms":{body["ttl_ms"]},'
            f'"expires_ms":{body["expires_ms"]},"created":{body["created"]!r},'
            f'"renewed":{body["renewed"]!r},"hold":{"true" if body["hold"] else "false"},'
            f'"bound":null,"seq":{body["seq"]},"request_id":{_text(body["request_id"])},'
            f'"labels":{_encode(body["labels"]) if body["labels"] else "[]"}}}'
        )
    return _encode(body)


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _text(value: str | None) -> str:
    return "null" if value is None else encode_basestring(value)


def _claim_row(
    number: int, asker: int, claim: Claim, ended: int | None, until: int
) -> "tuple[Any, ...]":
    bound = claim.bound
    pid, inode = (None, None) if bound is None else bound
    return (
        number,
        asker,
        *claim[:7],
        *claim.owner,
        claim.name,
        claim.key,
        claim.state,
        claim.hold,
        pid,
        inode,
        claim.seq,
        _encode(claim.labels) if claim.labels else None,
        claim.ttl_ms,
        claim.expires_ms,
        claim.created,
        claim.renewed,
        claim.request_id,
        ended,
        until,
    )


def _claims(
    link: "sqlite3.Connection", wanted: str = _EVERY_CLAIM
) -> Iterator[tuple[int, int, Claim, tuple[int, int] | None]]:
    for row in link.execute(wanted):
        name, key, state, hold, pid, inode, seq, labels = row[15:23]
        ttl, expires, created, renewed, request_id, ended, until = row[23:]
        claim = Claim._make(
            (
                *row[2:9],
                Caller._make(row[9:15]),
                name,
                key,
                state,
                ttl,
                expires,
                created,
                renewed,
                bool(hold),
                None if inode is None else Bound(pid, inode),
                seq,
                request_id,
                tuple((name, text) for name, text in json.loads(labels)) if labels else (),
            )
        )
        yield row[0], row[1], claim, None if ended is None else (ended, until)


def read_claims(link: "sqlite3.Connection") -> Iterator[Claim]:
    """The live claims on the disk, oldest first."""
    return (claim for _, _, claim, _ in _claims(link, _LIVE_CLAIMS))


def _permit_row(number: int, asker: int, permit: Permit, ended: int | None) -> "tuple[Any, ...]":
    return (number, asker, *permit[:6], *permit.owner, *permit[7:], ended)


def _permits(
    link: "sqlite3.Connection", wanted: str = _EVERY_PERMIT
) -> Iterator[tuple[int, int, Permit, int | None]]:
    for row in link.execute(wanted):
        permit = Permit._make((*row[2:8], Caller._make(row[8:14]), *row[14:19]))
        yield row[0], row[1], permit, row[19]


def read_permits(link: "sqlite3.Connection") -> Iterator[Permit]:
    """The live permits on the disk, oldest first."""
    return (permit for _, _, permit, _ in _permits(link, _LIVE_PERMITS))


def _waiter_row(asker: int, place: int, waiter: Waiter) -> "tuple[Any, ...]":
    return (
        asker,
        waiter.request_id,
        place,
        *waiter[1:4],
        *waiter.owner,
        *waiter[6:],
    )


def _waiters(link: "sqlite3.Connection") -> Iterator[tuple[int, int, Waiter]]:
    for row in link.execute("SELECT * FROM waiter ORDER BY place"):
        owner = Caller._make(row[6:12])
        yield row[0], row[2], Waiter._make((row[1], *row[3:6], 0, owner, *row[12:]))


def read_waiters(link: "sqlite3.Connection") -> Iterator[Waiter]:
    """Who waits, first come first."""
    return (waiter for _, _, waiter in _waiters(link))


def _reservation_row(reservation: Reservation) -> "tuple[Any, ...]":
    found = reservation
    return (found.uid, found.key, found.port, *found[3:])


def read_reservations(link: "sqlite3.Connection") -> Iterator[Reservation]:
    """The reservations, by port."""
    for uid, key, *rest in link.execute("SELECT * FROM reservation ORDER BY port"):
        yield Reservation(key, uid, *rest)


def check_columns(link: "sqlite3.Connection", tables: Iterable[str] = _COLUMNS) -> None:
    """Refuse tables of another shape.

    Raises:
        EnvironmentFault: a column is missing or new.
    """
    for table in tables:
        found = len(link.execute(f"PRAGMA table_info({table})").fetchall())
        if found != _COLUMNS[table]:
            raise EnvironmentFault(f"the table {table} of the store has another shape")
