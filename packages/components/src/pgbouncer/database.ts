import { poolerRole, replicationRole, rewindRole } from '../accounts.js';

/**
 * What the pooler asks a database for passwords with (auth_query in pgbouncer.ini): a function that only its role may call, and that never
 * answers for the roles of replication. Fails where it is there already; several statements, for one transaction. Role and database are there.
 */
export const poolerFunction = `
    CREATE SCHEMA IF NOT EXISTS pgbouncer;
    REVOKE ALL ON SCHEMA pgbouncer FROM PUBLIC;
    GRANT USAGE ON SCHEMA pgbouncer TO ${poolerRole};
    CREATE FUNCTION pgbouncer.get_auth(p_usename text) RETURNS TABLE (usename name, passwd text)
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
      AS $$
        SELECT rolname, rolpassword FROM pg_catalog.pg_authid
        WHERE rolname = p_usename AND rolcanlogin AND rolname NOT IN ('${poolerRole}', '${replicationRole}', '${rewindRole}')
          AND (rolvaliduntil IS NULL OR rolvaliduntil > pg_catalog.now())
      $$;
    REVOKE ALL ON FUNCTION pgbouncer.get_auth(text) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION pgbouncer.get_auth(text) TO ${poolerRole};
`;
