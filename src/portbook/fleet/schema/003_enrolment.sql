-- How a host joins, and how months of history are made and dropped.
-- No function here is for everyone: 004_roles.sql says whose each is.

CREATE TABLE enrolment (
    host integer PRIMARY KEY REFERENCES host,  -- a later token replaces an earlier one
    hash bytea NOT NULL,        -- SHA-256 of the token's secret; the secret is nowhere here
    made timestamptz NOT NULL DEFAULT now(),
    by name NOT NULL DEFAULT session_user,
    expires timestamptz NOT NULL,
    used timestamptz
);

CREATE TABLE enrolling (        -- what every token carries; it opens nothing without one
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    password text NOT NULL
);

-- 244 bits that nobody can guess, and that never were in a statement.
CREATE FUNCTION random_secret() RETURNS bytea
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
$$;

-- What every store has once.
CREATE FUNCTION furnish() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, portbook, pg_temp AS $$
    INSERT INTO portbook.book (secret) VALUES (portbook.random_secret()) ON CONFLICT DO NOTHING;
    INSERT INTO portbook.enrolling (password)
        VALUES (encode(portbook.random_secret(), 'hex')) ON CONFLICT DO NOTHING;
$$;

-- The number of the host whose agent asks; NULL for everybody else.
CREATE FUNCTION own_host() RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, portbook, pg_temp AS $$
    SELECT number FROM portbook.host WHERE login = current_user
$$;

-- A token's secret for a host that need not be known yet. Drawn here: what a function returns is in no log.
CREATE FUNCTION enrol(host_id text, host_labels jsonb, host_nkey text, valid interval) RETURNS bytea
LANGUAGE plpgsql SET search_path = pg_catalog, portbook, pg_temp AS $$
DECLARE
    secret bytea := portbook.random_secret();
    found integer;
BEGIN
    INSERT INTO portbook.host (id, labels, nkey)
        VALUES (host_id, coalesce(host_labels, '{}'), host_nkey)
        ON CONFLICT (id) DO UPDATE SET labels = coalesce(host_labels, portbook.host.labels),
            nkey = coalesce(host_nkey, portbook.host.nkey)
        RETURNING number INTO found;
    IF valid IS NULL THEN
        RETURN NULL;  -- on the bus alone: it needs no login
    END IF;
    INSERT INTO portbook.enrolment (host, hash, expires)
        VALUES (found, sha256(secret), clock_timestamp() + valid)
        ON CONFLICT (host) DO UPDATE SET hash = excluded.hash, made = now(), by = session_user,
            expires = excluded.expires, used = NULL;
    RETURN secret;
END $$;

-- The login of a host: its id with `_` for what a name has not, where that is free.
CREATE FUNCTION login_for(host_number integer, host_id text) RETURNS name
LANGUAGE sql STABLE SET search_path = pg_catalog, portbook, pg_temp AS $$
    WITH plain AS (SELECT 'portbook_host_' || translate(host_id, '.-', '__') AS login)
    SELECT (CASE WHEN length(login) > 63 OR EXISTS (
        SELECT FROM portbook.host WHERE host.login = plain.login AND number <> host_number
    ) THEN 'portbook_host_h_' || left(encode(sha256(convert_to(host_id, 'UTF8')), 'hex'), 32)
    ELSE login END)::name FROM plain
$$;

