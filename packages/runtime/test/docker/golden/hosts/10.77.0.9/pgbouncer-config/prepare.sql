-- What PgBouncer needs in a database that was started by Compose alone.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
\set password `cat /run/secrets/pgbouncer`
SELECT format('CREATE ROLE pgbouncer LOGIN PASSWORD %L', :'password')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pgbouncer') \gexec
\connect postgres
SELECT to_regprocedure('pgbouncer.get_auth(text)') IS NULL AS is_missing \gset
\if :is_missing
BEGIN;
    CREATE SCHEMA IF NOT EXISTS pgbouncer;
    REVOKE ALL ON SCHEMA pgbouncer FROM PUBLIC;
    GRANT USAGE ON SCHEMA pgbouncer TO pgbouncer;
    CREATE FUNCTION pgbouncer.get_auth(p_usename text) RETURNS TABLE (usename name, passwd text)
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
      AS $$
        SELECT rolname, rolpassword FROM pg_catalog.pg_authid
        WHERE rolname = p_usename AND rolcanlogin AND rolname NOT IN ('pgbouncer', 'replicator', 'rewinder')
          AND (rolvaliduntil IS NULL OR rolvaliduntil > pg_catalog.now())
      $$;
    REVOKE ALL ON FUNCTION pgbouncer.get_auth(text) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION pgbouncer.get_auth(text) TO pgbouncer;
COMMIT;
\endif
\connect template1
SELECT to_regprocedure('pgbouncer.get_auth(text)') IS NULL AS is_missing \gset
\if :is_missing
BEGIN;
    CREATE SCHEMA IF NOT EXISTS pgbouncer;
    REVOKE ALL ON SCHEMA pgbouncer FROM PUBLIC;
    GRANT USAGE ON SCHEMA pgbouncer TO pgbouncer;
    CREATE FUNCTION pgbouncer.get_auth(p_usename text) RETURNS TABLE (usename name, passwd text)
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
      AS $$
        SELECT rolname, rolpassword FROM pg_catalog.pg_authid
        WHERE rolname = p_usename AND rolcanlogin AND rolname NOT IN ('pgbouncer', 'replicator', 'rewinder')
          AND (rolvaliduntil IS NULL OR rolvaliduntil > pg_catalog.now())
      $$;
    REVOKE ALL ON FUNCTION pgbouncer.get_auth(text) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION pgbouncer.get_auth(text) TO pgbouncer;
COMMIT;
\endif
