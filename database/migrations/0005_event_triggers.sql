-- The API learns of every change of the schema at once, and the extensions that users create open themselves to the project's owner.

CREATE OR REPLACE FUNCTION extensions.pgrst_ddl_watch() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  -- Temporary objects are nobody else's.
  IF EXISTS (
    SELECT FROM pg_event_trigger_ddl_commands() AS command
    WHERE command.schema_name IS DISTINCT FROM 'pg_temp'
      AND command.command_tag IN (
        'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE FOREIGN TABLE',
        'ALTER FOREIGN TABLE', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW', 'CREATE FUNCTION',
        'ALTER FUNCTION', 'CREATE PROCEDURE', 'ALTER PROCEDURE', 'CREATE TRIGGER', 'CREATE TYPE', 'ALTER TYPE', 'CREATE DOMAIN',
        'ALTER DOMAIN', 'CREATE RULE', 'COMMENT', 'GRANT', 'REVOKE'
      )
  ) THEN
    PERFORM pg_notify('pgrst', 'reload schema');
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION extensions.pgrst_drop_watch() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_event_trigger_dropped_objects() AS dropped
    WHERE NOT dropped.is_temporary
      AND dropped.object_type IN (
        'schema', 'table', 'foreign table', 'view', 'materialized view', 'function', 'procedure', 'trigger', 'type', 'rule'
      )
  ) THEN
    PERFORM pg_notify('pgrst', 'reload schema');
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION extensions.grant_pg_cron_access() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_event_trigger_ddl_commands() AS command
    JOIN pg_extension AS extension ON command.classid = 'pg_extension'::regclass AND command.objid = extension.oid
    WHERE extension.extname = 'pg_cron'
  ) THEN
    GRANT USAGE ON SCHEMA cron TO postgres WITH GRANT OPTION;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cron TO postgres WITH GRANT OPTION;
    GRANT SELECT ON ALL TABLES IN SCHEMA cron TO postgres WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA cron GRANT ALL ON TABLES TO postgres WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA cron GRANT ALL ON SEQUENCES TO postgres WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA cron GRANT ALL ON ROUTINES TO postgres WITH GRANT OPTION;
  END IF;
END
$$;

-- pg_net's functions send requests in the server's name: only the roles that may do so anyway get them.
CREATE OR REPLACE FUNCTION extensions.grant_pg_net_access() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_event_trigger_ddl_commands() AS command
    JOIN pg_extension AS extension ON command.classid = 'pg_extension'::regclass AND command.objid = extension.oid
    WHERE extension.extname = 'pg_net'
  ) THEN
    GRANT USAGE ON SCHEMA net TO supabase_functions_admin, postgres, anon, authenticated, service_role;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA net TO supabase_functions_admin, postgres, anon, authenticated, service_role;
  END IF;
END
$$;

DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('pgrst_ddl_watch', 'ddl_command_end', NULL, 'pgrst_ddl_watch'),
      ('pgrst_drop_watch', 'sql_drop', NULL, 'pgrst_drop_watch'),
      ('issue_pg_cron_access', 'ddl_command_end', 'CREATE EXTENSION', 'grant_pg_cron_access'),
      ('issue_pg_net_access', 'ddl_command_end', 'CREATE EXTENSION', 'grant_pg_net_access')
    ) AS trigger (name, event, tag, function)
    WHERE NOT EXISTS (SELECT FROM pg_event_trigger AS there WHERE there.evtname = trigger.name)
  LOOP
    EXECUTE format(
      'CREATE EVENT TRIGGER %I ON %s%s EXECUTE FUNCTION extensions.%I()',
      wanted.name, wanted.event, CASE WHEN wanted.tag IS NULL THEN '' ELSE format(' WHEN TAG IN (%L)', wanted.tag) END, wanted.function
    );
  END LOOP;
END
$$;

-- pg_cron may have been created before its trigger was.
DO $$
BEGIN
  IF to_regnamespace('cron') IS NOT NULL THEN
    GRANT USAGE ON SCHEMA cron TO postgres WITH GRANT OPTION;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cron TO postgres WITH GRANT OPTION;
    GRANT SELECT ON ALL TABLES IN SCHEMA cron TO postgres WITH GRANT OPTION;
  END IF;
END
$$;
