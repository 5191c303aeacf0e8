-- Database webhooks: a trigger that sends a row over HTTP, and the record of what was sent.
-- net.http_get and net.http_post are looked up when the trigger fires, so pg_net, or what stands in for it, may come later.
-- The schema _realtime stays empty: the official realtime server makes its own tables there.

SET LOCAL ROLE supabase_functions_admin;

CREATE TABLE IF NOT EXISTS supabase_functions.migrations (
  version text PRIMARY KEY,
  inserted_at timestamptz NOT NULL DEFAULT now()
);
-- The official image's two scripts, so that tools that look here do not run them again.
INSERT INTO supabase_functions.migrations (version) VALUES ('initial'), ('20210809183423_update_grants')
ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS supabase_functions.hooks (
  id bigserial PRIMARY KEY,
  hook_table_id integer NOT NULL,
  hook_name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  request_id bigint
);
COMMENT ON TABLE supabase_functions.hooks IS 'One row for each request that a webhook made.';
CREATE INDEX IF NOT EXISTS supabase_functions_hooks_request_id_idx ON supabase_functions.hooks (request_id);
CREATE INDEX IF NOT EXISTS supabase_functions_hooks_h_table_id_h_name_idx ON supabase_functions.hooks (hook_table_id, hook_name);

-- Arguments: URL, GET or POST, headers (JSON), query parameters (JSON), timeout (ms, 1000); "null" is no value.
-- Runs as its owner: whoever changes a row needs no right to send requests.
CREATE OR REPLACE FUNCTION supabase_functions.http_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  url CONSTANT text := NULLIF(TG_ARGV[0], 'null');
  method CONSTANT text := NULLIF(TG_ARGV[1], 'null');
  headers CONSTANT jsonb := COALESCE(NULLIF(TG_ARGV[2], 'null'), '{"Content-Type": "application/json"}');
  params CONSTANT jsonb := COALESCE(NULLIF(TG_ARGV[3], 'null'), '{}');
  timeout_ms CONSTANT integer := COALESCE(NULLIF(TG_ARGV[4], 'null'), '1000');
  request_id bigint;
BEGIN
  IF url IS NULL THEN
    RAISE EXCEPTION 'webhook % has no url argument', TG_NAME;
  END IF;
  CASE method
    WHEN 'GET' THEN
      request_id := net.http_get(url => url, params => params, headers => headers, timeout_milliseconds => timeout_ms);
    WHEN 'POST' THEN
      request_id := net.http_post(
        url => url,
        body => jsonb_build_object(
          'old_record', OLD, 'record', NEW, 'type', TG_OP, 'table', TG_TABLE_NAME, 'schema', TG_TABLE_SCHEMA
        ),
        params => params,
        headers => headers,
        timeout_milliseconds => timeout_ms
      );
    ELSE
      RAISE EXCEPTION 'webhook % has the method "%": only GET and POST are known', TG_NAME, method;
  END CASE;
  INSERT INTO supabase_functions.hooks (hook_table_id, hook_name, request_id) VALUES (TG_RELID, TG_NAME, request_id);
  RETURN COALESCE(NEW, OLD);
END
$$;
REVOKE ALL ON FUNCTION supabase_functions.http_request() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION supabase_functions.http_request() TO postgres, anon, authenticated, service_role;

-- Narrower than the official image, which lets anon and authenticated write here as well: nothing needs that.
GRANT ALL ON supabase_functions.hooks, supabase_functions.migrations TO postgres, service_role;
GRANT ALL ON SEQUENCE supabase_functions.hooks_id_seq TO postgres, service_role;

RESET ROLE;
