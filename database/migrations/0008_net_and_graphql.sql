-- What stands in for extensions that Debian does not have.
--
-- pg_net: its functions with their signatures put a request into its queue, and answers are looked up in its table, as with the extension.
-- Requests go out once their transaction has committed. Left alone where the extension itself is there.
--
-- pg_graphql: there is no honest equivalent in SQL. Its entry point answers what Supabase's own placeholder answers: that it is not there.

DO $do$
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_net') THEN
    RETURN;
  END IF;

  IF to_regtype('net.http_method') IS NULL THEN
    CREATE DOMAIN net.http_method AS text CHECK (VALUE IN ('GET', 'POST', 'DELETE'));
  END IF;
  IF to_regtype('net.request_status') IS NULL THEN
    CREATE TYPE net.request_status AS ENUM ('PENDING', 'SUCCESS', 'ERROR');
  END IF;
  IF to_regtype('net.http_response') IS NULL THEN
    CREATE TYPE net.http_response AS (status_code integer, headers jsonb, body text);
  END IF;
  IF to_regtype('net.http_response_result') IS NULL THEN
    CREATE TYPE net.http_response_result AS (status net.request_status, message text, response net.http_response);
  END IF;

  CREATE TABLE IF NOT EXISTS net.http_request_queue (
    id bigserial PRIMARY KEY,
    method net.http_method NOT NULL,
    url text NOT NULL,
    headers jsonb,
    body bytea,
    timeout_milliseconds integer NOT NULL
  );
  CREATE TABLE IF NOT EXISTS net._http_response (
    id bigint PRIMARY KEY,
    status_code integer,
    content_type text,
    headers jsonb,
    content text,
    timed_out boolean,
    error_msg text,
    created timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX IF NOT EXISTS _http_response_created_idx ON net._http_response (created);

  CREATE OR REPLACE FUNCTION net._urlencode_string(string character varying) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT SET search_path = '' AS $f$
    SELECT coalesce(pg_catalog.string_agg(
      CASE
        WHEN character ~ '^[A-Za-z0-9._~-]$' THEN character
        ELSE pg_catalog.upper(pg_catalog.regexp_replace(pg_catalog.encode(pg_catalog.convert_to(character, 'utf8'), 'hex'), '(..)', '%\1', 'g'))
      END, '' ORDER BY place), '')
    FROM pg_catalog.regexp_split_to_table(string, '') WITH ORDINALITY AS letters (character, place)
  $f$;

  CREATE OR REPLACE FUNCTION net._encode_url_with_params_array(url text, params_array text[]) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT SET search_path = '' AS $f$
    SELECT CASE
      WHEN pg_catalog.cardinality(params_array) = 0 THEN url
      ELSE url || CASE WHEN pg_catalog.strpos(url, '?') > 0 THEN '&' ELSE '?' END || pg_catalog.array_to_string(params_array, '&')
    END
  $f$;

  CREATE OR REPLACE FUNCTION net._enqueue(
    method net.http_method, url text, params jsonb, headers jsonb, body bytea, timeout_milliseconds integer
  ) RETURNS bigint
  LANGUAGE plpgsql SET search_path = '' AS $f$
  DECLARE
    pairs text[];
    request_id bigint;
  BEGIN
    IF url !~* '^https?://[^/]' THEN
      RAISE EXCEPTION 'not a URL that can be requested: %', pg_catalog.left(url, 200) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF timeout_milliseconds <= 0 THEN
      RAISE EXCEPTION 'timeout_milliseconds must be positive' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT coalesce(
      pg_catalog.array_agg(net._urlencode_string(key) || '=' || net._urlencode_string(value)), ARRAY[]::text[]
    ) INTO pairs FROM pg_catalog.jsonb_each_text(coalesce(params, '{}'));
    INSERT INTO net.http_request_queue (method, url, headers, body, timeout_milliseconds)
    VALUES (method, net._encode_url_with_params_array(url, pairs), headers, body, timeout_milliseconds)
    RETURNING id INTO request_id;
    PERFORM net.wake();
    RETURN request_id;
  END
  $f$;

  CREATE OR REPLACE FUNCTION net.wake() RETURNS void
  LANGUAGE sql SET search_path = '' AS $f$
    SELECT pg_catalog.pg_notify('holdfast_net', '')
  $f$;

  CREATE OR REPLACE FUNCTION net.http_get(
    url text, params jsonb DEFAULT '{}', headers jsonb DEFAULT '{}', timeout_milliseconds integer DEFAULT 5000
  ) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $f$
    SELECT net._enqueue('GET', url, params, headers, NULL, timeout_milliseconds)
  $f$;

  CREATE OR REPLACE FUNCTION net.http_post(
    url text,
    body jsonb DEFAULT '{}',
    params jsonb DEFAULT '{}',
    headers jsonb DEFAULT '{"Content-Type": "application/json"}',
    timeout_milliseconds integer DEFAULT 5000
  ) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $f$
  DECLARE
    content_type text;
  BEGIN
    SELECT value INTO content_type FROM pg_catalog.jsonb_each_text(coalesce(headers, '{}'))
    WHERE pg_catalog.lower(key) = 'content-type' LIMIT 1;
    IF content_type IS NULL THEN
      headers := coalesce(headers, '{}') || '{"Content-Type": "application/json"}';
    ELSIF content_type NOT ILIKE 'application/json%' THEN
      RAISE EXCEPTION 'Content-Type header must be "application/json"' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN net._enqueue('POST', url, params, headers, pg_catalog.convert_to(body::text, 'utf8'), timeout_milliseconds);
  END
  $f$;

  CREATE OR REPLACE FUNCTION net.http_delete(
    url text,
    params jsonb DEFAULT '{}',
    headers jsonb DEFAULT '{}',
    timeout_milliseconds integer DEFAULT 5000,
    body jsonb DEFAULT NULL
  ) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $f$
    SELECT net._enqueue('DELETE', url, params, headers, pg_catalog.convert_to(body::text, 'utf8'), timeout_milliseconds)
  $f$;

  CREATE OR REPLACE FUNCTION net._http_collect_response(request_id bigint, async boolean DEFAULT true) RETURNS net.http_response_result
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $f$
  DECLARE
    answer net._http_response;
  BEGIN
    LOOP
      SELECT * INTO answer FROM net._http_response AS response WHERE response.id = request_id;
      IF FOUND THEN
        EXIT;
      END IF;
      IF async THEN
        RETURN ROW('PENDING', 'request is pending processing', NULL)::net.http_response_result;
      END IF;
      PERFORM pg_catalog.pg_sleep(0.05);
    END LOOP;
    IF coalesce(answer.timed_out, false) OR answer.error_msg IS NOT NULL THEN
      RETURN ROW('ERROR', coalesce(answer.error_msg, 'timed out'), NULL)::net.http_response_result;
    END IF;
    RETURN ROW(
      'SUCCESS', 'ok', ROW(answer.status_code, answer.headers, answer.content)::net.http_response
    )::net.http_response_result;
  END
  $f$;

  CREATE OR REPLACE FUNCTION net.http_collect_response(request_id bigint, async boolean DEFAULT true) RETURNS net.http_response_result
  LANGUAGE sql SET search_path = '' AS $f$
    SELECT net._http_collect_response(request_id, async)
  $f$;

  REVOKE ALL ON ALL TABLES IN SCHEMA net FROM PUBLIC;
  REVOKE ALL ON FUNCTION net._enqueue(net.http_method, text, jsonb, jsonb, bytea, integer) FROM PUBLIC;
  -- Answers may hold what only the asker should see, and nobody is recorded as the asker.
  REVOKE ALL ON FUNCTION net._http_collect_response(bigint, boolean), net.http_collect_response(bigint, boolean) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION net._http_collect_response(bigint, boolean), net.http_collect_response(bigint, boolean)
    TO postgres, supabase_functions_admin, service_role;
  GRANT USAGE ON SCHEMA net TO supabase_functions_admin, postgres, anon, authenticated, service_role;
  GRANT SELECT ON net.http_request_queue, net._http_response TO postgres, supabase_functions_admin, service_role;
END
$do$;

DO $do$
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_graphql') THEN
    RETURN;
  END IF;
  CREATE OR REPLACE FUNCTION graphql_public.graphql(
    "operationName" text DEFAULT NULL, query text DEFAULT NULL, variables jsonb DEFAULT NULL, extensions jsonb DEFAULT NULL
  ) RETURNS jsonb
  LANGUAGE sql IMMUTABLE SET search_path = '' AS $f$
    SELECT pg_catalog.jsonb_build_object('errors', pg_catalog.jsonb_build_array(
      pg_catalog.jsonb_build_object('message', 'pg_graphql is not available on this database.')
    ))
  $f$;
END
$do$;
