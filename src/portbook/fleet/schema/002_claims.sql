-- The claim book of the fleet: see portbook.claims.postgres, which alone writes it.
-- Moments in milliseconds are those of the book's clock: the server's, since 1970, and never running
-- back. `number` is the first token of a claim or permit. Bodies are json, not jsonb: as written.

CREATE TABLE book (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL DEFAULT 1,
    token bigint NOT NULL DEFAULT 0,      -- the newest that was given
    event bigint NOT NULL DEFAULT 0,      -- the newest
    first_event bigint NOT NULL DEFAULT 1,
    clock_ms bigint NOT NULL DEFAULT 0,
    turn bigint NOT NULL DEFAULT 0,       -- grows with every commit
    quiet bigint NOT NULL DEFAULT 0,      -- the last turn that changed more than its events tell
    waiting bigint NOT NULL DEFAULT 0,    -- the last turn that changed a waiter
    writer text NOT NULL DEFAULT '',      -- which commit was the last: for who lost its answer
    secret bytea NOT NULL,
    system text,                          -- another cluster than this one has the book now
    timeline bigint                       -- another server was promoted
) WITH (fillfactor = 10);                 -- every commit updates the row in place

CREATE TABLE claim (
    number bigint PRIMARY KEY,
    asker bigint NOT NULL,
    id text NOT NULL UNIQUE,
    token bigint NOT NULL UNIQUE,
    space bigint NOT NULL,                -- 0: the fleet's, else a network namespace
    transport text NOT NULL CHECK (transport IN ('tcp', 'udp')),
    port integer NOT NULL,
    size integer NOT NULL,
    state text NOT NULL,
    ended_ms bigint,
    until_ms bigint NOT NULL,
    body json NOT NULL,
    -- One line for all ports of all spaces and both transports: one range is faster than four columns.
    places int8range NOT NULL GENERATED ALWAYS AS (int8range(
        (space * 2 + CASE transport WHEN 'udp' THEN 1 ELSE 0 END) * 65536 + port,
        (space * 2 + CASE transport WHEN 'udp' THEN 1 ELSE 0 END) * 65536 + port + size)) STORED,
    addresses numrange NOT NULL,          -- IPv4 from 0, IPv6 from 2^32 on; a wildcard is all of its own
    -- Two live claims never overlap, whatever the program that writes them believes.
    CONSTRAINT claim_alone EXCLUDE USING gist (places WITH &&, addresses WITH &&)
        WHERE (ended_ms IS NULL)
);

CREATE TABLE permit (
    number bigint PRIMARY KEY,
    asker bigint NOT NULL,
    id text NOT NULL UNIQUE,
    token bigint NOT NULL UNIQUE,
    ended_ms bigint,
    body json NOT NULL
);

CREATE TABLE waiter (
    place bigint PRIMARY KEY,
    asker bigint NOT NULL,
    request_id text NOT NULL,
    body json NOT NULL,
    UNIQUE (asker, request_id)
);

CREATE TABLE reservation (
    uid bigint NOT NULL,
    key text NOT NULL,
    port integer NOT NULL,
    size integer NOT NULL,
    body json NOT NULL,
    ports int4range NOT NULL GENERATED ALWAYS AS (int4range(port, port + size)) STORED,
    PRIMARY KEY (uid, key),
    EXCLUDE USING gist (ports WITH &&) DEFERRABLE INITIALLY DEFERRED  -- numbers may be swapped
);

CREATE TABLE event (
    id bigint PRIMARY KEY,
    at double precision NOT NULL,
    kind text NOT NULL,
    body json NOT NULL
);
