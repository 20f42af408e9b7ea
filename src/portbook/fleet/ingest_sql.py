"""What fleet.ingest asks of PostgreSQL, one statement for each kind of change.

In all of them `r` are the reported rows, `l` those that are stored, and `h` the hosts with the
moment that their reports are of. `changed` is when a stored version began, and no version ends
before it began.
"""
# ruff: noqa: S608 - made of the names of our own columns alone

from portbook.model.fleet import FleetRow

_KEY = ("port", "transport", "address", "netns", "inode")
_FIELDS = ", ".join(f'"{field}"' for field in FleetRow._fields)
_VALUES = tuple(field for field in FleetRow._fields if field not in _KEY)
_SAME_KEY = "l.host = r.host AND " + " AND ".join(f"l.{field} = r.{field}" for field in _KEY)
_MOMENTS = "unnest(%s::integer[], %s::timestamptz[]) AS h(number, at)"


def _of(table: str) -> str:
    return ", ".join(f'{table}."{field}"' for field in FleetRow._fields)


BEGIN = """
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET LOCAL synchronous_commit = on;
    SET LOCAL lock_timeout = '5s'
"""
"""A server may be told to be less careful with other transactions; these were acknowledged."""

LOCK = """
    WITH locked AS MATERIALIZED (
        SELECT number, id, instance, former, seq, hash, total, as_of
        FROM host WHERE id = ANY(%s) ORDER BY id FOR UPDATE
    )
    SELECT locked.*, clock_timestamp() FROM locked
"""
"""In one order everywhere, so no two hubs wait for each other; the clock is asked after that."""

DUPLICATE = "UPDATE host SET duplicate_at = clock_timestamp(), duplicate_of = %s WHERE number = %s"

_TYPES = {"port": "integer", "inode": "bigint", "pid": "integer", "started": "bigint"}
TEMPORARY = f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS reported (
        host integer NOT NULL, hash bigint NOT NULL,
        {", ".join(f'"{field}" {_TYPES.get(field, "text")}' for field in FleetRow._fields)}
    ) ON COMMIT DELETE ROWS
"""
"""One for each connection; a transaction that is undone undoes it too, and the next makes it."""

COPY = f"""
    COPY pg_temp.reported (host, hash, {_FIELDS})
    FROM STDIN (FORMAT csv, ESCAPE '\\', NULL 'null', ENCODING 'UTF8')
"""
"""Texts stand in quotes, so that none is taken for NULL, and quotes in them after a backslash."""

_INTO_HISTORY = f"INSERT INTO history (host, {_FIELDS}, since, until, ended)"
_ENDED = f"g.host, {_of('g')}, g.changed, greatest(g.changed, h.at)"

GONE = f"""
    WITH g AS (
        DELETE FROM listener AS l USING unnest(
            %s::integer[], %s::text[], %s::text[], %s::text[], %s::integer[], %s::bigint[]
        ) AS r(host, netns, transport, address, port, inode)
        WHERE {_SAME_KEY} RETURNING l.*
    )
    {_INTO_HISTORY} SELECT {_ENDED}, 'closed' FROM g JOIN {_MOMENTS} ON h.number = g.host
"""

CLOSED = f"""
    WITH g AS (
        DELETE FROM listener AS l WHERE l.host = ANY(%s::integer[])
        AND NOT EXISTS (SELECT FROM pg_temp.reported AS r WHERE {_SAME_KEY}) RETURNING l.*
    )
    {_INTO_HISTORY} SELECT {_ENDED}, 'closed' FROM g JOIN {_MOMENTS} ON h.number = g.host
"""
"""Everything that a full report does not name."""

CHANGED = f"""
    {_INTO_HISTORY} SELECT {_ENDED.replace("g.", "l.")}, 'changed'
    FROM pg_temp.reported AS r JOIN listener AS l ON {_SAME_KEY} AND l.hash <> r.hash
    JOIN {_MOMENTS} ON h.number = l.host
"""
"""Versions that others follow; the listener itself is the same, with the same key."""

WRITE_ANEW = f"""
    INSERT INTO listener AS l (host, {_FIELDS}, hash, since, changed)
    SELECT r.host, {_of("r")}, r.hash, h.at, h.at
    FROM pg_temp.reported AS r JOIN {_MOMENTS} ON h.number = r.host
"""

_CONFLICT = f"""
    ON CONFLICT (host, port, transport, address, netns, inode) DO UPDATE SET
        {", ".join(f'"{field}" = excluded."{field}"' for field in _VALUES)},
        hash = excluded.hash, changed = greatest(l.changed, excluded.changed)
"""

WRITE_OTHER = f"""
    {WRITE_ANEW}
    WHERE NOT EXISTS (SELECT FROM listener AS l WHERE {_SAME_KEY} AND l.hash = r.hash)
    {_CONFLICT}
"""
"""What is stored as it is reported is left alone: to update it would cost as much as to write."""

WRITE_ANEW += _CONFLICT

HOSTS = """
    UPDATE host AS l SET
        name = h.name, labels = h.labels, instance = h.instance, former = h.former, seq = h.seq,
        hash = h.hash, total = h.total, as_of = h.as_of, every_ms = h.every_ms,
        version = h.version, gaps = h.gaps
    FROM jsonb_to_recordset(%s::jsonb) AS h(
        number integer, name text, labels jsonb, instance text, former text[], seq bigint,
        hash bigint, total integer, as_of timestamptz, every_ms integer, version text, gaps text[]
    )
    WHERE l.number = h.number
"""

TOTALS = """
    SELECT host, count(*), sum(hash) FROM listener WHERE host = ANY(%s::integer[]) GROUP BY host
"""
