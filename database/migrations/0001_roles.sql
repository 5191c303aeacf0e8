-- The roles that Supabase's services, its dashboard and its API log in as or switch to. Passwords are not here: `holdfast supabase migrate`
-- and `holdfast up` set them from the cluster's secrets. A role without a password cannot log in.

DO $$
DECLARE
  wanted CONSTANT jsonb := '{
    "anon": "NOLOGIN NOINHERIT",
    "authenticated": "NOLOGIN NOINHERIT",
    "service_role": "NOLOGIN NOINHERIT BYPASSRLS",
    "authenticator": "LOGIN NOINHERIT",
    "supabase_admin": "LOGIN SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS",
    "supabase_auth_admin": "LOGIN NOINHERIT CREATEROLE",
    "supabase_storage_admin": "LOGIN NOINHERIT CREATEROLE",
    "supabase_functions_admin": "LOGIN NOINHERIT CREATEROLE",
    "supabase_realtime_admin": "NOLOGIN NOINHERIT",
    "supabase_replication_admin": "LOGIN REPLICATION",
    "supabase_read_only_user": "LOGIN BYPASSRLS",
    "supabase_etl_admin": "LOGIN REPLICATION",
    "dashboard_user": "NOLOGIN CREATEDB CREATEROLE REPLICATION",
    "pgbouncer": "LOGIN"
  }';
  name text;
  attributes text;
BEGIN
  FOR name, attributes IN SELECT * FROM jsonb_each_text(wanted) LOOP
    IF to_regrole(name) IS NULL THEN
      EXECUTE format('CREATE ROLE %I %s', name, attributes);
    ELSE
      EXECUTE format('ALTER ROLE %I %s', name, attributes);
    END IF;
  END LOOP;
END
$$;

-- What a request may become (SET ROLE), and nothing that it has by itself: authenticator does not inherit.
GRANT anon, authenticated, service_role TO authenticator;
-- Storage asks as the user: authenticator is the way there.
GRANT authenticator TO supabase_storage_admin;

-- The owner of the project's own objects: enough for an application and for `supabase db push` without being a superuser.
GRANT anon, authenticated, service_role, authenticator TO postgres;
GRANT supabase_auth_admin, supabase_storage_admin, supabase_functions_admin, supabase_realtime_admin TO postgres;
GRANT pg_monitor, pg_signal_backend, pg_read_all_data TO postgres;
GRANT pg_monitor, pg_read_all_data TO supabase_read_only_user, supabase_etl_admin;

ALTER ROLE anon SET statement_timeout = '3s';
ALTER ROLE authenticated SET statement_timeout = '8s';
ALTER ROLE authenticator SET statement_timeout = '8s';
ALTER ROLE authenticator SET lock_timeout = '8s';
ALTER ROLE postgres SET search_path = "$user", public, extensions;
ALTER ROLE supabase_admin SET search_path = "$user", public, auth, extensions;
ALTER ROLE supabase_auth_admin SET search_path = auth;
ALTER ROLE supabase_auth_admin SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE supabase_auth_admin SET log_statement = 'none';
ALTER ROLE supabase_storage_admin SET search_path = storage;
ALTER ROLE supabase_storage_admin SET log_statement = 'none';
ALTER ROLE supabase_functions_admin SET search_path = supabase_functions;
ALTER ROLE supabase_read_only_user SET default_transaction_read_only = on;

-- What the API may be told in the database, without being a superuser.
DO $$
DECLARE
  name text;
BEGIN
  IF current_setting('server_version_num')::integer >= 150000 THEN
    FOREACH name IN ARRAY '{db_schemas,db_extra_search_path,db_max_rows,db_pre_request,db_aggregates_enabled,db_plan_enabled}'::text[] LOOP
      EXECUTE format('GRANT SET ON PARAMETER %I TO postgres', 'pgrst.' || name);
    END LOOP;
  END IF;
END
$$;

DO $$
BEGIN
  EXECUTE format('GRANT ALL ON DATABASE %I TO postgres, dashboard_user', current_database());
  EXECUTE format('GRANT CREATE ON DATABASE %I TO supabase_etl_admin', current_database());
  EXECUTE format(
    'GRANT CREATE, TEMPORARY ON DATABASE %I TO supabase_auth_admin, supabase_storage_admin, supabase_functions_admin', current_database()
  );
END
$$;
