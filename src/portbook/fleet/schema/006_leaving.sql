-- How a host leaves: an operator deletes its rows, but may not change a login. This function may, for the
-- login of a host alone.

-- Nobody can log in any more as the host does. A session that is open goes on, and sees nothing once the
-- host's row is deleted. NULL: it has no login, or one that is no host's.
CREATE FUNCTION bar(host_id text) RETURNS name
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, portbook, pg_temp AS $$
DECLARE
    barred name;
BEGIN
    SELECT login INTO barred FROM portbook.host WHERE id = host_id;
    IF NOT EXISTS (
        SELECT FROM pg_roles WHERE rolname = barred
            AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
    ) OR NOT EXISTS (
        SELECT FROM pg_auth_members
        WHERE member = (SELECT oid FROM pg_roles WHERE rolname = barred)
            AND roleid = (SELECT oid FROM pg_roles WHERE rolname = 'portbook_agent')
    ) THEN
        RETURN NULL;
    END IF;
    EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', barred);
    RETURN barred;
END $$;

REVOKE ALL ON FUNCTION bar(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bar(text) TO portbook_operator;
GRANT CREATE ON SCHEMA portbook TO portbook_maker;
ALTER FUNCTION bar(text) OWNER TO portbook_maker;
REVOKE CREATE ON SCHEMA portbook FROM portbook_maker;
