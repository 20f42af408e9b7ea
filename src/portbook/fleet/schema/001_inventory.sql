-- Hosts, what listens on them now, and what listened before.
-- Moments are the server's; an agent tells only how old its look was.

CREATE TABLE host (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE CHECK (id ~ '^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$'),
    name text NOT NULL DEFAULT '',
    labels jsonb NOT NULL DEFAULT '{}',
    login name,                 -- the role that its agent writes as; NULL: through a hub alone
    nkey text,                  -- its public key on the bus
    enrolled timestamptz NOT NULL DEFAULT now(),
    instance text,
    former text[] NOT NULL DEFAULT '{}',  -- instances that were followed by another; newest last
    seq bigint NOT NULL DEFAULT 0,
    hash bigint NOT NULL DEFAULT 0,
    total integer NOT NULL DEFAULT 0,
    as_of timestamptz,          -- when the agent looked, by our clock
    every_ms integer NOT NULL DEFAULT 30000,
    version text,
    gaps text[] NOT NULL DEFAULT '{}',
    duplicate_at timestamptz,
    duplicate_of text
) WITH (fillfactor = 60);       -- each report updates its row in place

CREATE INDEX host_labels ON host USING gin (labels);
CREATE UNIQUE INDEX host_login ON host (login);

-- How many hosts there are, and from when on each is silent unless it reports: an answer says both, and
-- a look at every host would take ten times as long as a rare port does. `odd` hosts have gaps, or two
-- machines report under their id. Triggers keep these two, so that reports stay one update in place.
CREATE TABLE tally (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    hosts bigint NOT NULL
);
INSERT INTO tally (hosts) VALUES (0);

CREATE TABLE heard (
    host integer PRIMARY KEY REFERENCES host ON DELETE CASCADE,
    silent_at timestamptz NOT NULL,
    odd boolean NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX heard_silent ON heard (silent_at);
CREATE INDEX heard_odd ON heard (host) WHERE odd;

CREATE FUNCTION silent_at(as_of timestamptz, every_ms integer) RETURNS timestamptz
    LANGUAGE sql STABLE SET search_path = portbook, pg_temp RETURN coalesce(as_of + 3 * every_ms * interval '1 ms', '-infinity');

CREATE FUNCTION hosts_came() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = portbook, pg_temp AS $$
BEGIN
    INSERT INTO heard SELECT number, silent_at(as_of, every_ms),
        gaps <> '{}' OR duplicate_at IS NOT NULL FROM came;
    UPDATE tally SET hosts = hosts + (SELECT count(*) FROM came);
    RETURN NULL;
END $$;

CREATE FUNCTION hosts_went() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = portbook, pg_temp AS $$
BEGIN
    UPDATE tally SET hosts = hosts - (SELECT count(*) FROM went);
    RETURN NULL;
END $$;

CREATE FUNCTION host_heard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = portbook, pg_temp AS $$
BEGIN
    UPDATE heard SET silent_at = silent_at(new.as_of, new.every_ms),
        odd = new.gaps <> '{}' OR new.duplicate_at IS NOT NULL
    WHERE host = new.number;
    RETURN NULL;
END $$;

CREATE TRIGGER came AFTER INSERT ON host REFERENCING NEW TABLE AS came
    FOR EACH STATEMENT EXECUTE FUNCTION hosts_came();
CREATE TRIGGER went AFTER DELETE ON host REFERENCING OLD TABLE AS went
    FOR EACH STATEMENT EXECUTE FUNCTION hosts_went();
CREATE TRIGGER heard AFTER UPDATE OF as_of, every_ms, gaps, duplicate_at ON host
    FOR EACH ROW EXECUTE FUNCTION host_heard();

-- No foreign key to host: it is asked row by row, a quarter of the time of a report, and whoever
-- writes here holds the lock of the host's row. Who deletes a host deletes its listeners.
CREATE TABLE listener (
    host integer NOT NULL,      -- host.number
    transport text NOT NULL,
    address text NOT NULL,
    port integer NOT NULL CHECK (port BETWEEN 0 AND 65535),
    netns text NOT NULL,
    inode bigint NOT NULL,
    state text NOT NULL,
    reach text NOT NULL,
    process text,
    pid integer,
    exe text,
    "user" text,
    unit text,
    container text,
    package text,
    speaks text,
    verdict text NOT NULL,
    severity text,
    rules text NOT NULL,
    started bigint,
    unknown text NOT NULL,
    hash bigint NOT NULL,       -- of the row, see fleet.table
    since timestamptz NOT NULL, -- first seen
    changed timestamptz NOT NULL, -- when this version of it was
    PRIMARY KEY (host, port, transport, address, netns, inode)
) WITH (fillfactor = 85);       -- a change of a row leaves the indexes alone: half its cost

CREATE INDEX listener_port ON listener (port, transport);
CREATE INDEX listener_process ON listener (process, port);
-- What an audit names: the words of fleet.inventory.FINDINGS, which few rows have.
CREATE INDEX listener_findings ON listener (host)
    WHERE severity IS NOT NULL OR verdict IN ('mismatch', 'suspicious');

CREATE TABLE history (
    host integer NOT NULL,
    transport text NOT NULL,
    address text NOT NULL,
    port integer NOT NULL,
    netns text NOT NULL,
    inode bigint NOT NULL,
    state text NOT NULL,
    reach text NOT NULL,
    process text,
    pid integer,
    exe text,
    "user" text,
    unit text,
    container text,
    package text,
    speaks text,
    verdict text NOT NULL,
    severity text,
    rules text NOT NULL,
    started bigint,
    unknown text NOT NULL,
    since timestamptz NOT NULL, -- of this version
    until timestamptz NOT NULL,
    ended text NOT NULL CHECK (ended IN ('closed', 'changed'))
) PARTITION BY RANGE (until);

CREATE TABLE history_rest PARTITION OF history DEFAULT;
CREATE INDEX history_port ON history (port, until);
CREATE INDEX history_host ON history (host, until);
CREATE INDEX history_until ON history USING brin (until);
