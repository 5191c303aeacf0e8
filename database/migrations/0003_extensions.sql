-- Extensions live in a schema of their own, outside what the API shows. The first three come with PostgreSQL; the others where their
-- package is installed, and where PostgreSQL has been told to load those that must be there from its start.

CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA extensions;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA extensions;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements WITH SCHEMA extensions;

DO $$
DECLARE
  extension record;
  loaded CONSTANT text[] := regexp_split_to_array(current_setting('shared_preload_libraries'), '\s*,\s*');
BEGIN
  FOR extension IN
    SELECT wanted.name, wanted.preload, wanted.relocatable
    FROM (VALUES ('pg_cron', 'pg_cron', false), ('pgaudit', 'pgaudit', true), ('postgis', NULL, true), ('pgtap', NULL, true))
      AS wanted (name, preload, relocatable)
    JOIN pg_available_extensions AS available USING (name)
    WHERE available.installed_version IS NULL
  LOOP
    CONTINUE WHEN extension.preload IS NOT NULL AND extension.preload <> ALL (loaded);
    -- pg_cron runs its jobs from one database only.
    CONTINUE WHEN extension.name = 'pg_cron' AND current_setting('cron.database_name', true) IS DISTINCT FROM current_database();
    BEGIN
      EXECUTE format(
        'CREATE EXTENSION %I%s', extension.name, CASE WHEN extension.relocatable THEN ' WITH SCHEMA extensions' ELSE '' END
      );
    EXCEPTION WHEN undefined_file THEN
      -- Half of its package is installed, as Debian's scripts of PostGIS without its library.
      RAISE WARNING 'extension % cannot be made: %', extension.name, SQLERRM;
    END;
  END LOOP;
END
$$;