-- Redeem a token: give its host a login. `proof` is the secret, masked with what is asked for, so
-- that who reads it in a log or on the way can neither use it again nor ask for something else.
-- `verifier` is the password as the server keeps it; NULL: a client certificate takes its place.
CREATE FUNCTION redeem(
    host_id text, proof bytea, verifier text, host_nkey text, OUT outcome text, OUT login name
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, portbook, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    one portbook.enrolment;
    mask bytea;
    secret bytea;
    which integer;
BEGIN
    outcome := 'unknown';
    SELECT number INTO which FROM portbook.host WHERE id = host_id;
    SELECT * INTO one FROM portbook.enrolment AS e WHERE e.host = which FOR UPDATE;
    IF one IS NULL OR length(proof) <> 32 THEN
        RETURN;
    END IF;
    mask := sha256(one.hash
        || convert_to(coalesce(verifier, '') || E'\n' || coalesce(host_nkey, ''), 'UTF8'));
    secret := proof;
    FOR i IN 0..31 LOOP
        secret := set_byte(secret, i, get_byte(proof, i) # get_byte(mask, i));
    END LOOP;
    IF sha256(secret) <> one.hash THEN
        RETURN;
    END IF;
    IF one.used IS NOT NULL THEN
        outcome := 'used';
        SELECT h.login INTO login FROM portbook.host AS h WHERE h.number = which;
        RETURN;
    END IF;
    IF one.expires <= clock_timestamp() THEN
        outcome := 'expired';
        RETURN;
    END IF;
    outcome := 'refused';
    -- Only what the server keeps of a password: a password as such would be seen in its log.
    IF verifier !~ '^SCRAM-SHA-256\$\d{1,7}:[A-Za-z0-9+/=]{8,}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}$'
        OR host_nkey !~ '^U[A-Z2-7]{55}$' THEN
        RETURN;
    END IF;
    login := portbook.login_for(which, host_id);
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN CONNECTION LIMIT 10 IN ROLE portbook_agent', login);
    ELSIF EXISTS (
        SELECT FROM pg_roles WHERE rolname = login
            AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
    ) OR NOT EXISTS (
        SELECT FROM pg_auth_members
        WHERE member = (SELECT oid FROM pg_roles WHERE rolname = login)
            AND roleid = (SELECT oid FROM pg_roles WHERE rolname = 'portbook_agent')
    ) THEN
        RETURN;  -- somebody else's login has that name
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', login, verifier);
    UPDATE portbook.host AS h SET login = login, nkey = coalesce(host_nkey, h.nkey)
        WHERE h.number = which;
    UPDATE portbook.enrolment AS e SET used = clock_timestamp() WHERE e.host = which;
    outcome := 'joined';
END $$;

-- The name of a month's table.
CREATE FUNCTION month_table(month date) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'history_' || to_char(month, 'YYYY_MM')
$$;

-- Make a month of history, with what history_rest has of it; how many rows that were.
-- NULL: it is there.
CREATE FUNCTION make_month(month date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, portbook, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    first timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
    after timestamptz := (date_trunc('month', month::timestamp) + interval '1 month')
        AT TIME ZONE 'UTC';
    made text := portbook.month_table(month);
    moved bigint;
BEGIN
    -- One at a time, also before the table is looked for.
    PERFORM pg_advisory_xact_lock(hashtextextended('portbook.make_month', 0));
    IF to_regclass('portbook.' || made) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    -- Writers wait from here: nothing falls between the rest and the month.
    LOCK TABLE portbook.history_rest IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE portbook.%I (LIKE portbook.history INCLUDING ALL)', made);
    EXECUTE format('WITH moved AS (DELETE FROM portbook.history_rest
        WHERE until >= $1 AND until < $2 RETURNING *)
        INSERT INTO portbook.%I SELECT * FROM moved', made) USING first, after;
    GET DIAGNOSTICS moved = ROW_COUNT;
    EXECUTE format('ALTER TABLE portbook.history ATTACH PARTITION portbook.%I
        FOR VALUES FROM (%L) TO (%L)', made, first, after);
    RETURN moved;
END $$;

-- Drop a month of history that is over.
CREATE FUNCTION drop_month(month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, portbook, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    named text := portbook.month_table(month);
BEGIN
    IF date_trunc('month', month::timestamp) + interval '1 month' > now()
        OR NOT EXISTS (SELECT FROM pg_inherits
            WHERE inhrelid = to_regclass('portbook.' || named)
            AND inhparent = 'portbook.history'::regclass) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE portbook.%I', named);
    RETURN true;
END $$;

-- Rows that came too late for their month, or before it was made, and are too old to keep.
CREATE FUNCTION drop_rest(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, portbook, pg_temp AS $$
DECLARE
    dropped bigint;
BEGIN
    DELETE FROM portbook.history_rest WHERE until < least(before, now());
    GET DIAGNOSTICS dropped = ROW_COUNT;
    RETURN dropped;
END $$;
