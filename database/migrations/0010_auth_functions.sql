-- What policies ask about the caller: auth.uid(), auth.role(), auth.email(), auth.jwt(), with the signatures and
-- results of the official Auth server's.

-- PostgREST sets request.jwt.claims; older ones set request.jwt.claim.<name> for each claim. A setting that was
-- SET LOCAL once reads as '' afterwards, not as NULL: both mean that there is no caller.
-- No SET clause here: it would keep the planner from inlining the functions into policies.

CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    nullif(pg_catalog.current_setting('request.jwt.claim.sub', true), ''),
    nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  )::uuid
$$;

CREATE OR REPLACE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    nullif(pg_catalog.current_setting('request.jwt.claim.role', true), ''),
    nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
  )
$$;

CREATE OR REPLACE FUNCTION auth.email() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    nullif(pg_catalog.current_setting('request.jwt.claim.email', true), ''),
    nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
  )
$$;

CREATE OR REPLACE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    nullif(pg_catalog.current_setting('request.jwt.claim', true), ''),
    nullif(pg_catalog.current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;

COMMENT ON FUNCTION auth.uid() IS 'The caller''s user id, claim sub. Newer policies read auth.jwt().';
COMMENT ON FUNCTION auth.role() IS 'The caller''s role, claim role. Newer policies read auth.jwt().';
COMMENT ON FUNCTION auth.email() IS 'The caller''s email address, claim email. Newer policies read auth.jwt().';
COMMENT ON FUNCTION auth.jwt() IS 'Every claim of the caller''s token; NULL without one.';

ALTER FUNCTION auth.uid() OWNER TO supabase_auth_admin;
ALTER FUNCTION auth.role() OWNER TO supabase_auth_admin;
ALTER FUNCTION auth.email() OWNER TO supabase_auth_admin;
ALTER FUNCTION auth.jwt() OWNER TO supabase_auth_admin;

GRANT EXECUTE ON FUNCTION auth.uid(), auth.role(), auth.email(), auth.jwt() TO postgres, dashboard_user;
