-- What Holdfast's worker needs to empty the queue of pg_net's stand-in: a role of its own, and four functions that are all it may use.
--
-- A request is claimed in a short transaction, made with no transaction open, and answered in another one, which takes it out of the
-- queue. A claim that was committed and not answered (a worker was killed, a machine is gone) runs out, and another worker takes over; `attempts` counts.
-- Claims are a table of their own: the queue keeps the columns that pg_net's users know, and may be truncated.

DO $do$
BEGIN
  IF to_regrole('holdfast_net') IS NULL THEN
    CREATE ROLE holdfast_net;
  END IF;
  -- The limit: sessions that were given up by their worker may wait for a synchronous standby for long.
  ALTER ROLE holdfast_net LOGIN CONNECTION LIMIT 20;
END
$do$;

DO $do$
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_net') THEN
    RETURN;
  END IF;

  CREATE TABLE IF NOT EXISTS net._http_claim (
    id bigint PRIMARY KEY,
    token uuid NOT NULL,
    worker text NOT NULL,
    attempts integer NOT NULL,
    expires timestamptz NOT NULL
  );

  -- The oldest requests that nobody works on: at most so many, and until the sizes of those before come to `byte_limit`. What is larger
  -- than `size_limit` comes without its content.
  CREATE OR REPLACE FUNCTION net._claim_requests(
    claimant text, row_limit integer, byte_limit bigint, size_limit integer, grace_milliseconds integer
  ) RETURNS TABLE (
    id bigint, token uuid, attempts integer, method text, url text, headers json, body bytea, timeout_milliseconds integer, size bigint
  )
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = '' AS $f$
    WITH free AS (
      SELECT queue.id FROM net.http_request_queue AS queue
      WHERE NOT EXISTS (
        SELECT FROM net._http_claim AS claim WHERE claim.id = queue.id AND claim.expires > pg_catalog.clock_timestamp()
      )
      ORDER BY queue.id LIMIT row_limit FOR UPDATE SKIP LOCKED
    ), sized AS (
      SELECT queue.*, size.bytes, pg_catalog.sum(LEAST(size.bytes, size_limit)) OVER (ORDER BY queue.id) AS bytes_so_far
      FROM free JOIN net.http_request_queue AS queue ON queue.id = free.id
      CROSS JOIN LATERAL (
        SELECT pg_catalog.octet_length(queue.url)::bigint + coalesce(pg_catalog.pg_column_size(queue.headers), 0)
          + coalesce(pg_catalog.octet_length(queue.body), 0) AS bytes
      ) AS size
    ), claimed AS (
      INSERT INTO net._http_claim AS claim (id, token, worker, attempts, expires)
      SELECT sized.id, pg_catalog.gen_random_uuid(), claimant, 1, pg_catalog.clock_timestamp()
        + (LEAST(sized.timeout_milliseconds, 3600000) + grace_milliseconds) * interval '1 millisecond'
      FROM sized WHERE sized.bytes_so_far - LEAST(sized.bytes, size_limit) < byte_limit
      -- Another worker's claim may be newer than our snapshot.
      ON CONFLICT (id) DO UPDATE
        SET token = excluded.token, worker = excluded.worker, attempts = claim.attempts + 1, expires = excluded.expires
        WHERE claim.expires <= pg_catalog.clock_timestamp()
      RETURNING claim.id, claim.token, claim.attempts
    )
    SELECT claimed.id, claimed.token, claimed.attempts, sized.method::text,
      CASE WHEN sized.bytes <= size_limit THEN sized.url END,
      CASE WHEN sized.bytes <= size_limit AND pg_catalog.jsonb_typeof(sized.headers) = 'object' THEN (
        SELECT pg_catalog.json_object_agg(pair.key, pair.value) FROM pg_catalog.jsonb_each_text(sized.headers) AS pair WHERE pair.value IS NOT NULL
      ) END,
      CASE WHEN sized.bytes <= size_limit THEN sized.body END,
      sized.timeout_milliseconds, sized.bytes
    FROM claimed JOIN sized ON sized.id = claimed.id ORDER BY claimed.id
  $f$;

  -- Answers whose claim is still the one that the request was made under; twice does no harm.
  CREATE OR REPLACE FUNCTION net._record_responses(answers json) RETURNS integer
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = '' AS $f$
    WITH answer AS (
      SELECT * FROM pg_catalog.json_to_recordset(answers) AS (
        id bigint, token uuid, status_code integer, content_type text, headers jsonb, content text, timed_out boolean, error_msg text
      )
    ), ours AS (
      DELETE FROM net._http_claim AS claim USING answer WHERE claim.id = answer.id AND claim.token = answer.token RETURNING claim.id
    ), done AS (
      DELETE FROM net.http_request_queue AS queue USING ours WHERE queue.id = ours.id
    ), recorded AS (
      INSERT INTO net._http_response AS response (id, status_code, content_type, headers, content, timed_out, error_msg)
      SELECT answer.id, answer.status_code, answer.content_type, answer.headers, answer.content, answer.timed_out, answer.error_msg
      FROM answer JOIN ours ON ours.id = answer.id
      -- A queue whose numbers began anew.
      ON CONFLICT (id) DO UPDATE SET (status_code, content_type, headers, content, timed_out, error_msg, created) = (
        excluded.status_code, excluded.content_type, excluded.headers, excluded.content, excluded.timed_out, excluded.error_msg, excluded.created
      )
      RETURNING response.id
    )
    SELECT pg_catalog.count(*)::integer FROM recorded
  $f$;

  -- A worker's own claims but those that it names. `unsent`: it knows that they were not sent, so that they do not count as an attempt.
  CREATE OR REPLACE FUNCTION net._release_requests(claimant text, keep uuid[], unsent boolean) RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = '' AS $f$
    UPDATE net._http_claim SET expires = '-infinity', attempts = attempts - CASE WHEN unsent THEN 1 ELSE 0 END
    WHERE worker = claimant AND token <> ALL (keep) AND expires > '-infinity'
  $f$;

  -- Answers older than that, the oldest first; answers how many. Claims on what was taken out of the queue by hand go as well.
  CREATE OR REPLACE FUNCTION net._delete_responses(older_than interval, row_limit integer) RETURNS integer
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = '' AS $f$
    WITH old AS (
      SELECT response.id FROM net._http_response AS response
      WHERE response.created < pg_catalog.now() - older_than ORDER BY response.created LIMIT row_limit FOR UPDATE SKIP LOCKED
    ), deleted AS (
      DELETE FROM net._http_response AS response USING old WHERE response.id = old.id RETURNING response.id
    ), unclaimed AS (
      DELETE FROM net._http_claim AS claim WHERE claim.expires < pg_catalog.now() - interval '1 hour'
        AND NOT EXISTS (SELECT FROM net.http_request_queue AS queue WHERE queue.id = claim.id)
    )
    SELECT pg_catalog.count(*)::integer FROM deleted
  $f$;

  -- A queue that nobody empties must not fill the disk. Numbers are given in order, so that their distance is an upper bound of the
  -- count; only where it is too large are rows counted.
  CREATE OR REPLACE FUNCTION net._bound_queue() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $f$
  DECLARE
    row_limit CONSTANT bigint := 1000000;
  BEGIN
    IF (SELECT pg_catalog.max(id) - pg_catalog.min(id) FROM net.http_request_queue) >= row_limit
      AND (SELECT pg_catalog.count(*) FROM (SELECT FROM net.http_request_queue LIMIT row_limit + 1) AS waiting) > row_limit
    THEN
      RAISE EXCEPTION 'more than % requests wait in net.http_request_queue', row_limit
        USING ERRCODE = 'configuration_limit_exceeded', HINT = 'Does the worker run? See holdfast ps, and holdfast logs net.';
    END IF;
    RETURN NULL;
  END
  $f$;
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'bound_queue' AND tgrelid = 'net.http_request_queue'::regclass) THEN
    CREATE TRIGGER bound_queue AFTER INSERT ON net.http_request_queue FOR EACH STATEMENT EXECUTE FUNCTION net._bound_queue();
  END IF;

  REVOKE ALL ON net._http_claim FROM PUBLIC;
  REVOKE ALL ON FUNCTION net._claim_requests(text, integer, bigint, integer, integer), net._record_responses(json),
    net._release_requests(text, uuid[], boolean), net._delete_responses(interval, integer), net._bound_queue() FROM PUBLIC;
  GRANT USAGE ON SCHEMA net TO holdfast_net;
  GRANT EXECUTE ON FUNCTION net._claim_requests(text, integer, bigint, integer, integer), net._record_responses(json),
    net._release_requests(text, uuid[], boolean), net._delete_responses(interval, integer) TO holdfast_net;
  GRANT SELECT ON net._http_claim TO postgres, supabase_functions_admin, service_role;
END
$do$;
