-- Who may do what. The roles themselves are made before this, see fleet.roles.

REVOKE ALL ON FUNCTION random_secret(), furnish(), own_host(), enrol(text, jsonb, text, interval),
    login_for(integer, text), redeem(text, bytea, text, text), month_table(date), make_month(date),
    drop_month(date), drop_rest(timestamptz), silent_at(timestamptz, integer), hosts_came(),
    hosts_went(), host_heard() FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA portbook FROM PUBLIC;
GRANT USAGE ON SCHEMA portbook TO portbook_agent, portbook_hub, portbook_reader, portbook_operator,
    portbook_enrol, portbook_maker;
GRANT SELECT ON migration TO portbook_agent, portbook_hub, portbook_reader, portbook_operator;

-- An agent: the rows of its own host, and of the host's row only what a report says.
GRANT SELECT ON host TO portbook_agent, portbook_hub;
GRANT UPDATE (name, labels, instance, former, seq, hash, total, as_of, every_ms, version, gaps,
    duplicate_at, duplicate_of) ON host TO portbook_agent, portbook_hub;
GRANT SELECT, INSERT, UPDATE, DELETE ON listener TO portbook_agent, portbook_hub;
GRANT SELECT, INSERT ON history TO portbook_agent, portbook_hub;
GRANT EXECUTE ON FUNCTION own_host() TO portbook_agent, portbook_hub, portbook_reader,
    portbook_operator;

-- A report is copied into a temporary table first.
DO $$ BEGIN
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO portbook_agent, portbook_hub',
        current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO portbook_reader, portbook_operator,
        portbook_enrol', current_database());
END $$;

-- A reader: everything but what opens something.
GRANT SELECT ON host, tally, heard, listener, history, claim, permit, waiter, reservation, event
    TO portbook_reader;
GRANT SELECT (one, epoch, token, event, first_event, clock_ms, system, timeline) ON book
    TO portbook_reader;

-- An operator: all of it, claims and tokens too.
GRANT SELECT, INSERT, UPDATE, DELETE ON host, listener, history, enrolment, book, claim, permit,
    waiter, reservation, event TO portbook_operator;
GRANT SELECT ON tally, heard, enrolling, history_rest TO portbook_operator;
GRANT EXECUTE ON FUNCTION enrol(text, jsonb, text, interval), random_secret(), month_table(date),
    make_month(date), drop_month(date), drop_rest(timestamptz) TO portbook_operator;

ALTER TABLE host ENABLE ROW LEVEL SECURITY;
ALTER TABLE listener ENABLE ROW LEVEL SECURITY;
ALTER TABLE history ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON host TO portbook_agent
    USING (login = current_user) WITH CHECK (login = current_user);
-- The subquery is asked once for a statement, not for each row.
CREATE POLICY own ON listener TO portbook_agent
    USING (host = (SELECT portbook.own_host())) WITH CHECK (host = (SELECT portbook.own_host()));
CREATE POLICY own ON history TO portbook_agent
    USING (host = (SELECT portbook.own_host())) WITH CHECK (host = (SELECT portbook.own_host()));

CREATE POLICY every ON host TO portbook_hub, portbook_operator USING (true) WITH CHECK (true);
CREATE POLICY every ON listener TO portbook_hub, portbook_operator USING (true) WITH CHECK (true);
CREATE POLICY every ON history TO portbook_hub, portbook_operator USING (true) WITH CHECK (true);
CREATE POLICY read ON host FOR SELECT TO portbook_reader USING (true);
CREATE POLICY read ON listener FOR SELECT TO portbook_reader USING (true);
CREATE POLICY read ON history FOR SELECT TO portbook_reader USING (true);

-- Redeeming runs as a role that may make logins, and see what it needs for that: no superuser.
CREATE POLICY redeem ON host TO portbook_maker USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE (login, nkey) ON host TO portbook_maker;
GRANT SELECT, UPDATE ON enrolment TO portbook_maker;
GRANT EXECUTE ON FUNCTION login_for(integer, text) TO portbook_maker;
GRANT EXECUTE ON FUNCTION redeem(text, bytea, text, text) TO portbook_enrol;
DO $$ BEGIN
    IF NOT pg_has_role(current_user, 'portbook_maker', 'MEMBER') THEN
        EXECUTE format('GRANT portbook_maker TO %I', current_user);
    END IF;
END $$;
GRANT CREATE ON SCHEMA portbook TO portbook_maker;
ALTER FUNCTION redeem(text, bytea, text, text) OWNER TO portbook_maker;
REVOKE CREATE ON SCHEMA portbook FROM portbook_maker;
