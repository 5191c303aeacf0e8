-- The schemas of Supabase's parts. A part's own role may create in its schema, so that the part can migrate by itself; the API's roles may
-- look things up where an API shows them.

CREATE SCHEMA IF NOT EXISTS extensions AUTHORIZATION postgres;
CREATE SCHEMA IF NOT EXISTS auth AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS storage AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS realtime AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS _realtime AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS _analytics AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS _supavisor AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS graphql AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS graphql_public AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS supabase_functions AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS supabase_migrations AUTHORIZATION postgres;
CREATE SCHEMA IF NOT EXISTS vault AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS net AUTHORIZATION supabase_admin;

GRANT USAGE ON SCHEMA public, extensions, auth, storage, realtime, graphql, graphql_public TO anon, authenticated, service_role;
GRANT ALL ON SCHEMA public, extensions, graphql_public TO postgres;
GRANT ALL ON SCHEMA auth, storage, extensions TO dashboard_user;
GRANT USAGE ON SCHEMA auth, storage, realtime, supabase_functions, net, vault TO postgres WITH GRANT OPTION;

GRANT ALL ON SCHEMA auth TO supabase_auth_admin;
GRANT ALL ON SCHEMA storage TO supabase_storage_admin;
GRANT ALL ON SCHEMA realtime TO supabase_realtime_admin;
GRANT ALL ON SCHEMA supabase_functions TO supabase_functions_admin;
GRANT USAGE ON SCHEMA extensions TO supabase_auth_admin, supabase_storage_admin, supabase_functions_admin, supabase_realtime_admin;
GRANT USAGE ON SCHEMA supabase_functions TO anon, authenticated, service_role;
GRANT USAGE ON SCHEMA _analytics TO service_role;
